// alone: it counts sockets and memory of the process
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { purposes } from '../../src/domain/agreement.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { greenOf, idOf } from '../follower.ts'
import { freshAddress, type TestNode, testNode } from '../node.ts'
import { defaultAt, loadCases, readerOf, worldOf } from '../policy/cases.ts'
import { oracle } from '../policy/oracle.ts'
import { addressOf } from '../sse.ts'
import type { Ask, Reply, StreamDoor, Told } from '../streams-child.ts'

/** Streams; the nightly script takes ten thousand. */
const count = Number(process.env.FAN_OUT_STREAMS ?? 400)

/**
 * Hundreds of streams of forty readers: each is to receive exactly what the second implementation of the policy says, in order, once.
 * Streams whose readers may have the same share their pages, so this is also where one reader's page would reach another. One of them
 * stops reading meanwhile: it is closed, holds nobody up, and goes on from its cursor without a gap.
 */

/** The account of the stream that stalls: alone in its organisation, so that nobody else gets what is too much for it. */
const slow = { account: 'grace.observa-us', organisation: 'observa-us' }
const [large, largeBytes] = [200, 60_000]

t.setTimeout(600_000 + count * 200)

t.test('each of hundreds of streams receives what the oracle says', async (t) => {
  const guards = {
    connections: 2 * count,
    connectionsPerAddress: 2 * count,
    streamsPerAccount: count,
    streamStallMs: 2_000 + count,
    lingerMs: 500,
  }
  const node = await testNode(t, { listen: true, guards })
  const { world } = node
  const handlings = handlingsOf(node)
  const accounts = [...world.accounts.map(({ id }) => id), 'anonymous']
  const others = accounts.filter((account) => account !== slow.account)
  const readers = others.flatMap((account, n) =>
    [...new Set([purposes[0], purposes[n % purposes.length] ?? purposes[0]])].map((purpose) => ({ account, purpose })),
  )
  const rights = new Set(
    readers.map(({ account, purpose }) =>
      handlings.map((handling) => effectOf(world, account, purpose, handling)).join(' '),
    ),
  )
  t.ok(rights.size >= 20, `${rights.size} different rights`)
  const streams = Array.from({ length: count }, (_, n) => ({
    ...(readers[n % readers.length] ?? { account: 'anonymous', purpose: purposes[0] }),
    expected: [] as string[],
  }))
  const stalled = Math.floor(count / 2)
  streams[stalled] = { account: slow.account, purpose: purposes[0], expected: [] }
  let [reading, unread] = [true, 0]
  const clients = new Clients(t)
  const url = await addressOf(node)
  await clients.open(
    streams.map(({ account, purpose }) => ({
      url,
      headers: { ...node.as(account), 'puente-purpose': purpose },
      organisation: world.accounts.find(({ id }) => id === account)?.organisation,
    })),
  )
  /** What stands, by what the publish door made of it. */
  const present = new Map<number, Handling>()
  /** Does something with some, and waits until everybody has what the oracle says of those with which it could be done. */
  const phase = async (some: readonly number[], run: (n: number) => Promise<boolean>) => {
    const done: { n: number; kind: string; before: Handling | undefined; after: Handling }[] = []
    for (const n of some) {
      if (!(await run(n))) continue
      const before = present.get(n)
      const { kind, handling } = await standing(node, n)
      present.set(n, handling)
      done.push({ n, kind, before, after: handling })
    }
    for (const stream of streams) {
      const effect = (handling: Handling | undefined) =>
        handling === undefined ? 'deny' : effectOf(world, stream.account, stream.purpose, handling)
      for (const { n, kind, before, after } of done) {
        const [had, has] = [effect(before), kind === 'recalled' ? 'deny' : effect(after)]
        const id = idOf(n + 1).slice(-4)
        if (has !== 'deny') stream.expected.push(`${had === 'deny' ? 'published' : kind} ${id} ${has}`)
        else if (had !== 'deny') stream.expected.push(`${kind === 'recalled' ? kind : 'withdrawn'} ${id}`)
      }
    }
    if (!reading) latestOnly(streams[stalled]?.expected, unread)
    await clients.reach(streams.map(({ expected }, n) => (n === stalled && !reading ? 0 : expected.length)))
    return done.length
  }
  const all = handlings.map((_, n) => n)
  await phase(all, async (n) => plant(node, n, handlings[n]))
  await clients.stall(stalled)
  reading = false
  unread = streams[stalled]?.expected.length ?? 0
  await plantLarge(node, (id) => streams[stalled]?.expected.push(`published ${id} permit`))
  const revised = await phase(
    all.filter((n) => n % 3 === 0),
    (n) => act(node, handlings[n], 'PATCH', `/v1/indicators/${idOf(n + 1)}`, { confidence: 9 }),
  )
  const recalled = await phase(
    all.filter((n) => n % 5 === 0),
    (n) => act(node, handlings[n], 'POST', `/v1/indicators/${idOf(n + 1)}/recall`, { reason: 'x' }),
  )
  t.ok(revised > 5 && recalled > 5, `${all.length} published, ${revised} revised, ${recalled} recalled`)
  await connectionsLeft(node, count - 1)
  await clients.resume(stalled)
  reading = true
  await phase([], async () => false)
  const { told, digests, ends } = await clients.tell()
  t.ok(ends.length <= 1 && ends.every((code) => code === 'consumer_too_slow'), 'nobody else was closed')
  for (const [n, { account, purpose, expected }] of streams.entries()) {
    const got = told[n] ?? []
    if (JSON.stringify(got) !== JSON.stringify(expected)) t.strictSame(got, expected, `${account} for ${purpose}`)
  }
  t.equal(told.length, count)
  t.ok(streams.reduce((sum, { expected }) => sum + expected.length, 0) > 10 * count)
  digestsDiffer(t, digests)
})

