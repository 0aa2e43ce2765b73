import type { InjectOptions } from 'fastify'
import { getIntrospectionQuery, parse } from 'graphql'
import t from 'tap'
import { type Answer, freshAddress, type TestNode, testNode } from '../node.ts'

const json = { 'content-type': 'application/json' }
const shared = testNode(t)
t.setTimeout(120_000)

const send = (node: TestNode, account: string, payload: unknown, more: InjectOptions = {}): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: '/graphql',
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    ...more,
    headers: { ...json, ...more.headers },
  })

const get = (node: TestNode, account: string, query: Record<string, string>, method: 'GET' | 'HEAD' = 'GET') =>
  node.call(account, { method, url: `/graphql?${new URLSearchParams(query)}` })

/** Status and codes of an answer that was refused before anything ran. */
function refusal({ status, body }: Answer): string {
  if ('data' in body) return 'it ran'
  const codes = body.errors.map((each: { extensions: { code: string } }) => each.extensions.code)
  return [status, ...new Set(codes)].join(' ')
}

const costly = '400 query_too_costly'
const page = (arguments_: string, node = 'value handling { tlp } network { asn } originator { slug }') =>
  `indicators(${arguments_}) { edges { node { ${node} } } }`

t.test('a document has one operation', async (t) => {
  const node = await shared
  const two = 'query a { me { operator } } query b { me { scopes } }'
  const refused = await send(node, 'ana.cert-br', { query: two, operationName: 'a' })
  t.equal(refusal(refused), '400 invalid_request')
  t.match(refused.body.errors, [{ message: 'A document has one operation; this one has 2.' }])
  const cached = 'query a { me { operator } }'
  t.equal((await send(node, 'ana.cert-br', { query: cached, operationName: 'a' })).status, 200)
  t.equal(refusal(await send(node, 'ana.cert-br', { query: cached, operationName: 'b' })), '400 invalid_request')
  t.equal(refusal(await send(node, 'ana.cert-br', { query: 'fragment f on Me { operator }' })), '400 invalid_request')
})

t.test(
  'a document asked often is compiled, and still answers each caller, variable and operation by itself',
  async (t) => {
    const node = await shared
    const query =
      'query of($id: ID!, $who: Boolean!) { me @include(if: $who) { account { slug } } organisation(id: $id) { slug } }'
    const answers = new Map<string, string>()
    for (let round = 0; round < 6; round++) {
      for (const account of ['ana.cert-br', 'camila.csirt-cl', 'anonymous']) {
        for (const variables of [
          { id: 'cert-br', who: true },
          { id: 'csirt-cl', who: false },
          { id: 'nobody', who: true },
        ]) {
          const { text } = await send(node, account, { query, variables })
          const key = `${account} ${JSON.stringify(variables)}`
          t.equal(text, answers.get(key) ?? text, `${key}, round ${round}`)
          answers.set(key, text)
        }
      }
    }
    // Both see the same of an organisation when they do not ask who they are; the public sees nothing of either.
    t.equal(new Set(answers.values()).size, 7, 'nobody gets what somebody else asked for')
    const two = `${query} query b { me { scopes } }`
    t.equal(refusal(await send(node, 'ana.cert-br', { query: two, operationName: 'b' })), '400 invalid_request')
  },
)

t.test('a document is text: its syntax tree as JSON is refused', async (t) => {
  const node = await shared
  const query = JSON.stringify(parse('{ me { operator } }'))
  t.equal(refusal(await send(node, 'ana.cert-br', { query })), '400 malformed')
  t.equal(refusal(await send(node, 'ana.cert-br', { query: '{"kind":"Document","definitions":[]}' })), '400 malformed')
  t.equal(refusal(await send(node, 'ana.cert-br', { query: '{}' })), '400 malformed')
  t.equal(refusal(await send(node, 'ana.cert-br', { query: '[1]' })), '400 malformed')
})

