import { subscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { FastifyInstance, RouteOptions } from 'fastify'
import {
  extendSchema,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  parse,
} from 'graphql'
import t from 'tap'
import { actions } from '../../src/actions/index.ts'
import { Live } from '../../src/actions/live.ts'
import { Known } from '../../src/api/graphql/asked.ts'
import { globalIdOf, nodeTypes } from '../../src/api/graphql/global-id.ts'
import { loaders } from '../../src/api/graphql/loaders.ts'
import { resolvers } from '../../src/api/graphql/resolvers.ts'
import { readSchema } from '../../src/api/graphql/schema.ts'
import { readContract } from '../../src/api/rest/contract.ts'
import type { ActionName } from '../../src/domain/action-names.ts'
import { publicCaller } from '../../src/domain/caller.ts'
import { Fault } from '../../src/domain/errors.ts'
import { permissions } from '../../src/policy/permissions.ts'
import { testNode } from '../node.ts'
import { fieldRules, rootRules, typeRules } from './rules.ts'

/** Nothing is answered that no rule was asked about: every route and every field has an action, and asks it. */

t.setTimeout(120_000)

/** Routes of pages, files and health: they describe, and look at no credentials. */
const pages = /^(GET|HEAD) \/(docs|graphiql)(\/|$)/

interface Ruled {
  readonly route: string
  readonly action: string | undefined
  readonly open: boolean
}

/** Files of the sources that a pattern is in. */
const sourcesWith = (pattern: RegExp): string[] =>
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && pattern.test(readFileSync(path.join('src', name), 'utf8')))
    .sort()

t.test('no SQL and no regular expression is made of input, and what is signed is kept as text', async (t) => {
  t.strictSame(sourcesWith(/\bsql\.(raw|identifier)\b/), [], 'SQL')
  t.strictSame(sourcesWith(/\beval\(|new Function\(/), [], 'code')
  // Of constants: the parts of a JA4 fingerprint.
  t.strictSame(sourcesWith(/\bRegExp\(/), ['domain/observables/fingerprints.ts'], 'regular expressions')
  t.ok(sourcesWith(/\bfrom 'pg'/).length > 0, 'the search finds what is there')
  const columns = readFileSync('migrations/schema.txt', 'utf8')
  t.match(columns, /\bstix text\b/)
  t.notMatch(columns, /\bjsonb?\b/, 'jsonb reorders and rounds')
})

/** What lacks a rule among routes: an action with a permission; and a declared operation behind it, unless it is a page. */
function unruledRoutes(routes: readonly Ruled[], promised: ReadonlyMap<string, ActionName>): string[] {
  return routes.flatMap(({ route, action, open }) => {
    if (action === undefined || !Object.hasOwn(permissions, action)) return [`${route} has no action with a permission`]
    const { who } = permissions[action as ActionName]
    if (open && who !== 'public') return [`${route} looks at no credentials, but ${action} is not public`]
    if (pages.test(route) || route.endsWith(' /graphql'))
      return action === 'describe' ? [] : [`${route} is a page that ${action}s`]
    const declared = promised.get(route.replace(/^HEAD/, 'GET'))
    return declared === action ? [] : [`${route} does ${action}, and openapi.yaml says ${declared ?? 'nothing'}`]
  })
}

async function routesOf(): Promise<Ruled[]> {
  const routes: RouteOptions[] = []
  const onInstance = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', (route) => void routes.push(route))
  }
  subscribe('fastify.initialization', onInstance)
  await testNode(t, { seed: false })
  return routes.flatMap(({ method, url, config }) =>
    [method].flat().map((each) => ({ route: `${each} ${url}`, action: config?.action, open: config?.open === true })),
  )
}

t.test('every route of the running application has an action, with a permission', async (t) => {
  const { operations } = readContract('openapi.yaml')
  const promised = new Map(operations.map(({ method, url, action }) => [`${method} ${url}`, action]))
  const routes = await routesOf()
  t.ok(routes.length > operations.length, `${routes.length} routes`)
  t.strictSame(unruledRoutes(routes, promised), [])
  const served = new Set(routes.map(({ route }) => route))
  t.strictSame(
    [...promised.keys()].filter((route) => !served.has(route)),
    [],
    'and none of the contract is missing',
  )

  const stray = (route: string, action: string | undefined, open = false) =>
    unruledRoutes([{ route, action, open }], promised).length
  t.equal(stray('GET /v1/secrets', undefined), 1, 'a route without an action is found')
  t.equal(stray('GET /v1/secrets', 'search'), 1, 'and one that the contract does not have')
  t.equal(stray('GET /v1/indicators', 'lookup'), 1, 'and one that does something else')
  t.equal(stray('GET /v1/me', 'whoami', true), 1, 'and one that forgets to look at credentials')
  t.equal(stray('GET /docs/x', 'search'), 1, 'and a page that reads')
})

const membersOf = (type: string): string[] => (typeRules[type]?.members ?? '').split(' ').filter((name) => name !== '')

/** What lacks a rule among fields, and rules without a field. */
function unruledFields(schema: GraphQLSchema): string[] {
  const wrong: string[] = []
  const named = new Set<string>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue
    const isRoot =
      type === schema.getQueryType() || type === schema.getMutationType() || type === schema.getSubscriptionType()
    for (const [name, field] of Object.entries(type.getFields())) {
      const path = `${type.name}.${name}`
      named.add(path)
      const asked = isRoot ? rootRules[path] : fieldRules[path]
      const from = asked ?? typeRules[type.name]?.from
      const isMember = !isRoot && membersOf(type.name).includes(name)
      if (asked === undefined && !isMember) {
        wrong.push(`${path} has no rule`)
        continue
      }
      const below = getNamedType(field.type)
      if (!isObjectType(below)) continue
      const allowed: readonly ActionName[] = typeRules[below.name]?.from ?? []
      for (const action of from ?? [])
        if (!allowed.includes(action)) wrong.push(`${path} brings ${below.name} by ${action}`)
    }
    for (const name of membersOf(type.name)) {
      if (type.getFields()[name] === undefined) wrong.push(`${type.name}.${name} has a rule and is no field`)
    }
  }
  for (const path of [...Object.keys(rootRules), ...Object.keys(fieldRules)]) {
    if (!named.has(path)) wrong.push(`${path} has a rule and is no field`)
  }
  return wrong
}

t.test('every field of every type has an action, its own or that of what it is a member of', async (t) => {
  const schema = readSchema()
  t.strictSame(unruledFields(schema), [])
  for (const action of Object.values({ ...rootRules, ...fieldRules }).flat())
    t.ok(Object.hasOwn(permissions, action), action)
  const more = (text: string) => unruledFields(extendSchema(schema, parse(text)))
  t.strictSame(more('extend type Indicator { secret: String }'), ['Indicator.secret has no rule'])
  t.strictSame(more('extend type Query { secrets: [String!] }'), ['Query.secrets has no rule'])
  t.strictSame(more('extend type Mutation { leak: Boolean }'), ['Mutation.leak has no rule'])
  t.strictSame(more('type Secret { text: String } extend type Me { secret: Secret }').sort(), [
    'Me.secret has no rule',
    'Secret.text has no rule',
  ])
  t.strictSame(more('extend type Subscription { leak: Boolean }'), ['Subscription.leak has no rule'])
})

/** Names of the actions that are called while `work` runs; none of them does anything. */
async function askedBy(work: () => unknown): Promise<ActionName[]> {
  const asked = new Set<ActionName>()
  const table = actions as Record<string, unknown>
  const kept = { ...actions }
  for (const name of Object.keys(kept) as ActionName[]) {
    table[name] = async () => {
      asked.add(name)
      throw new Fault('not_found', 'There is no such thing here.')
    }
  }
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  } finally {
    Object.assign(table, kept)
  }
  return [...asked].sort()
}

