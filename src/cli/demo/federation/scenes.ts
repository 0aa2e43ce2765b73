import { setTimeout as sleep } from 'node:timers/promises'
import { call, path, type Target } from '../../client.ts'
import { expect } from '../stage.ts'
import { playSteps, type Step, type StepResult } from '../transcript.ts'
import { brazil, type Country, chile, countries, mayHold, mexico, perCountry, samplesOf } from './cast.ts'
import { enrolPeer } from './enrol.ts'
import { type Region, until } from './region.ts'

/** What is published while the link is cut: one that everybody may have, and these that Mexico may not have of Brazil. */
const whileCut = 200
const everybodys = '3fff:55::c1ea'

/** Publishes files as somebody. @returns how many indicators were accepted */
export type PublishFiles = (target: Target) => Promise<number>

/** Three countries share: what each holds, a link that is cut and healed, a recall. @param files beside the invented indicators */
export async function playFederation(region: Region, files?: PublishFiles): Promise<StepResult[]> {
  const more: readonly Step[] =
    files === undefined ? [] : [['CERT.br publishes your files', () => publishingFiles(region, files)]]
  return await playSteps(region, [
    ['Three nodes enrol each other, by thumbprints that people compared', () => enrolling(region)],
    ['Each publishes, and holds of the others what its own may have', () => sharing(region)],
    ...more,
    ['The link between Brazil and Chile is cut, and both publish', () => cutting(region)],
    ['The link is healed', () => healing(region)],
    ['Brazil recalls, and sees who has confirmed it', () => recalling(region)],
  ])
}

async function enrolling(region: Region): Promise<void> {
  for (const here of countries)
    for (const there of countries) if (here !== there) await enrolPeer(region.of(here), region.of(there))
  for (const country of countries) {
    const { nodeId, thumbprints } = region.of(country)
    region.narrator.line(`${country.name}, ${country.team.name}: node ${nodeId}`)
    region.narrator.code(`key ${thumbprints[0]}, entered by the two others; any other thumbprint is refused`)
  }
  region.narrator.line('Agreements: Brazil–Chile and Chile–Mexico. Between Brazil and Mexico there is none.')
}

async function sharing(region: Region): Promise<void> {
  const samples = new Map(countries.map((country) => [country, samplesOf(country, new Date())]))
  for (const [country, records] of samples) await region.publish(country, records)
  const pairs = countries.flatMap((here) => countries.map((of) => ({ here, of })))
  const wanted = ({ here, of }: { here: Country; of: Country }) =>
    here === of ? perCountry : mayHold(here, of, samples.get(of) ?? [])
  for (const pair of pairs)
    await until(`${pair.here.name} holds ${wanted(pair)} of ${pair.of.team.name}`, async () => {
      const there = await region.count(pair.here, pair.of)
      expect(there <= wanted(pair), `${pair.here.name} holds no more of ${pair.of.team.name} than it may`)
      return there === wanted(pair)
    })
  region.narrator.line(`held in   ${countries.map(({ team }) => `of ${team.name}`.padEnd(16)).join('')}`.trimEnd())
  for (const here of countries) {
    const numbers = countries.map((of) => String(wanted({ here, of })).padEnd(16))
    region.narrator.line(`${here.name.padEnd(10)}${numbers.join('')}`.trimEnd())
  }
  region.narrator.line(
    'Mexico has what is CLEAR of Brazil, and Brazil of Mexico; personal data is masked, and stays at home.',
  )
  const green = samples.get(brazil)?.find(({ tlp, personalData }) => tlp === 'green' && personalData !== true)
  const found = await region.find(brazil, green?.value ?? '')
  expect(found !== undefined, 'Brazil finds what it published')
  const [inChile, inMexico] = [await region.read(chile, found.id), await region.read(mexico, found.id)]
  expect(inChile.status === 200 && inMexico.status === 404, 'GREEN of Brazil is in Chile, and not in Mexico')
  region.narrator.line(`${green?.value}, GREEN of CERT.br: Chile 200, Mexico 404`)
}