t.test('tokens, characters, aliases, repetitions and depth are limited', async (t) => {
  const node = await shared
  const of = async (query: string) => refusal(await send(node, 'ana.cert-br', { query }))
  const aliases = (count: number) => Array.from({ length: count }, (_, i) => `a${i}: __typename`).join(' ')
  t.equal(await of(`{ ${'__typename '.repeat(1_998)} }`), costly, 'fields that cannot be compared in time')
  const words = '"a" '.repeat(2_000)
  t.equal(await of(`{ indicators(filter: { type: [${words}] }) { edges { cursor } } }`), costly, 'tokens')
  t.equal(await of(`# ${'x'.repeat(65_536)}\n{ me { operator } }`), costly, 'characters')
  t.equal(await of(`{ ${aliases(31)} }`), costly, 'aliases')
  t.equal(await of(`{ ${aliases(30)} }`), 'it ran')
  t.equal(await of(`{ ...f } fragment f on Query { ${aliases(31)} }`), costly, 'aliases of fragments')
  const nine =
    'me { account { organisation { accounts { organisation { accounts { organisation { accounts { slug } } } } } } } }'
  t.equal(await of(`{ ${nine} }`), costly, 'depth')
  t.equal(await of(`{ ...f } fragment f on Query { ${nine} }`), costly, 'depth by fragments')
  t.equal(await of(`{ ... { ...f } } fragment f on Query { ... on Query { ${nine} } }`), costly)
  t.equal(await of('{ me { account { organisation { accounts { organisation { kind } } } } } }'), 'it ran')
  const doubling = Array.from({ length: 150 }, (_, i) => `fragment f${i} on Me { ...f${i + 1} ...f${i + 1} }`).join(' ')
  const began = process.hrtime.bigint()
  t.equal(await of(`{ me { ...f0 } } ${doubling} fragment f150 on Me { operator }`), 'it ran')
  t.ok(process.hrtime.bigint() - began < 5_000_000_000n, 'fragments that double each other are walked once')
  t.equal(await of('{ me { ...f } } fragment f on Me { ...f }'), '400 invalid_request', 'a fragment in itself')
})

t.test('an operation costs what it may bring, by literal, variable, default and fragment', async (t) => {
  const node = await shared
  const of = async (query: string, variables?: object) => refusal(await send(node, 'ana.cert-br', { query, variables }))
  t.equal(await of(`{ ${page('first: 1000')} }`), 'it ran')
  const history = 'history { version }'
  t.equal(await of(`{ ${page('first: 1000', history)} }`), costly, 'by literal')
  t.equal(await of(`query ($n: Int) { ${page('first: $n', history)} }`, { n: 1000 }), costly, 'by variable')
  t.equal(await of(`query ($n: Int) { ${page('first: $n', history)} }`, { n: 10 }), 'it ran')
  t.equal(await of(`query ($n: Int = 1000) { ${page('first: $n', history)} }`), costly, "by the variable's default")
  t.equal(
    await of(`{ indicators { edges { node { ${history} explain { effect } } } } }`),
    costly,
    "by the contract's default",
  )
  t.equal(
    await of(
      '{ ...q } fragment q on Query { indicators(first: 1000) { ...c } } fragment c on IndicatorConnection { ...e } fragment e on IndicatorConnection { edges { node { ... on Node { ... on Indicator { history { version } } } } } }',
    ),
    costly,
    'by fragments',
  )
  const twice = `a: ${page('first: 1000')} b: ${page('first: 1000')} c: ${page('first: 1000')}`
  t.equal(await of(`{ ${twice} }`), costly, 'aliases add up')
  const paid = await send(node, 'ana.cert-br', {
    query: `{ a: ${page('first: -100000')} b: ${page('first: 1000', history)} }`,
  })
  t.equal(refusal(paid), costly, 'a negative number pays for nothing')
  const lookup =
    'query ($values: [LookupValueInput!]!, $n: Int) { lookup(values: $values, limitPerValue: $n) { known matches { match } } }'
  const values = (count: number) => Array.from({ length: count }, (_, i) => ({ value: freshAddress(i) }))
  t.equal(await of(lookup, { values: values(600) }), costly, 'values are counted')
  t.equal(await of(lookup, { values: values(600), n: 1 }), 'it ran')
  const publish = 'mutation ($input: [IndicatorInput!]!) { publish(input: $input) { rejected { code } } }'
  t.equal(await of(publish, { input: values(5_001) }), costly, 'records are counted')
  t.equal(
    await of(`{ ${Array.from({ length: 30 }, (_, i) => `a${i}: __schema { types { name } }`).join(' ')} }`),
    'it ran',
  )
})

t.test('no resolver runs before the limits were checked', async (t) => {
  const node = await shared
  const query = `mutation ($n: Int!) { recall(id: "x", reason: "x") { version } ${Array.from({ length: 9 }, () => 'a')
    .map((a, i) => `${a}${i}: publish(input: $many) { accepted }`)
    .join(' ')} }`.replace('$n: Int!', '$many: [IndicatorInput!]!')
  const many = Array.from({ length: 2_000 }, (_, n) => ({ value: freshAddress(n), handling: { tlp: 'CLEAR' } }))
  t.equal(refusal(await send(node, 'ana.cert-br', { query, variables: { many } })), costly)
  const { body } = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators' })
  t.strictSame(body.items, [])
})

