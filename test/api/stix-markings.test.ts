import t from 'tap'
import { type StixMarkings, stixMarkings } from '../../src/domain/stix-markings.ts'
import { strictness, type Tlp, tlpOfMarking, tlps } from '../../src/domain/tlp.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { TaxiiClient } from '../taxii.ts'
import { dataOf } from './graphql.ts'

/** What a client is to be told, from the standards' texts and not from the code. */
const expected: Readonly<Record<StixMarkings, Readonly<Record<Tlp, string>>>> = {
  tlp2: {
    clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
    green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
    amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
    'amber+strict': 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
    red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
  },
  tlp1: {
    clear: 'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9',
    green: 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da',
    amber: 'marking-definition--f88d31f6-486f-44da-b317-01333bde0b82',
    'amber+strict': 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
    red: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
  },
  opencti: {
    clear: 'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9',
    green: 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da',
    amber: 'marking-definition--f88d31f6-486f-44da-b317-01333bde0b82',
    'amber+strict': 'marking-definition--826578e1-40ad-459f-bc73-ede076f81f37',
    red: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
  },
}

interface Marked {
  readonly type: string
  readonly id: string
  readonly object_marking_refs?: readonly string[]
}

const id = (type: string, n: number): string => `${type}--${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`
const time = '2024-01-01T00:00:00.000Z'
const common = (type: string, n: number) => ({
  type,
  spec_version: '2.1',
  id: id(type, n),
  created: time,
  modified: time,
})
const quoted = expected.tlp2.green

/** An indicator and a tool of each label; the tool's text names a marking, which is no marking of it. */
const objects = tlps.flatMap((tlp, n) => [
  {
    ...common('indicator', n),
    ...{ pattern_type: 'stix', pattern: `[domain-name:value = 'c${n}.example.org']`, valid_from: time },
    object_marking_refs: [expected.tlp2[tlp]],
  },
  { ...common('tool', n), name: `tool ${n}`, description: `not ${quoted}`, object_marking_refs: [expected.tlp2[tlp]] },
])
const labelOf: ReadonlyMap<string, Tlp> = new Map(
  tlps.flatMap((tlp, n) => [[id('indicator', n), tlp] as const, [id('tool', n), tlp] as const]),
)

const publish = (node: TestNode, account: string, list: readonly object[]): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: '/v1/indicators?audience=csirt-cl&people=camila.csirt-cl',
    headers: { 'content-type': 'application/stix+json' },
    payload: JSON.stringify({ type: 'bundle', id: id('bundle', 1), objects: list }),
  })

/** Ids of copies by profile: two organisations may have one id, and one organisation one history of it. */
const copies: Readonly<Record<StixMarkings, string>> = { tlp2: '--1', tlp1: '--2', opencti: '--3' }

const set = (node: TestNode, markings: string, by = 'caio.cert-br'): Promise<Answer> =>
  node.call(by, { method: 'PATCH', url: '/v1/accounts/ana.cert-br', payload: { stixMarkings: markings } })

t.setTimeout(120_000)

