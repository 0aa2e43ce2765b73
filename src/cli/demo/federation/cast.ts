import type { Agreement } from '../../../domain/agreement.ts'
import type { Tlp } from '../../../domain/tlp.ts'
import { accounts, type CastAccount, type CastCommunity, type CastOrganisation, organisations } from '../cast.ts'
import { type DemoRecord, generate } from '../generate.ts'

/** A country of the demo: its node is that of its national team, where one person reads and publishes. */
export interface Country {
  readonly name: string
  readonly team: CastOrganisation
  readonly person: CastAccount
}

export const brazil = country('Brazil', 'cert-br', 'ana.cert-br')
export const chile = country('Chile', 'csirt-cl', 'catalina.csirt-cl')
export const mexico = country('Mexico', 'cert-mx', 'ximena.cert-mx')
export const countries: readonly Country[] = [brazil, chile, mexico]

export const community: CastCommunity = {
  id: 'lac-csirts',
  name: 'National CSIRTs of the region',
  description: 'The three teams.',
  members: countries.map(({ team }) => team.id),
}

/** Invented, both. Between Brazil and Mexico there is none: above TLP:CLEAR nothing passes between them. */
export const agreements: readonly Agreement[] = [
  agreement('example-br-cl', 'Example memorandum Brazil–Chile (invented for the demo)', ['BR', 'CL']),
  agreement('example-cl-mx', 'Example memorandum Chile–Mexico (invented for the demo)', ['CL', 'MX']),
]

function agreement(id: string, name: string, parties: readonly string[]): Agreement {
  return {
    ...{ id, name, parties, maxTlp: 'amber+strict', purposes: ['defence'], personalData: false, example: true },
    validFrom: '2025-01-01T00:00:00.000Z',
    citation: 'Example citation 1/2025 (invented for the demo)',
  }
}

function country(name: string, organisation: string, account: string): Country {
  const [team, person] = [
    organisations.find(({ id }) => id === organisation),
    accounts.find(({ id }) => id === account),
  ]
  if (team === undefined || person === undefined) throw new Error(`the cast has no ${organisation} or ${account}`)
  return { name, team, person }
}

/** Whether indicators above TLP:CLEAR pass between two countries. */
export const agree = (a: Country, b: Country): boolean =>
  agreements.some(({ parties }) => [a, b].every(({ team }) => parties.includes(team.jurisdiction)))

/** What a country publishes first. */
export const perCountry = 400

/** A record of the demo under a handling that both kinds of borders tell apart. */
export type Sample = Pick<
  DemoRecord,
  'type' | 'value' | 'name' | 'class' | 'confidence' | 'labels' | 'personalData'
> & {
  readonly tlp: Tlp
  readonly audience?: readonly string[]
}

/** The indicators of a country: half CLEAR, the others GREEN or AMBER for the community; what is personal data is GREEN. */
export function samplesOf({ team }: Country, now: Date): Sample[] {
  return generate(team.id, perCountry, now).map((record, n) => {
    const { type, value, name, class: type_, confidence, labels, personalData } = record
    const tlp: Tlp = n % 4 === 3 ? 'amber' : personalData === true || n % 4 === 2 ? 'green' : 'clear'
    return {
      ...{ type, value, name, class: type_, confidence, labels, tlp },
      ...(personalData === undefined ? {} : { personalData }),
      ...(tlp === 'amber' ? { audience: [`community:${community.id}`] } : {}),
    }
  })
}

/** How many of one country's the node of another may hold. Personal data is masked for them all, and masked forms do not travel. */
export const mayHold = (holder: Country, of: Country, samples: readonly Sample[]): number =>
  samples.filter(({ tlp, personalData }) => personalData !== true && (tlp === 'clear' || agree(holder, of))).length
