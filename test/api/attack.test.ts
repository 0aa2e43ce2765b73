import t, { type Test } from 'tap'
import { type Answer, type TestNode, testNode } from '../node.ts'

/** What an attacker would try. */

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }
const stixId = 'indicator--11111111-1111-4111-8111-111111111111'

const send = (node: TestNode, account: string, method: 'POST' | 'PATCH', url: string, body: unknown, headers = {}) =>
  node.call(account, { method, url, headers: { ...json, ...headers }, payload: JSON.stringify(body) })
const get = (node: TestNode, account: string, url: string): Promise<Answer> =>
  node.call(account, { method: 'GET', url })
const publish = (node: TestNode, query: string, body: unknown): Promise<Answer> =>
  send(node, 'ana.cert-br', 'POST', `/v1/indicators${query}`, body)

/** Publishes as CERT.br. @returns the indicator as its originator reads it */
async function published(t: Test, node: TestNode, query: string, record: { value: string; [member: string]: unknown }) {
  t.equal((await publish(node, query, record)).status, 200)
  const { body } = await get(node, 'ana.cert-br', `/v1/indicators?value=${record.value}`)
  return body.items[0]
}

const stixIndicator = (pattern: string) => ({
  type: 'indicator',
  spec_version: '2.1',
  id: stixId,
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  valid_from: '2026-01-01T00:00:00.000Z',
  pattern_type: 'stix',
  pattern,
})

