import fc from 'fast-check'
import {
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from 'graphql'
import t, { type Test } from 'tap'
import { readSchema } from '../../src/api/graphql/schema.ts'
import { type FaultCode, faultCodes } from '../../src/domain/errors.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { keepers, none, plantCanaries, strangers, wrongWith } from './doors.ts'
import { fuzz, hostileText, hostileValue, spoilt } from './fuzz.ts'
import { samples } from './samples.ts'

/** Documents made from schema.graphql: good ones, some over every limit, and some whose words were stirred. */

t.setTimeout(3_600_000)

const schema: GraphQLSchema = readSchema()

/** A whole number below `n`, and texts; from one seed, so that a document is made again from its seed. */
class Dice {
  #state: number
  readonly words: readonly string[]

  constructor(seed: number, words: readonly string[]) {
    this.#state = seed | 1
    this.words = words
  }

  roll(n: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * n)
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.roll(items.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }
}

/** A literal that fits an input type, or nearly. */
function literal(type: GraphQLInputType, dice: Dice, depth: number): string {
  if (isNonNullType(type)) return literal(type.ofType, dice, depth)
  if (dice.roll(25) === 0)
    return dice.pick(['null', '5', '-1', '"x"', '[]', '{}', '2147483648', '1e400', 'CLEAR', '$unknown', '"\\u0000"'])
  if (isListType(type))
    return `[${Array.from({ length: dice.roll(3) }, () => literal(type.ofType, dice, depth)).join(', ')}]`
  if (isEnumType(type)) return dice.pick(type.getValues()).name
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter(
      (field) => isNonNullType(field.type) || (depth > 0 && dice.roll(3) === 0),
    )
    return `{${fields.map(({ name, type }) => `${name}: ${literal(type, dice, depth - 1)}`).join(', ')}}`
  }
  switch (type.name) {
    case 'Int':
      return String(dice.pick([0, 1, 2, 10, 100, 1_000, 1_001, -1, 2_147_483_647]))
    case 'Boolean':
      return dice.pick(['true', 'false'])
    case 'ASN':
      return dice.pick(['64496', '0', '4294967295', '4294967296'])
    case 'DateTime':
      return dice.pick([
        '"2026-01-01T00:00:00Z"',
        '"2026-01-01"',
        '"0000-01-01T00:00:00Z"',
        '"9999-12-31T23:59:59.9999999Z"',
      ])
    default:
      return JSON.stringify(dice.pick(dice.words))
  }
}

function selection(type: GraphQLOutputType, dice: Dice, depth: number): string {
  const named = getNamedType(type)
  if (!isCompositeType(named)) return ''
  if (isUnionType(named)) return ' { __typename }'
  const inner = isInterfaceType(named) && dice.roll(2) === 0 ? dice.pick(schema.getPossibleTypes(named)) : named
  const fields = Object.values(inner.getFields())
  const chosen = Array.from({ length: 1 + dice.roll(5) }, () => dice.pick(fields)).flatMap((field) => {
    if (depth <= 0 && isCompositeType(getNamedType(field.type))) return []
    const alias = dice.roll(6) === 0 ? `a${dice.roll(40)}: ` : ''
    const given = field.args.filter((arg) => isRequiredArgument(arg) || dice.roll(2) === 0)
    const args = given.map(({ name, type }) => `${name}: ${literal(type, dice, 2)}`)
    const directive = dice.roll(20) === 0 ? dice.pick([' @skip(if: false)', ' @include(if: true)', ' @nothing']) : ''
    return [
      `${alias}${field.name}${args.length === 0 ? '' : `(${args.join(', ')})`}${directive}${selection(field.type, dice, depth - 1)}`,
    ]
  })
  const body = chosen.length === 0 ? '__typename' : chosen.join(' ')
  return inner === named ? ` { ${body} }` : ` { ... on ${inner.name} { ${body} } }`
}

function documentOf(seed: number, words: readonly string[]): string {
  const dice = new Dice(seed, words)
  const mutation = dice.roll(4) === 0
  const root = mutation ? schema.getMutationType() : schema.getQueryType()
  if (!isObjectType(root)) throw new Error('the schema has no root')
  return `${mutation ? 'mutation' : 'query'}${selection(root, dice, 2 + dice.roll(8))}`
}

/** The document with tokens removed, doubled, exchanged or put in from elsewhere. */
const stirred = (document: string): fc.Arbitrary<string> => {
  const tokens = document.match(/"(?:[^"\\]|\\.)*"|\w+|[^\s\w]/g) ?? []
  const odd = fc.oneof(
    fc.constantFrom(
      ...tokens,
      '{',
      '}',
      '...',
      'fragment f on Query',
      '@skip',
      '$x',
      '"""',
      '\0',
      '#',
      'subscription',
      '&',
    ),
    hostileText,
  )
  return fc.array(fc.tuple(fc.nat(tokens.length), fc.nat(2), odd), { minLength: 1, maxLength: 4 }).map((changes) =>
    changes
      .reduce((now, [at, what, word]) => {
        const put = what === 0 ? [] : what === 1 ? [word] : [now[at] ?? '', now[at] ?? '']
        return [...now.slice(0, at), ...put, ...now.slice(at + 1)]
      }, tokens as string[])
      .join(' '),
  )
}

