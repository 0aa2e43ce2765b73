import t from 'tap'
import { type Answer, freshAddress, testNode } from '../node.ts'
import { ask, dataOf, domain, errorsOf, handling, ipv6, valuesOf } from './graphql.ts'

/** One node: each test asks about its own things only. */
const shared = testNode(t)
t.setTimeout(120_000)

const unknown = 'indicator--00000000-0000-4000-8000-000000000000'

t.test('two people of different countries get different pages from one query', async (t) => {
  const node = await testNode(t)
  await node.plant(handling('cert-br', { tlp: 'clear' }), ipv6(1))
  await node.plant(handling('cert-br', { tlp: 'green' }), ipv6(2))
  await node.plant(handling('cert-br', { tlp: 'amber', organisations: ['csirt-cl', 'cert-mx'] }), ipv6(3))
  await node.plant(handling('cert-mx', { tlp: 'red', people: ['xochitl.cert-mx'] }), ipv6(4))
  const query = '{ indicators { edges { node { value } } } }'
  const seenBy = async (account: string) => valuesOf(await dataOf(node, account, query))
  t.strictSame(await seenBy('camila.csirt-cl'), [freshAddress(3), freshAddress(2), freshAddress(1)])
  t.strictSame(await seenBy('xochitl.cert-mx'), [freshAddress(4), freshAddress(1)], 'no agreement binds MX and BR')
  t.strictSame(await seenBy('anonymous'), [freshAddress(1)])
})

t.test('a source that stays anonymous is an alias, and nothing in the answer names it', async (t) => {
  const node = await shared
  const audience = handling('cert-br', { tlp: 'amber', communities: ['lac-csirts'], attribution: 'anonymous' })
  const id = await node.plant(audience, ipv6(1))
  const query = `query ($id: ID!) {
    indicator(id: $id) { id alias originator { slug kind } handling { audience people } stix history { indicator { originator { slug } } } }
  }`
  const answer = await ask(node, 'camila.csirt-cl', query, { id })
  const { indicator } = answer.body.data
  t.equal(answer.body.errors, undefined)
  t.match(indicator.alias, /^source-[0-9a-f]{12}$/)
  t.equal(indicator.originator, null)
  t.equal(indicator.history[0].indicator.originator, null)
  t.equal(
    Buffer.from(indicator.id, 'base64url').toString(),
    `Indicator:${id}`,
    'the global id tells type and STIX id alone',
  )
  t.notMatch(answer.text, /cert-br|CERT\.br/)
  const own = await dataOf(node, 'ana.cert-br', query, { id })
  t.match(own.indicator, { alias: null, originator: { slug: 'cert-br', kind: 'NATIONAL_CERT' } })
  const named = 'query ($id: ID!) { indicator(id: $id, originator: "cert-br") { id } }'
  t.strictSame(
    await dataOf(node, 'camila.csirt-cl', named, { id }),
    { indicator: null },
    'asking by name confirms nothing',
  )
})

t.test('the history of an anonymous source is not taken from another that shares its STIX id', async (t) => {
  const node = await shared
  const id = 'indicator--7b6a3b9a-5c35-4e28-9a55-6c1f0f0b7a01'
  const audience = { tlp: 'amber', communities: ['lac-csirts'] } as const
  await node.plant(handling('cert-br', { ...audience, attribution: 'anonymous' }), domain('one.example'), { id })
  await node.plant(handling('csirt-ar', audience), domain('two.example'), { id })
  const query =
    '{ indicators(filter: { type: "domain-name" }) { edges { node { alias originator { slug } history { indicator { value } } } } } }'
  const { indicators } = await dataOf(node, 'camila.csirt-cl', query)
  t.match(indicators.edges, [
    { node: { originator: { slug: 'csirt-ar' }, history: [{ indicator: { value: 'two.example' } }] } },
    { node: { alias: String, originator: null, history: null } },
  ])
})

t.test('what is masked shows a digest and no part of the value, at every field', async (t) => {
  const node = await shared
  const personal = handling('csirt-cl', {
    tlp: 'amber',
    organisations: ['csirt-ar'],
    personalData: true,
    maskable: true,
  })
  const value = 'persona-secreta@example.com'
  const id = await node.plant(personal, { type: 'email-address', value }, { name: `about ${value}`, labels: [value] })
  const whole =
    'value masked name labels observables { value } network { asn } stix history { indicator { value name } }'
  const query = `query ($id: ID!) {
    indicator(id: $id) { ${whole} explain { effect reason obligations { id } } }
    indicators(filter: { type: "email-address" }) { edges { node { ${whole} } } }
    lookup(values: [{ value: "persona-secreta@example.com" }]) { known matches { match indicator { ${whole} } } }
  }`
  const answer = await ask(node, 'martin.csirt-ar', query, { id })
  const { indicator, lookup } = answer.body.data
  t.match(indicator, { masked: true, name: null, labels: { length: 0 }, observables: { length: 0 }, network: null })
  t.match(indicator.value, /^[0-9a-f]{32}$/)
  t.match(indicator.explain, { effect: 'REDACT', reason: 'jurisdiction.redact' })
  t.match(lookup, [{ known: true, matches: [{ match: 'EXACT', indicator: { value: indicator.value } }] }])
  const beside = JSON.stringify({ ...answer.body.data, lookup: lookup[0].matches })
  t.notMatch(beside, /secreta/)
  t.match(await dataOf(node, 'camila.csirt-cl', query, { id }), { indicator: { masked: false, value } })
})