async function publishingFiles(region: Region, files: PublishFiles): Promise<void> {
  const began = performance.now()
  const accepted = await files(region.person(brazil))
  for (const here of [chile, mexico]) {
    let last = -1
    await until(`${here.name} has stored what Brazil gave it`, async () => {
      const before = last
      last = await region.count(here, brazil)
      // twice the same, a second apart: nothing more comes
      if (before !== last) return await sleep(1_000, false)
      return (await region.peerState(brazil, here)).giving.unconfirmed === 0
    })
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  const [inChile, inMexico] = [await region.count(chile, brazil), await region.count(mexico, brazil)]
  region.narrator.line(
    `${accepted} indicators; after ${seconds} s Chile holds ${inChile} of CERT.br, Mexico ${inMexico}`,
  )
}

const lateValue = (country: Country, n: number): string =>
  `3fff:${country.team.jurisdiction === 'BR' ? '55' : '56'}::${n.toString(16)}`

/** GREEN of Brazil may not go to Mexico. That of Chile may, and would come to Brazil by Mexico: it is for Brazil's team alone. */
const late = (country: Country) =>
  Array.from({ length: whileCut }, (_, n) => ({
    ...{ type: 'ipv6-address', value: lateValue(country, n + 1) },
    ...(country === brazil ? { tlp: 'green' } : { tlp: 'amber', audience: [brazil.team.id] }),
  }))

/** What the two hold of each other: of Brazil one is CLEAR beside the first ones. */
async function counts(region: Region): Promise<[chileHolds: number, brazilHolds: number]> {
  return [await region.count(chile, brazil), await region.count(brazil, chile)]
}

async function cutting(region: Region): Promise<void> {
  const before = await counts(region)
  region.cut(brazil, chile)
  await region.publish(brazil, [{ type: 'ipv6-address', value: everybodys, tlp: 'clear' }, ...late(brazil)])
  await region.publish(chile, late(chile))
  region.narrator.line(
    `CERT.br publishes ${everybodys}, CLEAR, and ${whileCut} GREEN ones; CSIRT Chile ${whileCut} AMBER ones for CERT.br`,
  )
  await until('it comes by Mexico', async () => (await region.find(chile, everybodys)) !== undefined)
  const found = await region.find(chile, everybodys)
  const { node, hops } = await region.provenance(chile, found?.id ?? '')
  const way = [node.name, ...hops.map((hop) => hop.node.name), chile.team.name]
  expect(way.join() === 'CERT.br,CERT-MX,CSIRT Chile', 'its hops say that it came by Mexico')
  region.narrator.line(`the CLEAR one reaches Chile all the same: ${way.join(' → ')}`)
  await until('Chile cannot reach Brazil', async () => (await region.peerState(chile, brazil)).taking.failures > 0)
  const after = await counts(region)
  expect(after[0] === before[0] + 1 && after[1] === before[1], 'what Mexico may not have does not come')
  region.narrator.line('the others wait: Mexico may not have them, and so passes none of them on')
}

async function healing(region: Region): Promise<void> {
  const before = await counts(region)
  region.heal()
  const seconds = await until('both hold what the other published', async () => {
    const now = await counts(region)
    return now[0] === before[0] + whileCut && now[1] === before[1] + whileCut
  })
  region.narrator.line(`after ${seconds} s both hold the ${whileCut} that the other published`)
}

async function recalling(region: Region): Promise<void> {
  const found = await region.find(brazil, everybodys)
  expect(found !== undefined, 'Brazil finds it')
  const { id } = found
  const confirmed = async (): Promise<string[]> =>
    (await region.holders(brazil, id))
      .filter(({ withdrawn, version, storedVersion }) => withdrawn && storedVersion === version)
      .map(({ node }) => node.name ?? '')
  await until('both others hold it', async () => (await region.holders(brazil, id)).length === 2)
  expect((await confirmed()).length === 0, 'nobody has confirmed a recall that was not made')
  const body = { reason: 'The sensor was wrong (invented).' }
  await call(region.person(brazil), path('v1', 'indicators', id, 'recall'), { method: 'POST', body })
  const seconds = await until('both copies are gone', async () => {
    const answers = await Promise.all([chile, mexico].map((country) => region.read(country, id)))
    return answers.every(({ status, text }) => status !== 200 && !text.includes(everybodys))
  })
  region.narrator.line(`CERT.br recalls ${everybodys}: after ${seconds} s Chile and Mexico have it no more`)
  await until('both confirm it', async () => (await confirmed()).length === 2)
  region.narrator.line(`CERT.br sees who confirmed it: ${(await confirmed()).sort().join(', ')}`)
}
