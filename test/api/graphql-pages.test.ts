import t from 'tap'
import { freshAddress, testNode } from '../node.ts'
import { ask, dataOf, domain, errorsOf, handling, ipv6, statements, valuesOf } from './graphql.ts'

t.setTimeout(120_000)

t.test('pages of seven lead through everything once, the newest first', async (t) => {
  const node = await testNode(t)
  for (let n = 1; n <= 30; n++) await node.plant(handling('cert-br', { tlp: n % 3 === 0 ? 'amber' : 'clear' }), ipv6(n))
  const query = `query ($after: String) {
    indicators(first: 7, after: $after) {
      edges { cursor node { value } }
      pageInfo { hasNextPage endCursor hasPreviousPage startCursor }
    }
  }`
  const seen: string[] = []
  let after: string | null = null
  for (let page = 0; page < 10; page++) {
    const { indicators } = await dataOf(node, 'xochitl.cert-mx', query, { after })
    const { edges, pageInfo } = indicators
    seen.push(...edges.map((edge: { node: { value: string } }) => edge.node.value))
    t.equal(pageInfo.startCursor, edges[0].cursor)
    t.equal(pageInfo.endCursor, edges.at(-1).cursor)
    t.equal(pageInfo.hasPreviousPage, after !== null)
    after = pageInfo.endCursor
    if (!pageInfo.hasNextPage) break
  }
  const visible = Array.from({ length: 30 }, (_, i) => i + 1).filter((n) => n % 3 !== 0)
  t.strictSame(seen, visible.reverse().map(freshAddress))
  const stolen = await ask(node, 'ana.cert-br', query, { after })
  t.strictSame(errorsOf(stolen), ['indicators cursor_invalid'], 'a cursor is good for its reader only')
  t.equal(stolen.status, 200)
  const elsewhere = 'query ($after: String) { indicators(after: $after, filter: { tlp: CLEAR }) { edges { cursor } } }'
  t.strictSame(errorsOf(await ask(node, 'xochitl.cert-mx', elsewhere, { after })), ['indicators cursor_invalid'])
  t.strictSame(
    await dataOf(
      node,
      'xochitl.cert-mx',
      '{ indicators(filter: { q: "nothing has this" }) { edges { cursor } pageInfo { hasNextPage endCursor startCursor } } }',
    ),
    { indicators: { edges: [], pageInfo: { hasNextPage: false, endCursor: null, startCursor: null } } },
  )
})

t.test('each member of a filter narrows, in the words of the contract', async (t) => {
  const node = await testNode(t)
  const strict = handling('colcert', { tlp: 'amber+strict', communities: ['lac-csirts'] })
  await node.plant(strict, domain('mail.bad.example'), { class: 'phishing', confidence: 80 })
  await node.plant(handling('csirt-ar', { tlp: 'clear' }), { type: 'ipv4-address', value: '200.160.2.3' })
  node.at('2026-06-02T00:00:00.000Z')
  const at = { validUntil: '2026-06-01T12:00:00.000Z' }
  await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'autonomous-system', value: '4200000001' }, at)
  const name = 'mail.bad.example'
  const expected: Record<string, string[]> = {
    'tlp: AMBER_STRICT': [name],
    'tlp: [AMBER_STRICT, CLEAR]': ['200.160.2.3', name],
    'originator: "colcert"': [name],
    [`originator: "${Buffer.from('Organisation:colcert').toString('base64url')}"`]: [name],
    'community: "lac-csirts"': [name],
    'community: "banca-segura"': [],
    'class: "fraud"': [name],
    'class: "phishing"': [name],
    'minConfidence: 80': [name],
    'minConfidence: 81': [],
    'domain: "bad.example"': [name],
    'q: "bad"': [name],
    'value: "hxxp://nothing.example/x", type: "url"': [],
    'value: "mail[.]bad[.]example", type: "domain-name"': [name],
    'country: "BR"': ['200.160.2.3'],
    'network: "200.160.0.0/16"': ['200.160.2.3'],
    'type: ["ipv4-address"]': ['200.160.2.3'],
    'asn: 4200000001': ['AS4200000001'],
    'status: EXPIRED': ['AS4200000001'],
    'status: ACTIVE': ['200.160.2.3', name],
    'status: RECALLED': [],
    'since: "2026-06-02T01:00:00+01:00"': ['AS4200000001'],
    'until: "2026-06-02T00:00:00Z"': ['200.160.2.3', name],
    'tlp: null, q: null': ['AS4200000001', '200.160.2.3', name],
  }
  for (const [filter, values] of Object.entries(expected)) {
    const found = valuesOf(
      await dataOf(node, 'camila.csirt-cl', `{ indicators(filter: { ${filter} }) { edges { node { value } } } }`),
    )
    t.strictSame(found, values, filter)
  }
  const { indicators } = await dataOf(
    node,
    'camila.csirt-cl',
    '{ indicators(filter: { asn: 4200000001 }) { edges { node { network { asn } } } } }',
  )
  t.equal(indicators.edges[0].node.network.asn, 4_200_000_001, 'an AS number of 32 bits is whole')
})