t.test('what one may not see answers byte for byte as what never existed', async (t) => {
  const node = await shared
  const hidden = await node.plant(handling('cert-mx', { tlp: 'red', people: ['xochitl.cert-mx'] }), ipv6(10))
  const operations = [
    'query ($id: ID!) { indicator(id: $id) { value } }',
    'query ($id: ID!) { indicator(id: $id, originator: "cert-mx") { value } }',
    'query ($id: ID!) { history(id: $id) { version } }',
    'query ($id: ID!) { explain(id: $id) { effect } }',
    'query ($id: ID!) { explain(id: $id, organisation: "cert-mx") { effect } }',
    'query ($id: ID!) { node(id: $id) { id } }',
    'mutation ($id: ID!) { revise(id: $id, revision: { name: "x" }) { value } }',
    'mutation ($id: ID!) { recall(id: $id, reason: "x") { version } }',
  ]
  const globalId = (id: string) => Buffer.from(`Indicator:${id}`).toString('base64url')
  for (const operation of operations) {
    for (const spelling of [(id: string) => id, globalId]) {
      const one = await ask(node, 'ana.cert-br', operation, { id: spelling(hidden) })
      const other = await ask(node, 'ana.cert-br', operation, { id: spelling(unknown) })
      t.equal(one.text, other.text, operation)
      t.strictSame(headersOf(one), headersOf(other), 'headers too')
      if (operation.startsWith('query')) t.equal(one.body.errors, undefined, 'absence is no error')
      else t.strictSame(errorsOf(one), [`${operation.includes('revise') ? 'revise' : 'recall'} not_found`])
    }
  }
  const look = (value: string) =>
    ask(
      node,
      'ana.cert-br',
      'query ($value: String!) { indicators(filter: { value: $value }) { edges { cursor } pageInfo { hasNextPage endCursor } } }',
      { value },
    )
  t.equal((await look(freshAddress(10))).text, (await look(freshAddress(11))).text, 'a search by its value')
})

/** Without the clock and the count of this minute's requests. */
const headersOf = ({ headers }: Answer) =>
  Object.entries(headers).filter(([name]) => name !== 'date' && !name.startsWith('x-ratelimit-'))

t.test('node finds by global id what each type gave, and nothing for other texts', async (t) => {
  const node = await shared
  const id = await node.plant(handling('cert-br', { tlp: 'green' }), ipv6(20))
  const given = await dataOf(
    node,
    'caio.cert-br',
    `query ($id: ID!) {
      indicator(id: $id) { id } organisation(id: "lacnic") { id } communities { id } agreements { id }
      accounts { id } me { account { id } }
    }`,
    { id },
  )
  const ids: Record<string, string> = {
    Indicator: given.indicator.id,
    Organisation: given.organisation.id,
    Community: given.communities[0].id,
    Agreement: given.agreements[0].id,
    Account: given.accounts[0].id,
  }
  const query =
    'query ($id: ID!) { node(id: $id) { __typename id ... on Indicator { value } ... on Organisation { name } } }'
  for (const [type, globalId] of Object.entries(ids)) {
    t.match(await dataOf(node, 'caio.cert-br', query, { id: globalId }), { node: { __typename: type, id: globalId } })
  }
  t.match(await dataOf(node, 'caio.cert-br', query, { id: ids.Indicator }), { node: { value: freshAddress(20) } })
  const self = await dataOf(node, 'bruno.cert-br', '{ me { account { id slug } } }')
  t.match(await dataOf(node, 'bruno.cert-br', query, { id: self.me.account.id }), { node: { id: self.me.account.id } })
  const others = await ask(node, 'bruno.cert-br', query, { id: ids.Account })
  t.strictSame(errorsOf(others), ['node role_required'], 'another account is an administrator’s to see')
  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  for (const text of [
    '',
    'nonsense',
    id,
    encoded('Key:1'),
    encoded('Indicator:'),
    `${ids.Indicator}=`,
    encoded('Community:banca-segura'),
  ]) {
    t.strictSame(await dataOf(node, 'caio.cert-br', query, { id: text }), { node: null }, text)
  }
})

t.test('an edge that one may not ask is null with its error, and the rest of the answer stays', async (t) => {
  const node = await testNode(t)
  await node.plant(handling('cert-br', { tlp: 'clear' }), ipv6(1))
  const edges =
    '{ indicators(first: 10) { edges { node { value originator { name jurisdiction kind accounts { slug } constituency { kind } } } } } }'
  const anonymous = await ask(node, 'anonymous', edges)
  t.equal(anonymous.status, 200)
  t.match(anonymous.body.data.indicators.edges, [
    {
      node: {
        value: freshAddress(1),
        originator: { name: 'CERT.br', jurisdiction: 'BR', kind: null, accounts: null, constituency: null },
      },
    },
  ])
  t.same(new Set(errorsOf(anonymous).map((each) => each.split(' ')[1])), new Set(['credentials_required']))
  const reader = await ask(node, 'bruno.cert-br', edges)
  t.match(reader.body.errors, [
    {
      path: ['indicators', 'edges', 0, 'node', 'originator', 'accounts'],
      extensions: { code: 'role_required', kind: 'refused', rule: 'role.administrator' },
    },
  ])
  t.equal(reader.body.errors.length, 1)
  const administrator = await ask(node, 'caio.cert-br', '{ organisations { slug accounts { slug } } }')
  t.ok(
    administrator.body.errors.every((each: { extensions: { code: string } }) => each.extensions.code === 'not_yours'),
  )
  const mine = administrator.body.data.organisations.filter((each: { accounts: unknown }) => each.accounts !== null)
  t.match(mine, [{ slug: 'cert-br', accounts: [{ slug: 'ana.cert-br' }] }])
  t.equal(mine.length, 1)
})