const caller = { ...publicCaller, reader: { ...publicCaller.reader, account: 'ana.cert-br' } }

const context = { log: { info: () => {}, warn: () => {}, error: () => {} } } as never

/** Arguments of every name; each resolver takes those it knows. */
const given = (id: string) => ({
  id,
  organisation: 'cert-br',
  account: 'ana.cert-br',
  community: 'lac-csirts',
  provider: 'cert-br',
  client: 'csirt-cl',
  values: [{ value: '192.0.2.1' }],
  input: { organisation: 'cert-br' },
  revision: { confidence: 5 },
  reason: 'x',
  name: 'x',
  entries: [],
  observations: [{ value: '192.0.2.1' }],
})

const asking = () => ({ context, caller, known: new Known(context, caller) })

type Resolver = (root: unknown, args: unknown, asked: unknown) => unknown

t.test('each root field asks the actions that its rule names, and no others', async (t) => {
  const ids = [...nodeTypes.map((type) => globalIdOf(type, 'x')), globalIdOf('Account', 'ana.cert-br')]
  for (const [type, fields] of Object.entries({ Query: resolvers.Query, Mutation: resolvers.Mutation })) {
    for (const [name, resolve] of Object.entries(fields as Record<string, Resolver>)) {
      const asked = new Set<ActionName>()
      for (const id of ids)
        for (const action of await askedBy(() => resolve(undefined, given(id), asking()))) asked.add(action)
      t.strictSame([...asked].sort(), [...(rootRules[`${type}.${name}`] ?? [])].sort(), `${type}.${name}`)
    }
  }
})

t.test('a subscription goes by the live follower alone, which asks for `follow`', async (t) => {
  t.strictSame(Object.keys(resolvers.Subscription), ['feed'])
  const asked: ReturnType<typeof asking> & { live?: unknown } = asking()
  t.strictSame(await askedBy(() => resolvers.Subscription.feed.subscribe(undefined, {}, asked as never)), [])
  t.ok(asked.live instanceof Live)
  const names = readFileSync('src/actions/follow.ts', 'utf8').match(/verb\(\s*'[^']*'/g)
  t.strictSame(
    names?.map((each) => each.replace(/\s/g, '')),
    ["verb('follow'", "verb('follow'"],
    'both ways in',
  )
})

t.test('a field that is a member asks nothing, and the others what their rules name', async (t) => {
  const { Query: _, Mutation: __, DateTime: ___, ASN: ____, Subscription: _____, ...types } = resolvers
  for (const [type, fields] of Object.entries(types)) {
    for (const [name, resolve] of Object.entries(fields as Record<string, Resolver>)) {
      const asked = await askedBy(() => resolve({ id: 'x', organisation: 'x', originator: { id: 'x' } }, {}, asking()))
      t.strictSame(asked, [...(fieldRules[`${type}.${name}`] ?? [])].sort(), `${type}.${name}`)
    }
  }
  for (const name of Object.keys(loaders.Organisation)) t.ok(fieldRules[`Organisation.${name}`], `Organisation.${name}`)
  const interfaces = Object.values(readSchema().getTypeMap()).filter(isInterfaceType)
  t.strictSame(
    interfaces.map(({ name }) => name),
    ['Node'],
    'what implements an interface is ruled by its own type',
  )
})