/** Documents that are too much in one way or another. */
const excessive: fc.Arbitrary<string> = fc.constantFrom(
  `{ ${Array.from({ length: 60 }, (_, n) => `a${n}: me { operator }`).join(' ')} }`,
  `{ ${'me { account { organisation { accounts { '.repeat(4)}slug${' } } } }'.repeat(4)} }`,
  `{ indicators(first: 1000) { edges { node { history { indicator { history { version } } } } } } }`,
  `{ ${'__typename '.repeat(3_000)} }`,
  `query { ${'{'.repeat(5_000)}`,
  `{ a(b: ${'['.repeat(3_000)}`,
  `query (${Array.from({ length: 500 }, (_, n) => `$v${n}: Int`).join(' ')}) { me { operator } }`,
  `${Array.from({ length: 100 }, (_, n) => `fragment f${n} on Query { ...f${(n + 1) % 100} }`).join(' ')} { ...f0 }`,
  '{ __schema { types { fields { args { type { ofType { ofType { name } } } } } } } }',
  `{ lookup(values: [${'{value: "192.0.2.1"} '.repeat(300)}], limitPerValue: 100) { matches { indicator { value } } } }`,
)

interface Request {
  readonly account: string
  readonly headers: Record<string, string>
  readonly payload: Buffer
}

function request(accounts: readonly string[], words: readonly string[]): fc.Arbitrary<Request> {
  const made = fc.integer().map((seed) => documentOf(seed, words))
  const query = fc.oneof(
    { weight: 6, arbitrary: made },
    { weight: 3, arbitrary: made.chain(stirred) },
    excessive,
    hostileText,
  )
  const variables = fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    fc.dictionary(hostileText, hostileValue, { maxKeys: 2 }),
    hostileValue,
  )
  const purpose = fc.constantFrom('defence', 'research', 'law-enforcement')
  return fc
    .record({ account: fc.constantFrom(...accounts), query, variables, purpose, plain: fc.nat(9) })
    .chain(({ account, query, variables, purpose, plain }) => {
      const body = JSON.stringify({ query, variables })
      const headers = { 'content-type': 'application/json', 'puente-purpose': purpose }
      const payload = plain > 0 ? fc.constant(Buffer.from(body)) : spoilt(body)
      return payload.map((payload) => ({ account, headers, payload }))
    })
}

/** What is wrong with the form of an answer. */
function wrongForm({ status, body, text }: Answer, asked: string): string | undefined {
  const told = `${asked.slice(0, 600)}\n${status} ${text.slice(0, 400)}`
  const errors =
    (body as { errors?: { message: unknown; extensions?: { code?: FaultCode } }[] } | undefined)?.errors ?? []
  if (status >= 400 && errors.length === 0) return `no errors: ${told}`
  if (status >= 400 && 'data' in body) return `data in a refusal: ${told}`
  const unknown = errors.find(
    ({ message, extensions }) => typeof message !== 'string' || !Object.hasOwn(faultCodes, extensions?.code ?? ''),
  )
  return unknown === undefined ? undefined : `unknown code: ${told}`
}

async function attack(t: Test, accounts: readonly string[], runs: number): Promise<void> {
  const node: TestNode = await testNode(t)
  const ids = await plantCanaries(node)
  const globalIds = ids.map((id) => Buffer.from(`Indicator:${id}`).toString('base64url'))
  const words = [
    ...ids,
    ...globalIds,
    ...samples.values,
    'cert-br',
    'csirt-cl',
    'lac-csirts',
    'ana.cert-br',
    'camila.csirt-cl',
    'phishing',
    'x',
    '',
  ]
  const found: string[] = []
  let ran = 0
  await fc.assert(
    fc.asyncProperty(request(accounts, words), async ({ account, headers, payload }) => {
      const began = performance.now()
      const answer = await node.call(account, { method: 'POST', url: '/graphql', headers, payload })
      const ms = performance.now() - began
      if (answer.body?.data != null) ran++
      const told = `${account} ${payload.toString()}`
      const wrong = wrongWith(answer, ms, told) ?? wrongForm(answer, told)
      if (wrong !== undefined) found.push(wrong)
    }),
    { ...fuzz(runs), endOnFailure: true },
  )
  none(t, found)
  t.ok(ran > runs / 20, `${ran} of the documents ran`)
}

t.test('those who may not see the canaries', (t) => attack(t, strangers, 500))

t.test('those who keep the directory', (t) => attack(t, keepers, 300))
