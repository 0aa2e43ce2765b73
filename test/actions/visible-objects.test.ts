import fc from 'fast-check'
import t from 'tap'
import { partsOfRows } from '../../src/actions/object-parts.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { Queries } from '../../src/store/database.ts'
import { handling } from '../api/graphql.ts'
import { type TestNode, testNode } from '../node.ts'
import { ComposedOracle, type Published } from '../policy/composed-oracle.ts'

const originators = ['cert-br', 'csirt-cl'] as const
const labels = ['clear', 'green', 'amber'] as const
type Label = (typeof labels)[number]

/** Who reads, and which labels it may have of others: AMBER is addressed to the national CSIRT of Chile. */
const readers: readonly { account: string; organisation?: string; has: (label: Label, of: string) => boolean }[] = [
  { account: 'anonymous', has: (label) => label === 'clear' },
  { account: 'sofia.csirt-ar', organisation: 'csirt-ar', has: (label) => label !== 'amber' },
  { account: 'camila.csirt-cl', organisation: 'csirt-cl', has: () => true },
  { account: 'bruno.cert-br', organisation: 'cert-br', has: (label, of) => label !== 'amber' || of === 'cert-br' },
]

/** Ids are few, so that organisations meet under one, and what names another may name itself. */
const ids = [
  ...[1, 2, 3, 4].map((n) => idOf('tool', n)),
  ...[1, 2, 3].map((n) => idOf('relationship', n)),
  ...[1, 2].map((n) => idOf('report', n)),
  ...[1, 2].map((n) => idOf('note', n)),
]
function idOf(type: string, n: number): string {
  return `${type}--${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`
}

interface Drawn {
  readonly id: string
  readonly originator: (typeof originators)[number]
  readonly label: Label
  readonly recalled: boolean
  /** Indices of what it refers to: ids, then indicators. */
  readonly refs: readonly number[]
}

const indicators = 2
const drawn: fc.Arbitrary<Drawn> = fc.record({
  id: fc.constantFrom(...ids),
  originator: fc.constantFrom(...originators),
  label: fc.constantFrom(...labels),
  recalled: fc.nat({ max: 5 }).map((n) => n === 0),
  refs: fc.array(fc.nat({ max: ids.length + indicators }), { minLength: 1, maxLength: 4 }),
})

const time = '2024-01-01T00:00:00.000Z'
const handlingOf = (originator: string, label: Label): Handling =>
  handling(originator, { tlp: label, ...(label === 'amber' ? { organisations: ['csirt-cl'] } : {}) }) as Handling

/** What is drawn as STIX has it, and as the text reads it. */
function made({ id, refs }: Drawn, all: readonly string[]) {
  const type = id.slice(0, id.indexOf('--'))
  const named = refs.map((n) => all[n] ?? idOf('tool', 99))
  const [first = '', second = first] = named
  if (type === 'relationship') {
    const object = { relationship_type: 'related-to', source_ref: first, target_ref: second }
    return { object: { type, ...object }, needs: [first, second], about: [], names: [first, second] }
  }
  if (type === 'tool') return { object: { type, name: 'x', x_other_ref: first }, needs: [], about: [], names: [first] }
  const text = type === 'note' ? { content: 'x' } : { name: 'x', published: time }
  const object = { ...text, object_refs: named, x_other_ref: second }
  return { object: { type, ...object }, needs: [], about: named, names: [...named, second] }
}

t.setTimeout(300_000)