t.test('questions about the schema are answered to anybody, and do not nest', async (t) => {
  const node = await shared
  const answer = await send(node, 'anonymous', { query: getIntrospectionQuery() })
  t.equal(answer.body.errors, undefined)
  t.ok(answer.body.data.__schema.types.some((type: { name: string }) => type.name === 'Indicator'))
  const nested =
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }'
  t.equal(refusal(await send(node, 'anonymous', { query: nested })), '400 invalid_request')
})

t.test('what changes something is sent by POST as JSON, one operation a request', async (t) => {
  const node = await shared
  const query = 'mutation { publish(input: [{ value: "192.0.2.200", handling: { tlp: CLEAR } }]) { accepted } }'
  const byGet = await get(node, 'ana.cert-br', { query })
  t.equal(byGet.status, 405)
  t.equal(byGet.headers.allow, 'POST')
  t.equal(byGet.body.errors[0].extensions.code, 'method_not_allowed')
  t.not((await get(node, 'ana.cert-br', { query }, 'HEAD')).status, 200, 'nor by HEAD')
  const form = new URLSearchParams({ query }).toString()
  for (const type of [
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/graphql',
  ]) {
    const refused = await send(node, 'ana.cert-br', form, { headers: { 'content-type': type } })
    t.equal(refusal(refused), '415 unsupported_media_type', type)
    const asJson = await send(node, 'ana.cert-br', { query }, { headers: { 'content-type': type } })
    t.equal(asJson.status, 415, `${type}, though it is JSON`)
  }
  t.equal(refusal(await send(node, 'ana.cert-br', [{ query }, { query }])), '400 invalid_request', 'a batch')
  const { body } = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?value=192.0.2.200' })
  t.strictSame(body.items, [], 'none of them published')
  t.equal((await send(node, 'ana.cert-br', { query })).body.data.publish.accepted, 1, 'as it should be sent, it is')
})

t.test('queries come by GET too, with their variables as JSON', async (t) => {
  const node = await shared
  const query = 'query q($first: Int!) { indicators(first: $first) { pageInfo { hasNextPage } } }'
  const answer = await get(node, 'ana.cert-br', { query, variables: '{"first": 3}', operationName: 'q' })
  t.equal(answer.status, 200)
  t.strictSame(answer.body, { data: { indicators: { pageInfo: { hasNextPage: false } } } })
  t.equal(refusal(await get(node, 'ana.cert-br', { query, variables: '{"first": ' })), '400 invalid_json')
  t.equal(refusal(await get(node, 'ana.cert-br', { query, variables: '[1]' })), '400 invalid_request')
  t.equal(refusal(await get(node, 'ana.cert-br', {})), '400 invalid_request')
})

t.test('a body that two readers could understand differently is refused', async (t) => {
  const node = await shared
  const bodies: Record<string, string> = {
    '{"query": "{ me { operator } }", "variables": {"tlp": "RED", "tlp": "CLEAR"}}': '400 duplicate_key',
    '{"query": "{ me { operator } }", "query": "{ me { scopes } }"}': '400 duplicate_key',
    '{"query": "{ me { operator } }", "variables": {"a": "\\u0000"}}': '400 invalid_text',
    '{"query": "{ me { operator } }", "variables": {"__proto__": {}}}': '422 invalid_record',
    '{"query": ': '400 invalid_json',
    null: '400 invalid_request',
    '{}': '400 invalid_request',
    '{"query": 5}': '400 invalid_request',
    '{"query": "{ me { operator } }", "variables": "{}"}': '400 invalid_request',
    '{"query": "{ me { operator } }", "operationName": 5}': '400 invalid_request',
    '{"query": "{ me {"}': '400 malformed',
    '{"query": "{ nothing }"}': '400 invalid_request',
    '{"query": "query ($id: ID!) { indicator(id: $id) { id } }"}': '400 invalid_request',
    '{"query": "{ indicators(filter: { since: \\"yesterday\\" }) { edges { cursor } } }"}': '400 invalid_request',
    '{"query": "query ($n: ASN) { indicators(filter: { asn: [$n] }) { edges { cursor } } }", "variables": {"n": -1}}':
      '400 invalid_request',
  }
  for (const [body, expected] of Object.entries(bodies))
    t.equal(refusal(await send(node, 'ana.cert-br', body)), expected, body)
  const nested = `{"query": "{ me { operator } }", "variables": {"a": ${'['.repeat(100)}${']'.repeat(100)}}}`
  t.equal(refusal(await send(node, 'ana.cert-br', nested)), '422 too_deep')
  const large = { query: '{ me { operator } }', variables: { a: 'x'.repeat(1_100_000) } }
  t.equal(refusal(await send(node, 'ana.cert-br', large)), '413 body_too_large')
  const empty = { operationName: null, variables: null, extensions: {}, query: '{ me { operator } }' }
  t.equal((await send(node, 'ana.cert-br', empty)).status, 200, 'nulls are absent')
})

