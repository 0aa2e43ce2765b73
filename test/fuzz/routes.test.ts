import fc from 'fast-check'
import t, { type Test } from 'tap'
import { type Operation, readContract } from '../../src/api/rest/contract.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { keepers, none, plantCanaries, strangers, wrongProblem, wrongWith } from './doors.ts'
import { fuzz, hostileText, spoilt } from './fuzz.ts'
import { bent, type JsonSchema, type Words } from './json-schema.ts'
import { samples } from './samples.ts'

/** Every operation of openapi.yaml with parameters and bodies that fit, nearly fit, or are meant ill. */

t.setTimeout(3_600_000)

const { operations } = readContract('openapi.yaml')

interface Request {
  readonly operation: Operation
  readonly account: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload?: Buffer
}

const mediaTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=latin1',
  'application/merge-patch+json',
  'application/x-ndjson',
  'application/stix+json',
  'text/csv',
  'text/plain',
  'application/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'nonsense',
  '',
]

const headers = fc.record(
  {
    accept: fc.constantFrom(
      '*/*',
      'application/json',
      'text/csv',
      'application/stix+json',
      'image/png',
      'application/x-ndjson',
      ';;,',
    ),
    'puente-purpose': fc.constantFrom('defence', 'research', 'law-enforcement', 'curiosity', ''),
    'idempotency-key': fc.constantFrom('a', 'b', 'x'.repeat(300)),
    'if-match': fc.constantFrom('"1"', '*', 'W/"1"', '"x"', '"99999999999999999999"'),
    'content-encoding': fc.constantFrom('gzip', 'identity'),
  },
  { requiredKeys: [] },
)

/** Parameters in the URL: text of the wire, half characters as bytes that no decoder takes. */
const encoded = (value: unknown): string => {
  const text = typeof value === 'string' ? value : String(JSON.stringify(value))
  return text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80'
}

function request(operation: Operation, account: fc.Arbitrary<string>, words: Words): fc.Arbitrary<Request> {
  const { querystring, params, body } = operation.schema as Record<string, JsonSchema | undefined>
  const content = contentOf(operation, body, words)
  return fc
    .record({
      account,
      query: fc.oneof(fc.constant({}), bent(querystring ?? {}, words)),
      odd: fc.oneof({ weight: 9, arbitrary: fc.constant('') }, hostileText),
      parts: bent(params ?? {}, words),
      fallback: hostileText,
      headers,
      type: fc.oneof({ weight: 3, arbitrary: fc.constant('application/json') }, fc.constantFrom(...mediaTypes)),
      payload: content,
    })
    .map((asked) => {
      const parts = asked.parts as Record<string, unknown> | null
      const path = operation.url.replace(/:(\w+)/g, (_, name: string) => encoded(parts?.[name] ?? asked.fallback))
      const pairs = Object.entries(Object(asked.query)).flatMap(([name, value]) =>
        [value].flat().map((each) => `${encoded(name)}=${encoded(each)}`),
      )
      if (asked.odd !== '') pairs.push(encoded(asked.odd))
      const sent = operation.method === 'GET' ? {} : { payload: asked.payload }
      const type = operation.method === 'GET' || asked.type === '' ? {} : { 'content-type': asked.type }
      return {
        operation,
        account: asked.account,
        url: `${path}?${pairs.join('&')}`,
        headers: { ...asked.headers, ...type },
        ...sent,
      }
    })
}

function contentOf({ operationId }: Operation, schema: JsonSchema | undefined, words: Words): fc.Arbitrary<Buffer> {
  const documents = fc.constantFrom(...samples.documents)
  const lookups = fc
    .array(fc.oneof(fc.constantFrom(...words), hostileText), { maxLength: 5 })
    .map((values) => JSON.stringify({ values }))
  const json = fc.oneof(
    bent(schema ?? {}, words).map((value) => JSON.stringify(value) ?? ''),
    ...(operationId === 'publish' ? [documents, documents] : []),
    ...(operationId === 'lookup' ? [lookups, lookups] : []),
  )
  return json.chain(spoilt)
}

/** Sends what was made and looks at every answer. @returns what is wrong */
async function attack(
  node: TestNode,
  accounts: readonly string[],
  ids: readonly string[],
  runs: number,
): Promise<string[]> {
  const found: string[] = []
  const reached = new Set<string>()
  const words = [
    ...ids,
    ...ids,
    ...samples.values,
    ...['cert-br', 'csirt-cl', 'lacnic', 'lac-csirts', 'community:lac-csirts', 'ana.cert-br', 'camila.csirt-cl'],
    ...['phishing', 'fraud', 'clear', 'green', 'amber', 'BR', 'CL', '64496', '2026-01-01', 'example-accord', 'true'],
  ]
  const account = fc.constantFrom(...accounts)
  const any = fc.constantFrom(...operations).chain((operation) => request(operation, account, words))
  await fc.assert(
    fc.asyncProperty(any, async (asked) => {
      const began = performance.now()
      const answer = await send(node, asked)
      const ms = performance.now() - began
      if (answer.status < 400) reached.add(asked.operation.operationId)
      const told = `${asked.account} ${asked.operation.method} ${asked.url} ${JSON.stringify(asked.headers)} ${asked.payload?.toString() ?? ''}`
      const wrong = wrongWith(answer, ms, told) ?? wrongProblem(answer, told)
      if (wrong !== undefined) found.push(wrong)
    }),
    { ...fuzz(runs), endOnFailure: true },
  )
  return [...found, ...(reached.size < 8 ? [`only ${[...reached].join(', ')} answered anything`] : [])]
}

async function send(node: TestNode, { account, operation, url, headers, payload }: Request): Promise<Answer> {
  return await node.call(account, {
    method: operation.method,
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  })
}

const seeded = async (t: Test): Promise<{ node: TestNode; ids: string[] }> => {
  const node = await testNode(t)
  return { node, ids: await plantCanaries(node) }
}

t.test('those who may not see the canaries, at every door', async (t) => {
  const { node, ids } = await seeded(t)
  none(t, await attack(node, strangers, ids, 800))
  const { body } = await node.call('camila.csirt-cl', { method: 'GET', url: '/v1/indicators?q=canary' })
  t.equal(body.items.length, 3, 'who may, still sees them')
})

t.test('those who keep the directory, at every door', async (t) => {
  const { node, ids } = await seeded(t)
  none(t, await attack(node, keepers, ids, 500))
})