t.test('what is made of others is there as the text says, for whoever reads, in full pages', async (t) => {
  const node = await testNode(t)
  const planted: { label: Label; of: string; id: string }[] = []
  for (const [n, label] of (['green', 'amber'] as const).entries()) {
    const id = await node.plant(handlingOf('cert-br', label), { type: 'domain-name', value: `h${n}.example.org` })
    planted.push({ label, of: 'cert-br', id })
  }
  const all = [...ids, ...planted.map(({ id }) => id)]
  const scenario = fc.record({
    objects: fc.uniqueArray(drawn, { minLength: 4, maxLength: 18, selector: ({ id, originator }) => id + originator }),
    limit: fc.constantFrom(1, 2, 3, 7, 100),
  })
  let compared = 0
  await fc.assert(
    fc.asyncProperty(scenario, async ({ objects, limit }) => {
      await node.context.database.client.query('delete from stix_object')
      for (const each of objects) {
        await node.plantObject(handlingOf(each.originator, each.label), { ...made(each, all).object, id: each.id })
      }
      for (const { id, originator } of objects.filter(({ recalled }) => recalled)) {
        await node.context.database.client.query(
          'update stix_object set recalled = true where id = $1 and originator = $2',
          [id, originator],
        )
      }
      for (const reader of readers) {
        const published: Published[] = objects.map((each) => ({
          ...made(each, all),
          id: each.id,
          originator: each.originator,
          recalled: each.recalled,
          permitted: each.originator === reader.organisation || reader.has(each.label, each.originator),
        }))
        for (const { id, label, of } of planted) {
          const permitted = of === reader.organisation || reader.has(label, of)
          published.push({ id, originator: of, recalled: false, permitted, needs: [], about: [], names: [] })
        }
        const oracle = new ComposedOracle(published, reader.organisation)
        const expected = published
          .slice(0, objects.length)
          .filter((each) => oracle.canGet(each))
          .map((each) => [each.id, each.originator, [...new Set(oracle.left(each))].sort()])
        const found = await listed(node, reader.account, limit)
        if (JSON.stringify(found) !== JSON.stringify(expected)) {
          throw new Error(`${reader.account}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`)
        }
        compared += expected.length
      }
    }),
    { numRuns: 40 },
  )
  t.ok(compared > 400, `${compared} objects`)
})

/** Ids and references of all pages, each full but the last. */
async function listed(node: TestNode, account: string, limit: number) {
  const found: (readonly [id: string, originator: string, refs: readonly string[]])[] = []
  for (let url = `/v1/objects?limit=${limit}`; url !== ''; ) {
    const { body, headers, text } = await node.call(account, { method: 'GET', url })
    url = /<([^>]+)>; rel="next"/.exec(String(headers.link ?? ''))?.[1] ?? ''
    if (url !== '' && body.items.length !== limit) throw new Error(`a page of ${body.items.length}: ${text}`)
    for (const { object, originator } of body.items) {
      const { id, source_ref, target_ref, x_other_ref, object_refs = [] } = object
      const refs = [source_ref, target_ref, x_other_ref, ...object_refs].filter((ref) => ref !== undefined)
      found.push([id, originator.id, [...new Set<string>(refs)].sort()])
    }
  }
  return found
}

t.test(
  'what is read together is bounded: objects that name much are judged apart, and one alone sees no further',
  async (t) => {
    let [rows, most] = [0, 0]
    // Every note is about 64 tools of its own; of tools only the last of each note is there.
    const client = {
      query: async ({ values: [ids = []] }: { readonly values: readonly (readonly string[])[] }) => {
        rows += ids.length
        most = Math.max(most, ids.length)
        return {
          rows: ids.flatMap((id) => {
            const [type = '', n = ''] = id.split('--')
            const about = type === 'note' ? Array.from({ length: 64 }, (_, k) => `tool--${n}.${k}`) : []
            if (type === 'tool' && !n.endsWith('.63')) return []
            return [{ id, originator: 'cert-br', handling_id: 1, recalled: false, needs: [], about }]
          }),
        }
      },
    }
    const queries = { client } as unknown as Queries
    const reader = { objects: () => true, indicators: () => true, organisation: undefined }
    const notes = (from: number, count: number) => Array.from({ length: count }, (_, n) => `note--${from + n}`)
    const reports = Array.from({ length: 20 }, (_, n) => ({
      originator: 'cert-br',
      needs: [],
      about: notes(n * 100, 100),
    }))
    const judged = await partsOfRows(queries, reader, reports, ({ about }) => about, 1)
    t.equal(judged.length, 20)
    t.ok(
      judged.every(({ row, parts }) => row.about.every((id) => parts.isNamed(id, row.originator, 1))),
      'each as if it were alone',
    )
    t.ok(most <= 2_000, `${most} in one statement`)
    rows = 0
    const vast = { originator: 'cert-br', needs: [], about: notes(0, 5_000) }
    const [alone] = await partsOfRows(queries, reader, [vast], ({ about }) => about, 1)
    t.ok(rows <= 5_000, `${rows} ids`)
    t.notOk(alone?.parts.hasParts(vast, 1), 'what is beyond is not there')
  },
)