t.test('credentials that are not valid are answered 401, in the form of GraphQL', async (t) => {
  const node = await shared
  const query = '{ me { operator } }'
  for (const authorization of ['Bearer nonsense', `Bearer puente_000000000000_${'x'.repeat(43)}`, 'Negotiate x']) {
    const answer = await send(node, 'anonymous', { query }, { headers: { authorization } })
    t.equal(refusal(answer), '401 credentials_invalid')
    t.match(answer.headers['www-authenticate'], /^Bearer/)
  }
  const unknown = await send(node, 'ana.cert-br', { query }, { headers: { 'puente-purpose': 'curiosity' } })
  t.equal(refusal(unknown), '400 invalid_request')
  const disabled = 'mutation { amendAccount(id: "bruno.cert-br", disabled: true) { disabled } }'
  t.equal((await send(node, 'caio.cert-br', { query: disabled })).body.data.amendAccount.disabled, true)
  t.equal(refusal(await send(node, 'bruno.cert-br', { query })), '401 credentials_invalid')
})

t.test('answers say their media type, and that nobody may keep them', async (t) => {
  const node = await shared
  const query = '{ me { operator } }'
  const plain = await send(node, 'ana.cert-br', { query })
  t.equal(plain.headers['content-type'], 'application/json; charset=utf-8')
  t.equal(plain.headers['cache-control'], 'private, no-store')
  const accept = 'application/graphql-response+json, application/json;q=0.9'
  const negotiated = await send(node, 'ana.cert-br', { query }, { headers: { accept } })
  t.equal(negotiated.headers['content-type'], 'application/graphql-response+json; charset=utf-8')
  t.strictSame(negotiated.body, { data: { me: { operator: false } } })
})

t.test('an unknown error is internal with a reference, and its own words stay in the log', async (t) => {
  const node = await testNode(t)
  const { client } = node.context.database
  await client.query('alter table constituency rename to secret_table')
  const query =
    '{ me { operator } constituency(organisation: "lacnic") { kind } organisation(id: "lacnic") { name constituency { kind } } }'
  const answer = await send(node, 'ana.cert-br', { query })
  t.equal(answer.status, 200)
  t.match(answer.body.data, {
    me: { operator: false },
    constituency: null,
    organisation: { name: 'LACNIC', constituency: null },
  })
  for (const error of answer.body.errors) {
    t.match(error, { message: /finds it as [0-9a-f-]{36}\.$/, extensions: { code: 'internal', kind: 'internal' } })
    t.strictSame(Object.keys(error).sort(), ['extensions', 'locations', 'message', 'path'])
  }
  t.equal(answer.body.errors.length, 2)
  t.notMatch(answer.text, /secret|relation|constituency" does/)

  await client.query(`create function slow() returns table (organisation text, kind text, value text) language plpgsql as
    $$ begin raise exception 'canceling secret statement' using errcode = '57014'; end $$`)
  await client.query('create view constituency as select * from slow()')
  const slow = await send(node, 'ana.cert-br', { query: '{ constituency(organisation: "lacnic") { kind } }' })
  t.match(slow.body.errors, [{ extensions: { code: 'unavailable', kind: 'unavailable', retryAfterSeconds: 2 } }])
  t.notMatch(slow.text, /secret/)
})

t.test('too many requests are refused in the form of GraphQL, with the time to wait', async (t) => {
  const node = await testNode(t, { requestsPerMinute: 2 })
  const requests = [1, 2, 3].map(() => send(node, 'ana.cert-br', { query: '{ me { operator } }' }))
  const answers = await Promise.all(requests)
  t.same(answers.map(({ status }) => status).sort(), [200, 200, 429])
  const refused = answers.find(({ status }) => status === 429)
  t.match(refused?.body.errors, [{ extensions: { code: 'rate_limited', kind: 'too_much' } }])
  t.match(refused?.headers['retry-after'], /^\d+$/)
})