t.test('attacks', async (t) => {
  const node = await testNode(t)

  t.test('a revision never undoes another that it has not seen', async (t) => {
    // Asked at once, each finds a later clock than the other wrote: as between any two milliseconds.
    let now = Date.parse('2026-06-01T00:00:00.000Z')
    const ticking = setInterval(() => node.at(new Date(++now).toISOString()), 1)
    t.teardown(() => clearInterval(ticking))
    let undone = 0
    for (let i = 0; i < 10; i++) {
      const { id } = await published(t, node, '?tlp=green', { value: `192.0.2.${i + 1}` })
      const [narrowed] = await Promise.all([
        send(node, 'ana.cert-br', 'PATCH', `/v1/indicators/${id}`, { tlp: 'red', people: ['bruno.cert-br'] }),
        send(
          node,
          'ana.cert-br',
          'PATCH',
          `/v1/indicators/${id}`,
          { description: 'spelt right' },
          { 'if-match': '"1"' },
        ),
      ])
      const { body } = await get(node, 'ana.cert-br', `/v1/indicators/${id}`)
      if (narrowed?.status === 200 && body.handling.tlp !== 'red') undone++
    }
    t.equal(undone, 0, 'what was narrowed stays narrowed')
  })

  t.test('times tell neither how much is hidden nor who stays anonymous', async (t) => {
    const hidden = Array.from({ length: 7 }, (_, i) => ({
      value: `h${i}.gap.example.com`,
      tlp: 'amber',
      audience: ['cert-br'],
    }))
    await publish(node, '?tlp=green', [{ value: 'a.gap.example.com' }, ...hidden, { value: 'b.gap.example.com' }])
    const { body } = await get(node, 'camila.csirt-cl', '/v1/indicators?domain=gap.example.com')
    const micros = body.items.map(({ dateAdded }: { dateAdded: string }) => Number(dateAdded.slice(20, 26)))
    t.not(micros[0] - micros[1], hidden.length + 1, 'the difference is not the number of hidden rows')
  })

  t.test('the history of what became anonymous names nobody', async (t) => {
    const { id } = await published(t, node, '?tlp=green', { value: 'named-once.example.com' })
    await send(node, 'ana.cert-br', 'PATCH', `/v1/indicators/${id}`, { attribution: 'anonymous' })
    t.notMatch((await get(node, 'camila.csirt-cl', `/v1/indicators/${id}`)).text, /cert-br/i)
    const { text } = await get(node, 'camila.csirt-cl', `/v1/indicators/${id}/history`)
    t.notMatch(text, /cert-br/i, 'nor do its earlier versions')
  })

  t.test('a revision of the confidence alone changes nobody’s view', async (t) => {
    await publish(node, '?tlp=green', stixIndicator("[email-addr:value = 'v@example.com' AND email-addr:x_a = 'b']"))
    t.equal((await get(node, 'sofia.csirt-ar', `/v1/indicators/${stixId}`)).status, 404)
    await send(node, 'ana.cert-br', 'PATCH', `/v1/indicators/${stixId}`, { confidence: 9 })
    t.equal((await get(node, 'sofia.csirt-ar', `/v1/indicators/${stixId}`)).status, 404, 'still absent')
  })

  t.test('one poison record stops neither the others nor the node', async (t) => {
    const pattern = `[ipv4-addr:value = '192.0.2.200'] ${'REPEATS 2 TIMES '.repeat(16_000)}`
    const answer = await publish(node, '?tlp=clear', [{ value: '192.0.2.201' }, { ...stixIndicator(pattern) }])
    t.equal(answer.status, 207, 'the good one is taken')
  })

  t.test('an explicit null costs as much as the default it stands for', async (t) => {
    const fields = 'edges { node { history { version } explain { effect } } }'
    const query = `query ($n: Int) { a: indicators(first: $n) { ${fields} } b: indicators(first: $n) { ${fields} } }`
    const costly = await send(node, 'ana.cert-br', 'POST', '/graphql', { query })
    t.equal(costly.body.errors?.[0]?.extensions.code, 'query_too_costly', 'the default is reckoned')
    const { body } = await send(node, 'ana.cert-br', 'POST', '/graphql', { query, variables: { n: null } })
    t.equal(body.errors?.[0]?.extensions.code, 'query_too_costly', 'and so is null')
  })

  t.test('times at the edge of the calendar are refused, and nothing is internal', async (t) => {
    for (const since of ['0000-01-01', '0001-01-01T00:00:00%2B23:59', '9999-12-31T23:59:59-23:59']) {
      const { status } = await get(node, 'anonymous', `/v1/indicators?since=${since}`)
      t.equal(status, 400, since)
    }
    const late = { value: '192.0.2.210', modified: '9999-12-31T23:59:59.999Z' }
    t.match(
      await publish(node, '?tlp=green', late),
      { status: 422, body: { code: 'invalid_record' } },
      'no later version could follow',
    )
    const empty = await node.call('anonymous', { method: 'POST', url: '/v1/lookup' })
    t.ok(empty.status < 500, 'a look-up without a body')
  })

  t.test('a refused request has changed nothing', async (t) => {
    const issued = await send(node, 'caio.cert-br', 'POST', '/v1/accounts/ana.cert-br/keys', {
      name: 'w',
      scopes: ['write'],
    })
    const { id } = await published(t, node, '?tlp=green', { value: '192.0.2.220' })
    const key = { authorization: `Bearer ${issued.body.secret}` }
    const { status } = await send(node, 'anonymous', 'PATCH', `/v1/indicators/${id}`, { confidence: 77 }, key)
    const { body } = await get(node, 'ana.cert-br', `/v1/indicators/${id}`)
    t.equal(body.confidence === 77, status === 200, 'done and answered so, or refused and not done')
  })

  t.test('who serves whom is not told by explanations', async (t) => {
    const { id } = await published(t, node, '?tlp=amber&audience=csirt-cl', { value: 'clients.example.com' })
    t.notMatch((await get(node, 'ana.cert-br', '/v1/clients')).text, /red-andina/)
    const { text } = await get(node, 'ana.cert-br', `/v1/indicators/${id}/explain?organisation=red-andina`)
    t.notMatch(text, /a client of one in its audience/, 'to whom it is not to be known')
  })

  t.test('a replaced version has the value it had', async (t) => {
    const id = stixId.replaceAll('1', '2')
    await publish(node, '?tlp=green', { ...stixIndicator("[ipv4-addr:value = '203.0.113.1']"), id })
    const second = { ...stixIndicator("[ipv4-addr:value = '203.0.113.2']"), id, modified: '2026-01-02T00:00:00.000Z' }
    t.equal((await publish(node, '?tlp=green', second)).status, 200)
    const { body } = await get(node, 'camila.csirt-cl', `/v1/indicators/${id}?version=1`)
    t.equal(body.value, '203.0.113.1', 'version 1')
  })
})
