import { createHash, randomUUID } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Registry } from 'prom-client'
import type { Test } from 'tap'
import { identify } from '../src/actions/identify.ts'
import { actions, type Context, type WayOut } from '../src/actions/index.ts'
import { prepareObject, rowOf } from '../src/actions/object-batch.ts'
import { prepare } from '../src/actions/prepare.ts'
import { setUp } from '../src/actions/set-up.ts'
import { startContext, type TokenSettings } from '../src/actions/start.ts'
import type { Guards } from '../src/api/guards.ts'
import { buildApp } from '../src/app.ts'
import { mintKey } from '../src/auth/api-keys.ts'
import { wayOut } from '../src/delivery/http.ts'
import { publicCaller } from '../src/domain/caller.ts'
import type { Draft } from '../src/domain/draft.ts'
import type { Handling } from '../src/domain/handling.ts'
import { parseObservable } from '../src/domain/observables/parse.ts'
import { knownMarking } from '../src/formats/stix-markings.ts'
import { objectDraft } from '../src/formats/stix-other.ts'
import { insertAccount } from '../src/store/accounts.ts'
import { insertAgreement } from '../src/store/agreements.ts'
import { insertCommunity, insertMember } from '../src/store/communities.ts'
import { insertKey } from '../src/store/keys.ts'
import { mergeIndicators } from '../src/store/merge.ts'
import { setGreenCommunity } from '../src/store/node.ts'
import { writeObjects } from '../src/store/objects.ts'
import { insertClient, insertOrganisation } from '../src/store/organisations.ts'
import { testDatabase } from './database.ts'
import { type CaseWorld, defaultAt, loadWorld } from './policy/cases.ts'

/** A node with the cast of `test/cases/world.yaml`, on a database of its own, with a clock that the test sets. */
export interface TestNode {
  readonly app: FastifyInstance
  readonly context: Context
  readonly world: CaseWorld
  readonly databaseUrl: string
  /** Sets the time of the node. */
  at(instant: string): void
  /** Headers with the API key of an account; none for `anonymous`. */
  as(account: string): Record<string, string>
  /** One request as an account; JSON bodies are written from objects. */
  call(account: string, options: InjectOptions): Promise<Answer>
  /** Puts an indicator with exactly this handling into the store, past the publish door. @returns its STIX id */
  plant(handling: Handling, observable: { type: string; value: string }, more?: Partial<Draft>): Promise<string>
  /** Puts a STIX object with exactly this handling into the store, whatever it refers to. @returns its STIX id */
  plantObject(handling: Handling, object: Planting): Promise<string>
  /** The same with several at once. @returns their STIX ids */
  plantObjects(handling: Handling, objects: readonly Planting[]): Promise<readonly string[]>
}

/** What is planted of a STIX object: its properties, without those that a test does not care about. */
type Planting = { readonly type: string } & Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | number | undefined>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  readonly body: any
}

export async function testNode(
  t: Test,
  options: {
    readonly seed?: boolean
    readonly requestsPerMinute?: number
    readonly tokens?: TokenSettings
    readonly guards?: Partial<Guards>
    readonly trustProxy?: readonly string[]
    /** Hosts of this machine that the node may call; it calls none otherwise. */
    readonly privateHosts?: readonly string[]
    /** Another way out than the real one. */
    readonly wayOut?: WayOut
    /** Organisation of the cast that operates the node; LACNIC when absent. */
    readonly operator?: string
    /** Hear of changes as a process that serves does. */
    readonly listen?: boolean
    /** Takes what is measured. */
    readonly registry?: Registry
    readonly database?: { readonly connections: number; readonly connectTimeoutMs: number }
  } = {},
): Promise<TestNode> {
  let now = new Date(defaultAt)
  const url = await testDatabase(t)
  const context = await startContext({
    database: { url, connections: 5, statementTimeoutMs: 30_000, ...options.database },
    clock: () => now,
    log: { info: () => {}, warn: () => {}, error: (facts, message) => t.comment(message, facts) },
    version: 'test',
    listen: options.listen === true,
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
    wayOut: options.wayOut ?? wayOut({ privateHosts: options.privateHosts ?? [] }),
  })
  const app = await buildApp(context, {
    root: process.cwd(),
    requestsPerMinute: options.requestsPerMinute ?? 1_000_000,
    trustProxy: options.trustProxy ?? [],
    ...(options.guards === undefined ? {} : { guards: options.guards }),
    registry: options.registry,
  })
  await app.ready()
  t.teardown(async () => {
    await app.close()
    await context.close()
  })
  const world = loadWorld()
  const keys = options.seed === false ? new Map<string, string>() : await seed(context, world, options.operator)
  const as = (account: string): Record<string, string> => {
    if (account === 'anonymous') return {}
    const key = keys.get(account)
    if (key === undefined) throw new Error(`${account} has no key`)
    return { authorization: `Bearer ${key}` }
  }
  return {
    app,
    context,
    world,
    databaseUrl: url,
    at: (instant) => {
      now = new Date(instant)
    },
    as,
    call: async (account, request) => {
      const answer = await app.inject({ ...request, headers: { ...as(account), ...request.headers } })
      const isJson = String(answer.headers['content-type'] ?? '').includes('json') && !answer.body.includes('}\n{')
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        body: isJson && answer.body !== '' ? JSON.parse(answer.body) : undefined,
      }
    },
    plant: (handling, observable, more) => plant(context, now, handling, observable, more),
    plantObject: async (handling, object) => (await plantObjects(context, now, handling, [object]))[0] ?? '',
    plantObjects: (handling, objects) => plantObjects(context, now, handling, objects),
  }
}

