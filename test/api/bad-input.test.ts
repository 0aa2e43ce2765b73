import fc from 'fast-check'
import t from 'tap'
import { readContract } from '../../src/api/rest/contract.ts'
import { limits } from '../../src/domain/limits.ts'
import { type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }

t.test('bad input gets a coded error that names the place', async (t) => {
  const node = await testNode(t)
  const rows: readonly (readonly [url: string, status: number, code: string])[] = [
    ['/v1/indicators?network=abc', 422, 'invalid_value'],
    ['/v1/indicators?network=192.0.2.0/33', 422, 'invalid_value'],
    ['/v1/indicators?network=192.0.2.1/24', 422, 'invalid_value'],
    ['/v1/indicators?q=%00', 400, 'invalid_text'],
    ['/v1/indicators?type=%00', 400, 'invalid_text'],
    ['/v1/indicators?country=%00x', 400, 'invalid_request'],
    ['/v1/indicators?since=yesterday', 400, 'invalid_request'],
    ['/v1/indicators?since=9999999-01-01', 400, 'invalid_request'],
    ['/v1/indicators?until=2026-13-01', 400, 'invalid_request'],
    ['/v1/indicators?limit=0', 400, 'invalid_request'],
    ['/v1/indicators?limit=1001', 400, 'invalid_request'],
    ['/v1/indicators?limit=ten', 400, 'invalid_request'],
    ['/v1/indicators?colour=red', 400, 'invalid_request'],
    ['/v1/indicators?class=nonsense', 400, 'invalid_request'],
    ['/v1/indicators?value=%3F%3F%3F', 422, 'invalid_value'],
    ['/v1/indicators?domain=..', 422, 'invalid_value'],
    ['/v1/indicators?cursor=AAAA', 400, 'cursor_invalid'],
    ['/v1/indicators/no-such-id', 404, 'not_found'],
    ['/v1/indicators/indicator--zzz', 404, 'not_found'],
    ['/v1/indicators/%00', 400, 'invalid_text'],
    ['/v1/no-such-door', 404, 'not_found'],
  ]
  for (const [url, status, code] of rows) {
    const answer = await node.call('ana.cert-br', { method: 'GET', url })
    t.match(answer, { status, body: { code, status } }, `${url}: ${answer.text}`)
    t.match(String(answer.headers['content-type']), 'application/problem+json')
  }
  const header = await node.call('ana.cert-br', {
    method: 'GET',
    url: '/v1/me',
    headers: { 'puente-purpose': 'curiosity' },
  })
  t.match(header, { status: 400, body: { code: 'invalid_request' } })
  const bearer = await node.call('anonymous', {
    method: 'GET',
    url: '/v1/me',
    headers: { authorization: 'Bearer nonsense' },
  })
  t.match(bearer, { status: 401, body: { code: 'credentials_invalid' } })
  t.match(String(bearer.headers['www-authenticate']), 'Bearer')
})

t.test('whatever is sent to whatever door, nothing answers 500 and nothing of the database shows', async (t) => {
  const node = await testNode(t)
  const { operations } = readContract('openapi.yaml')
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '\0',
      '\ud800',
      '__proto__',
      '../../etc/passwd',
      "'; drop table indicator; --",
      '%',
      '☃',
      'NaN',
      '-1',
      '1e309',
    ),
    fc.constantFrom(
      'indicator--11111111-1111-4111-8111-111111111111',
      '2026-06-01',
      '275760-09-14',
      'community:lac-csirts',
    ),
  )
  const value: fc.Arbitrary<unknown> = fc.oneof(
    { depthSize: 'small' },
    text,
    fc.jsonValue(),
    fc.dictionary(text, text, { maxKeys: 4 }),
  )
  const worst: string[] = []
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...operations),
      fc.array(text, { minLength: 3, maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'type',
          'value',
          'q',
          'tlp',
          'network',
          'domain',
          'cursor',
          'limit',
          'since',
          'audience',
          'format',
        ),
        text,
        { maxKeys: 3 },
      ),
      value,
      fc.constantFrom(
        'application/json',
        'application/x-ndjson',
        'text/csv',
        'application/stix+json',
        'text/plain',
        'nonsense',
      ),
      fc.constantFrom('ana.cert-br', 'anonymous', 'marta.lacnic'),
      async ({ method, url }, parts, query, body, type, account) => {
        await knock(node, worst, { method, url, parts, query, body, type, account })
      },
    ),
    { numRuns: 1_500 },
  )
  t.strictSame(worst, [])
})

async function knock(
  node: TestNode,
  worst: string[],
  asked: {
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
    url: string
    parts: string[]
    query: Record<string, string>
    body: unknown
    type: string
    account: string
  },
): Promise<void> {
  let n = 0
  const path = asked.url.replace(/:\w+/g, () => encoded(asked.parts[n++ % 3] ?? ''))
  const search = Object.entries(asked.query).map(([name, text]) => `${name}=${encoded(text)}`)
  const answer = await node.call(asked.account, {
    method: asked.method,
    url: `${path}?${search.join('&')}`,
    headers: asked.method === 'GET' ? {} : { ...json, 'content-type': asked.type },
    ...(asked.method === 'GET' ? {} : { payload: JSON.stringify(asked.body) ?? '' }),
  })
  if (answer.status >= 500 || /postgres|relation "|syntax error|at async|node_modules/i.test(answer.text)) {
    worst.push(
      `${asked.method} ${path}?${search.join('&')} ${JSON.stringify(asked.body)}: ${answer.status} ${answer.text.slice(0, 200)}`,
    )
  }
}

/** Percent-encoded, half characters as the bytes that no decoder takes. */
const encoded = (text: string): string => (text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80')

t.test('an indicator that would make pages large is refused alone', async (t) => {
  const node = await testNode(t)
  const stix = (n: number, note: string) => ({
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--00000000-0000-4000-8000-00000000000${n}`,
    created: '2026-05-01T00:00:00.000Z',
    modified: '2026-05-01T00:00:00.000Z',
    valid_from: '2026-05-01T00:00:00.000Z',
    pattern: `[ipv4-addr:value = '192.0.2.${n}']`,
    pattern_type: 'stix',
    x_note: note,
  })
  const small = stix(1, '')
  const fitting = limits.indicatorCharacters - JSON.stringify(small).length
  const { body } = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    headers: { 'content-type': 'application/stix+json;version=2.1' },
    payload: JSON.stringify({
      type: 'bundle',
      id: 'bundle--00000000-0000-4000-8000-000000000001',
      objects: [small, stix(2, 'x'.repeat(fitting + 1)), stix(3, 'x'.repeat(fitting))],
    }),
  })
  t.match(body, { accepted: 2, rejected: [{ position: { record: 1 }, code: 'record_too_large' }], rejectedTotal: 1 })
})