/** Readers of two organisations must not be able to pool their digests: not even those whose pages look alike. */
function digestsDiffer(t: Test, digests: Told['digests']): void {
  const organisations = new Map<string, Set<string>>()
  for (const [digest, organisation] of digests)
    organisations.set(digest, (organisations.get(digest) ?? new Set()).add(organisation))
  t.ok(organisations.size > 0, `${organisations.size} digests`)
  for (const [digest, whose] of organisations) t.equal(whose.size, 1, digest)
}

/** The clients' process. */
class Clients {
  readonly #child = fork(fileURLToPath(new URL('../streams-child.js', import.meta.url)))

  constructor(t: Test) {
    t.teardown(() => this.#child.kill('SIGKILL'))
  }

  async open(open: readonly StreamDoor[]): Promise<void> {
    await this.#ask({ open })
  }

  /** Waits until each stream has so many events. */
  async reach(counts: readonly number[]): Promise<void> {
    await this.#ask({ counts })
  }

  /** Reads a stream no more. */
  async stall(stalled: number): Promise<void> {
    await this.#ask({ stalled })
  }

  /** Reads it to its end, and opens it again. */
  async resume(resumed: number): Promise<void> {
    await this.#ask({ resumed })
  }

  async tell(): Promise<Told> {
    const reply = await this.#ask({ tell: true })
    if ('told' in reply) return reply
    throw new Error('the clients told nothing')
  }

  async #ask(ask: Ask): Promise<Reply> {
    this.#child.send(ask)
    const [reply] = (await once(this.#child, 'message')) as [Reply]
    if ('failed' in reply) throw new Error(reply.failed)
    return reply
  }
}

/** Handlings of the truth table, each once; RED stays out of every feed, so it is there once, to be absent. */
function handlingsOf({ world }: TestNode): Handling[] {
  const enrolled = loadCases().filter(
    ({ handling, grants }) => grants.length === 0 && world.organisations.some(({ id }) => id === handling.originator),
  )
  const texts = new Map(enrolled.map(({ handling }) => [JSON.stringify(handling), handling]))
  return [...texts.values()]
}

function effectOf(world: TestNode['world'], account: string, purpose: (typeof purposes)[number], handling: Handling) {
  if (handling.tlp === 'red') return 'deny'
  return oracle(readerOf(world, account, []), handling, purpose, new Date(defaultAt), worldOf(world)).effect
}

/** How the newest entry about it changed it, and its handling now. */
async function standing({ context }: TestNode, n: number): Promise<{ kind: string; handling: Handling }> {
  const { rows } = await context.database.client.query<{ kind: string; handling_id: number }>(
    'select kind, handling_id from feed where stix_id = $1 order by position desc limit 1',
    [idOf(n + 1).replace('indicator--', '')],
  )
  const [row] = rows
  const { visibility } = await context.policy.current()
  const handling = row && visibility.handling(row.handling_id)
  if (row === undefined || handling === undefined) throw new Error('it is not there')
  return { kind: row.kind, handling }
}

async function plant(node: TestNode, n: number, handling: Handling | undefined): Promise<boolean> {
  if (handling === undefined) return false
  const observable = handling.personalData
    ? { type: 'email-address', value: `person-${n}@example.com` }
    : { type: 'ipv6-address', value: freshAddress(n + 1) }
  await node.plant(handling, observable, { id: idOf(n + 1) })
  return true
}

/** Who was away is told how things stand, and not how they stood meanwhile: of what changed twice, the last. */
function latestOnly(expected: string[] | undefined, from: number): void {
  const since = expected?.splice(from) ?? []
  const idIn = (change: string) => change.split(' ')[1]
  expected?.push(...since.filter((change, n) => since.findLastIndex((later) => idIn(later) === idIn(change)) === n))
}

/** More than the system keeps for a connection that nobody reads. */
async function plantLarge(node: TestNode, planted: (id: string) => void): Promise<void> {
  const { organisation } = slow
  const handling = greenOf({ tlp: 'amber+strict', originator: organisation, organisations: [organisation] })
  const description = 'x'.repeat(largeBytes)
  for (let n = 0; n < large; n++) {
    const id = idOf(5_000 + n)
    await node.plant(handling, { type: 'ipv6-address', value: freshAddress(5_000 + n) }, { id, description })
    planted(id.slice(-4))
  }
}

async function connectionsLeft({ app }: TestNode, wanted: number): Promise<void> {
  const open = () => new Promise((resolve) => app.server.getConnections((_, found) => resolve(found)))
  while ((await open()) !== wanted) await setTimeout(50)
}

/** @returns whether its publisher may: the truth table has handlings that nobody could publish */
async function act(
  node: TestNode,
  handling: Handling | undefined,
  method: 'PATCH' | 'POST',
  url: string,
  payload: object,
): Promise<boolean> {
  const publisher = node.world.accounts.find(
    ({ organisation, roles }) => organisation === handling?.originator && roles.includes('publisher'),
  )
  if (publisher === undefined) return false
  return (await node.call(publisher.id, { method, url, payload })).status === 200
}
