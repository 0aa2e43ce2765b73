import t from 'tap'
import { testNode } from '../node.ts'
import { sight, sightings } from '../sightings.ts'
import { handling } from './graphql.ts'

/** By how many something was seen, and what that must not tell. */

t.setTimeout(300_000)

const green = handling('cert-br', { tlp: 'green' })
const domain = { type: 'domain-name', value: 'evil.example.com' }
const now = '2026-06-01T00:00:00.000Z'

t.test('prevalence does not tell who is behind an alias', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  await sight(node, 'diego.csirt-cl', id)
  await sight(node, 'diego.csirt-cl', id, { attribution: 'anonymous' })
  const { reports, prevalence } = (await sightings(node, 'ana.cert-br', id)).body
  t.equal(reports.length, 2)
  t.strictSame(prevalence, { organisations: 2, jurisdictions: 1 }, 'as if another one had said so')
  t.strictSame((await sightings(node, 'diego.csirt-cl', id)).body.prevalence, { organisations: 1, jurisdictions: 1 })
  const other = await node.plant(green, { type: 'domain-name', value: 'b.example.com' })
  await sight(node, 'sofia.csirt-ar', other)
  await sight(node, 'diego.csirt-cl', other, { attribution: 'anonymous' })
  t.strictSame(
    (await sightings(node, 'ana.cert-br', other)).body.prevalence,
    { organisations: 2, jurisdictions: 1 },
    'nor from where',
  )
})

t.test('nor by whether it is one of five, or of those whom the reader does not know of', async (t) => {
  const node = await testNode(t)
  const one = async (n: number, named: readonly string[], anonymous: string, others: readonly string[]) => {
    const id = await node.plant(green, { type: 'domain-name', value: `p${n}.example.com` })
    const uuid = id.slice('indicator--'.length)
    const [own] = await node.context.policy.intern([handling(anonymous, { tlp: 'green', attribution: 'anonymous' })])
    const add = (reporter: string, handlingId?: number) =>
      node.context.database.client.query(
        `insert into sighting (stix_id, originator, reporter, type, handling_id, times, first_seen, last_seen)
         values ($1, 'cert-br', $2, 'seen', $3, 1, $4, $4)`,
        [uuid, reporter, handlingId ?? null, now],
      )
    for (const each of [...named, ...others]) await add(each)
    await add(anonymous, own)
    const { body } = await sightings(node, 'diego.csirt-cl', id)
    t.equal(body.reports.filter(({ alias }: { alias?: string }) => alias !== undefined).length, 1)
    return body.prevalence
  }
  // Nobody in Chile may know what Germany's says.
  const hidden = ['beobachter-de']
  const five = ['cert-br', 'colcert', 'csirt-ar', 'rede-sul', 'csirt-cl']
  const six = { organisations: 7, jurisdictions: 5 }
  t.strictSame(await one(1, five, 'colcert', hidden), six, 'by one who is named')
  t.strictSame(await one(2, five, 'red-andina', hidden), six, 'by another')
  const four = five.slice(1)
  const less = { organisations: 5, jurisdictions: 4 }
  t.strictSame(await one(3, four, 'colcert', []), less, 'four and one of them')
  t.strictSame(await one(4, four, 'cert-br', []), less, 'four and another')
})