t.test('what a filter may not say is refused with its place', async (t) => {
  const node = await testNode(t)
  const refused: Record<string, string> = {
    'filter: { q: "Q" }': '/filter/q',
    'filter: { type: [] }': '/filter/type',
    'filter: { status: [] }': '/filter/status',
    'filter: { minConfidence: 101 }': '/filter/minConfidence',
    'filter: { country: ["BRA"] }': '/filter/country',
    'first: 0': '/first',
    'first: -5': '/first',
    'first: 1001': '/first',
  }
  for (const [said, pointer] of Object.entries(refused)) {
    const argument = said.replace('"Q"', `"${'q'.repeat(257)}"`)
    const answer = await ask(node, 'ana.cert-br', `{ indicators(${argument}) { edges { cursor } } }`)
    t.match(
      answer.body.errors,
      [{ extensions: { code: 'invalid_request', kind: 'invalid', position: { pointer } } }],
      said,
    )
    t.strictSame(answer.body.data, { indicators: null })
  }
  const many = await ask(
    node,
    'ana.cert-br',
    '{ lookup(values: [{ value: "192.0.2.1" }], limitPerValue: 101) { known } }',
  )
  t.match(many.body.errors, [{ extensions: { code: 'invalid_request', position: { pointer: '/limitPerValue' } } }])
})

t.test('a look-up answers for each value in order, and says what it could not read', async (t) => {
  const node = await testNode(t)
  await node.plant(handling('cert-br', { tlp: 'clear' }), { type: 'ipv4-prefix', value: '198.51.100.0/24' })
  const query = `query ($values: [LookupValueInput!]!) {
    lookup(values: $values) { value type known matches { match indicator { value } } fault { code position { record } } }
  }`
  const values = [{ value: '198.51.100.7' }, { value: 'what is this' }, { value: '203.0.113.1' }]
  t.match(await dataOf(node, 'anonymous', query, { values }), {
    lookup: [
      {
        value: '198.51.100.7',
        type: 'ipv4-address',
        known: true,
        matches: [{ match: 'CONTAINING', indicator: { value: '198.51.100.0/24' } }],
        fault: null,
      },
      {
        value: 'what is this',
        known: false,
        matches: { length: 0 },
        fault: { code: 'invalid_value', position: { record: 1 } },
      },
      { value: '203.0.113.1', known: false, matches: { length: 0 }, fault: null },
    ],
  })
})

t.test('a page of a hundred with its edges costs as many statements as one of ten', async (t) => {
  const node = await testNode(t)
  const originators = ['cert-br', 'csirt-ar', 'csirt-cl']
  for (let n = 0; n < 100; n++) await node.plant(handling(originators[n % 3] ?? '', { tlp: 'clear' }), ipv6(n + 1))
  const query = `query ($first: Int!) { indicators(first: $first) { edges { node {
    value observables { value } handling { tlp audience } network { asn country }
    originator { slug kind disabled constituency { kind value } }
  } } } }`
  await dataOf(node, 'camila.csirt-cl', query, { first: 1 }) // the first request loads the directory
  const ten = await statements(() => dataOf(node, 'camila.csirt-cl', query, { first: 10 }))
  const hundred = await statements(() => dataOf(node, 'camila.csirt-cl', query, { first: 100 }))
  t.equal(hundred.result.indicators.edges.length, 100)
  t.equal(hundred.count, ten.count, `${hundred.count} statements`)
  t.ok(ten.count > 3, 'they were counted')
})