/** The cast, straight into the store: what the doors make of it is what the tests ask. */
async function seed(context: Context, world: CaseWorld, operates?: string): Promise<Map<string, string>> {
  const keys = new Map<string, string>()
  const operator = world.organisations.find(({ id }) => operates === undefined || id === operates)
  if (operator === undefined) throw new Error('the cast is empty')
  const { accounts } = await setUp(context, { organisation: operator })
  for (const { id, apiKey } of accounts) keys.set(id, apiKey)
  await context.database.transaction(async (transaction) => {
    for (const { disabled: _, ...organisation } of world.organisations) {
      if (organisation.id !== operator.id) await insertOrganisation(transaction, organisation)
    }
    for (const { disabled: _, ...account } of world.accounts) {
      await insertAccount(transaction, account)
      const { id, secret, digest } = mintKey()
      await insertKey(transaction, {
        id,
        account: account.id,
        name: 'test',
        digest,
        scopes: ['read', 'write', 'admin'],
      })
      keys.set(account.id, secret)
    }
    for (const { provider, client } of world.clients) await insertClient(transaction, provider, client)
    for (const { members, ...community } of world.communities) {
      await insertCommunity(transaction, community)
      for (const member of members) await insertMember(transaction, community.id, member)
    }
    await setGreenCommunity(transaction, world.nodeCommunity)
    for (const agreement of world.agreements) await insertAgreement(transaction, agreement)
  })
  return keys
}

async function plant(
  context: Context,
  at: Date,
  handling: Handling,
  { type, value }: { type: string; value: string },
  more: Partial<Draft> = {},
): Promise<string> {
  const draft: Draft = {
    position: {},
    observables: [parseObservable(type, value)],
    compound: false,
    labels: [],
    handling: {},
    received: value,
    format: 'puente',
    ...more,
  }
  const item = identify(draft, handling, context.node.idKey)
  const [handlingId = 0] = await context.policy.intern([handling])
  const row = prepare(item, handlingId, at.toISOString(), undefined, context.networks)
  await context.database.transaction((transaction) =>
    mergeIndicators(transaction, handling.originator, [row], at, () => false),
  )
  return `indicator--${item.uuid}`
}

async function plantObjects(
  context: Context,
  at: Date,
  handling: Handling,
  plantings: readonly Planting[],
): Promise<readonly string[]> {
  const time = '2024-01-01T00:00:00.000Z'
  const objects = plantings.map(({ type, ...members }) => ({
    type,
    spec_version: '2.1',
    id: `${type}--${randomUUID()}`,
    created: time,
    modified: time,
    ...members,
  }))
  const [handlingId = 0] = await context.policy.intern([handling])
  const rows = objects.map((object) => {
    const origin = { position: {}, pointer: '', received: JSON.stringify(object), markingOf: knownMarking }
    return rowOf(prepareObject(objectDraft(object, origin), handling), handlingId)
  })
  await context.database.transaction((transaction) =>
    writeObjects(transaction, handling.originator, rows, at, () => false),
  )
  return objects.map(({ id }) => id)
}

/** A value that no other test of the file uses: an address of the documentation range 3fff::/20 made from a number. */
export const freshAddress = (n: number): string =>
  `3fff::${(1 + Math.floor(n / 65_536)).toString(16)}:${(n % 65_536).toString(16)}`

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export { actions, publicCaller }