t.test('each client is told labels by the ids it knows, at every door that answers STIX', async (t) => {
  const node = await testNode(t)
  const get = (url: string): Promise<Answer> => node.call('ana.cert-br', { method: 'GET', url })
  t.match(await publish(node, 'ana.cert-br', objects), { status: 200, body: { accepted: 10 } })
  t.equal((await get('/v1/me')).body.account.stixMarkings, 'tlp2', 'TLP 2.0 unless somebody says otherwise')
  const collection = await new TaxiiClient(node, 'ana.cert-br').collection('mine')
  for (const markings of stixMarkings) {
    t.match(await set(node, markings), { status: 200, body: { stixMarkings: markings } }, markings)
    const bundle = await get('/v1/indicators?format=stix')
    const one = await get(`/v1/indicators/${id('indicator', 3)}`)
    const doors: Readonly<Record<string, readonly Marked[]>> = {
      'GET /v1/indicators': bundle.body.objects,
      'GET /v1/objects': (await get('/v1/objects?format=stix')).body.objects,
      'GET /v1/objects as JSON': (await get('/v1/objects')).body.items.map((each: { object: Marked }) => each.object),
      'GET /v1/objects/{id}': (await get(`/v1/objects/${id('tool', 3)}?format=stix`)).body.objects,
      'GET /v1/objects/{id}/versions': (await get(`/v1/objects/${id('tool', 3)}/versions?format=stix`)).body.objects,
      'TAXII objects': (await new TaxiiClient(node, 'ana.cert-br').objects(collection)) as readonly Marked[],
      'TAXII object': (await new TaxiiClient(node, 'ana.cert-br').ask(`${collection}objects/${id('tool', 3)}/`)).body
        .objects,
      GraphQL: (
        await dataOf(node, 'ana.cert-br', '{ stixObjects(first: 9) { edges { node { stix } } } }')
      ).stixObjects.edges.map(({ node }: { node: { stix: string } }) => JSON.parse(node.stix)),
    }
    for (const [door, given] of Object.entries(doors)) {
      const marked = given.filter((each) => labelOf.has(each.id))
      t.ok(marked.length > 0, `${door} answers`)
      for (const each of marked) {
        const tlp = labelOf.get(each.id) ?? 'clear'
        t.strictSame(each.object_marking_refs, [expected[markings][tlp]], `${markings}: ${door}: ${tlp}`)
      }
      const definitions = given.filter(({ type }) => type === 'marking-definition').map((each) => each.id)
      const used = new Set(marked.flatMap((each) => each.object_marking_refs ?? []))
      if (definitions.length > 0)
        t.strictSame(new Set(definitions), used, `${markings}: ${door}: with their definitions`)
      t.equal(new Set(definitions).size, definitions.length, 'each definition once')
    }
    t.match(
      doors['GET /v1/objects']?.find(({ type }) => type === 'tool'),
      { description: `not ${quoted}` },
      'text stays',
    )
    const about = await node.call('ana.cert-br', {
      method: 'GET',
      url: `/v1/indicators/${id('indicator', 3)}`,
      headers: { accept: 'application/stix+json' },
    })
    t.equal(about.headers.etag, markings === 'tlp2' ? '"1"' : `"1;${markings}"`, 'another text has another entity tag')
    t.equal(one.headers.etag, '"1"', 'JSON is the same for all')

    // What goes out comes in again, at a client that knows no more than this, and is never looser.
    const copied = `x${markings}`
    const again = bundle.body.objects
      .filter(({ type }: Marked) => type === 'indicator' || type === 'marking-definition')
      .map((each: Marked & { pattern?: string }) =>
        each.pattern === undefined
          ? each
          : { ...each, id: each.id.replace('--0', copies[markings]), pattern: each.pattern.replace('example', copied) },
      )
    t.match(await publish(node, 'camila.csirt-cl', again), { status: 200 }, 'comes in')
    const items = (await node.call('camila.csirt-cl', { method: 'GET', url: '/v1/indicators?originator=csirt-cl' }))
      .body.items
    const mine = items.filter(({ value }: { value: string }) => value.includes(copied))
    t.equal(mine.length, 5)
    for (const { id, handling } of mine) {
      const tlp = labelOf.get(id.replace(copies[markings], '--0')) ?? 'red'
      t.ok(strictness(handling.tlp) >= strictness(tlp), `${markings}: ${tlp} comes in as ${handling.tlp}`)
      t.equal(handling.tlp, markings === 'tlp1' && tlp === 'amber+strict' ? 'red' : tlp)
    }
  }
})

t.test('a tag given with another profile still names the version', async (t) => {
  const node = await testNode(t)
  await publish(node, 'ana.cert-br', objects)
  await set(node, 'opencti')
  const revise = (tag: string) =>
    node.call('ana.cert-br', {
      method: 'PATCH',
      url: `/v1/indicators/${id('indicator', 1)}`,
      headers: { 'if-match': tag },
      payload: { confidence: 50 },
    })
  t.equal((await revise('"7;opencti"')).status, 409)
  t.equal((await revise('"1;opencti"')).status, 200)
})

t.test('who keeps the accounts of an organisation sets it, and nobody else', async (t) => {
  const node = await testNode(t)
  t.match(await set(node, 'tlp1', 'ana.cert-br'), { status: 403 })
  t.match(await set(node, 'tlp1', 'hugo.policia-cl'), { status: 403 }, 'not that of another')
  t.match(await set(node, 'tlp3'), { status: 400, body: { code: 'invalid_request' } })
  const made = await dataOf(
    node,
    'caio.cert-br',
    'mutation { createAccount(input: { id: "octi.cert-br", organisation: "cert-br", name: "OpenCTI", roles: [READER], stixMarkings: OPENCTI }) { stixMarkings } }',
  )
  t.equal(made.createAccount.stixMarkings, 'OPENCTI')
  const amended = await dataOf(
    node,
    'marta.lacnic',
    'mutation { amendAccount(id: "octi.cert-br", stixMarkings: TLP1) { stixMarkings } }',
  )
  t.equal(amended.amendAccount.stixMarkings, 'TLP1')
  const renamed = await dataOf(
    node,
    'caio.cert-br',
    'mutation { amendAccount(id: "octi.cert-br", name: "O") { stixMarkings } }',
  )
  t.equal(renamed.amendAccount.stixMarkings, 'TLP1', 'what is not said stays')
  t.ok(tlpOfMarking(expected.opencti['amber+strict']), 'and what goes out is read')
})
