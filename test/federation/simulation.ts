import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import type { Reader } from '../../src/domain/reader.ts'
import type { Narrowing } from '../../src/policy/local-narrowing.ts'
import { nodeFrom, now, type TestNode } from './cast.ts'
import type { Item, ModelPage } from './model-items.ts'
import { type Breakage, indicatorId, ModelNode, mostQuarantined } from './model-node.ts'
import {
  Chance,
  type Change,
  changed,
  firstDirectory,
  type ModelDirectory,
  randomChange,
  randomHandling,
  readersAt,
} from './model-world.ts'
import { allowed, Broken, type Truth } from './simulation-laws.ts'
import { Others, type Stage } from './simulation-others.ts'

export { Broken } from './simulation-laws.ts'

/** What a run came to. */
export interface RunTold {
  readonly nodes: number
  readonly written: number
  readonly delivered: number
  readonly verdicts: ReadonlyMap<string, number>
}

const hourMs = 3_600_000
const nodeNames = ['argentina', 'brazil', 'chile', 'dominica', 'ecuador', 'france', 'guatemala']
let known: Promise<TestNode[]> | undefined

/** Three to seven nodes through random faults, then healed; every invariant asked on the way and at the end. The seed determines all. */
export async function simulate(seed: number, breakage?: Breakage): Promise<RunTold> {
  known ??= Promise.all(nodeNames.map(nodeFrom))
  const run = new Run(seed, await known, breakage)
  await run.trouble()
  await run.heal()
  run.converged()
  return run.told()
}

class Run {
  readonly #chance: Chance
  readonly #nodes: readonly ModelNode[]
  readonly #links: readonly (readonly [number, number])[]
  /** Directions in which nothing passes, as `from to`. */
  readonly #cut = new Set<string>()
  readonly #flight: { readonly to: number; readonly page: ModelPage }[] = []
  readonly #truth: Truth = new Map()
  readonly #sealed = new Map<string, Handling>()
  #directory: ModelDirectory
  readonly #changes: Change[] = []
  readonly #heard: number[]
  /** Whether the directory changes in this run. */
  readonly #changing: boolean
  #expelled: number | undefined
  #at = now.getTime()
  #written = 0
  #delivered = 0
  /** In every other run: it costs as much again. */
  readonly #others: Others | undefined
  readonly #followers: { cursor: number; readonly view: Map<string, number> }[]

  constructor(seed: number, names: readonly TestNode[], breakage: Breakage | undefined) {
    const chance = new Chance(seed)
    this.#chance = chance
    this.#changing = chance.is(0.6)
    const count = 3 + chance.below(5)
    const tests = names.slice(0, count)
    this.#directory = firstDirectory(chance, count)
    this.#nodes = tests.map((_, index) => {
      const skewMs = chance.is(0.4) ? Math.round((chance.next() * 2 - 1) * hourMs) : 0
      const ways = { signs: seed % 4 === 0, skewMs, narrow: this.#ownPolicy(), leaky: chance.is(0.1), breakage }
      return new ModelNode(index, tests, this.#directory, ways)
    })
    // A ring, so that all are connected, and some chords: what is not linked goes through relays.
    const ring = tests.map((_, index) => [index, (index + 1) % count] as const)
    const chords = tests.flatMap((_, a) =>
      tests.flatMap((_, b) => (b > a + 1 && chance.is(0.25) ? [[a, b] as const] : [])),
    )
    this.#links = [...ring, ...chords].flatMap(([a, b]) => [[a, b] as const, [b, a] as const])
    this.#heard = tests.map(() => 0)
    this.#followers = tests.map(() => ({ cursor: 0, view: new Map() }))
    if (seed % 2 === 0) this.#others = new Others(this.#stage(), new Chance(seed ^ 0x5bd1e995))
  }

  #ownPolicy(): Narrowing | undefined {
    const chance = this.#chance
    if (chance.is(0.8)) return undefined
    return chance.pick<Narrowing>([
      { pap: 'red' },
      { notReleasableTo: ['UY'] },
      { tlp: 'green' },
      { personalData: true },
    ])
  }

  /** The run as what happens beside indicators sees it. */
  #stage(): Stage {
    const self = this
    return {
      nodes: this.#nodes,
      links: this.#links,
      truth: this.#truth,
      get at() {
        return self.#at
      },
      set at(at) {
        self.#at = at
      },
      get directory() {
        return self.#directory
      },
      get expelled() {
        return self.#expelled
      },
      passes: (from, to) => !this.#cut.has(`${from} ${to}`),
      write: (node, key, handling) => this.#writeVersion(node, key, handling, false),
    }
  }

  async trouble(): Promise<void> {
    const steps = 50 + this.#chance.below(50)
    for (let step = 0; step < steps; step++) {
      await this.#step()
      await this.#others?.step()
      this.#at += this.#chance.below(120_000)
      // Who took something was asked then; all are, now and again.
      if (step % 10 === 0) for (const node of this.#nodes) this.#always(node)
    }
  }

  async #step(): Promise<void> {
    const chance = this.#chance
    const node = chance.pick(this.#nodes)
    const luck = chance.next()
    if (luck < 0.22) await this.#write(node)
    else if (luck < 0.28) this.#change()
    else if (luck < 0.36) await this.#hear(node)
    else if (luck < 0.44) this.#weather()
    else if (luck < 0.5) node.tick(this.#at)
    else if (luck < 0.75) this.#pull(...chance.pick(this.#links))
    else this.#deliver()
  }

  async #write(node: ModelNode): Promise<void> {
    const chance = this.#chance
    const originators = this.#directory.organisations.filter(({ home }) => home === node.index).map(({ id }) => id)
    const own = [...this.#truth].filter(([, { home, recalled }]) => home === node.index && !recalled)
    const [key = `${chance.pick(originators)} ${indicatorId(String(this.#truth.size))}`] =
      chance.is(0.45) || own.length === 0 ? [] : chance.pick(own)
    const [originator = ''] = key.split(' ')
    const before = node.items.get(key)
    const recall = before !== undefined && chance.is(0.2)
    const same = before?.handling ?? undefined
    const handling =
      same !== undefined && chance.is(0.4) ? same : randomHandling(chance, this.#directory, originator, this.#at)
    await this.#writeVersion(node, key, handling, recall)
  }

  async #writeVersion(node: ModelNode, key: string, handling: Handling, recall: boolean): Promise<void> {
    const [originator = '', id = ''] = key.split(' ')
    const stix = JSON.stringify({ type: 'indicator', id, name: `canary ${this.#written++}` })
    await node.write(originator, id, handling, stix, this.#at, recall)
    const item = node.items.get(key)
    if (item === undefined) throw new Error('it was written')
    this.#truth.set(key, { home: node.index, version: item.known.version, recalled: recall })
    if (item.whole !== undefined) this.#sealed.set(item.known.digest.toString('hex'), handling)
  }

  #change(): void {
    if (!this.#changing) return
    const expel = this.#expelled === undefined && this.#nodes.length > 3 && this.#chance.is(0.1)
    const change: Change = expel
      ? { kind: 'expel', node: this.#chance.below(this.#nodes.length) }
      : randomChange(this.#chance, this.#directory, this.#changes.length)
    if (change.kind === 'expel') this.#expelled = change.node
    this.#directory = changed(this.#directory, change)
    this.#changes.push(change)
  }

  async #hear(node: ModelNode): Promise<void> {
    const change = this.#changes[this.#heard[node.index] ?? 0]
    if (change === undefined) return
    this.#heard[node.index] = (this.#heard[node.index] ?? 0) + 1
    const before = node.directory
    node.hear(change, this.#at)
    await this.#others?.heard(node, change, before)
  }

  /** Cuts a link in one direction or in both, or heals one. */
  #weather(): void {
    const [a, b] = this.#chance.pick(this.#links)
    const directions = this.#chance.is(0.5) ? [`${a} ${b}`, `${b} ${a}`] : [`${a} ${b}`]
    const heals = this.#chance.is(0.4)
    for (const direction of directions) {
      if (heals) this.#cut.delete(direction)
      else this.#cut.add(direction)
    }
  }

  /** A node asks a peer; the answer is under way, perhaps twice, perhaps never to arrive. */
  #pull(asker: number, asked: number): void {
    const [from, to] = [this.#nodes[asked], this.#nodes[asker]]
    if (from === undefined || to === undefined || this.#cut.has(`${asker} ${asked}`)) return
    if (to.directory.expelled.includes(asked)) return
    const page = from.pageFor(asker, to.cursors.get(asked) ?? 0, this.#at, to.unapplied.get(asked))
    if (page === undefined || this.#cut.has(`${asked} ${asker}`)) return
    this.#flight.push({ to: asker, page })
    if (this.#chance.is(0.15)) this.#flight.push({ to: asker, page })
  }

  /** Any of what is under way arrives, in any order; the node may crash over it, before or after it commits. */
  #deliver(): void {
    if (this.#flight.length === 0) return
    const [arrived] = this.#flight.splice(this.#chance.below(this.#flight.length), 1)
    if (arrived === undefined) return
    this.#arrive(arrived.to, arrived.page, this.#chance.is(0.15))
  }

  #arrive(index: number, page: ModelPage, crash: boolean): void {
    const node = this.#nodes[index]
    if (node === undefined) throw new Error('nobody is there')
    this.#delivered += page.offers.length
    node.tick(this.#at)
    node.receive(page, this.#at, crash)
    this.#holds(node)
  }

  /** What holds after every step, at every node, by what that node knows. */
  #always(node: ModelNode): void {
    node.tick(this.#at)
    this.#holds(node)
  }

  #holds(node: ModelNode): void {
    const readers = readersAt(node.directory, node.index)
    for (const [key, item] of node.items) {
      if (item.whole !== undefined && item.origin !== node.test.id) this.#confidential(node, readers, key, item)
      const recalled = this.#truth.get(key)?.recalled === true && item.tombstone !== undefined
      if (recalled && (item.whole !== undefined || item.known.held))
        throw new Broken('recall wins: it is held after its tombstone')
    }
    for (const { handling } of node.quarantine) this.#mayKeep(node, readers, handling)
    if (node.quarantine.length > mostQuarantined) throw new Broken('bounded: the quarantine grows')
    this.#follow(node)
  }

  #confidential(node: ModelNode, readers: readonly Reader[], key: string, item: Item): void {
    if (item.handling === null) throw new Broken('confidential: there is content without a handling')
    this.#mayKeep(node, readers, item.handling)
    const sealed = this.#sealed.get(item.known.digest.toString('hex'))
    if (sealed === undefined) throw new Broken(`authentic: ${key} was sealed by nobody`)
    this.#loosensNot(node, sealed, item.handling)
    if ((item.whole?.hops.length ?? 0) > limits.peerHops) throw new Broken('bounded: it passed too many relays')
  }

  #mayKeep(node: ModelNode, readers: readonly Reader[], handling: Handling | null): void {
    if (handling === null) return
    if (!allowed(readers, handling, node.clock(this.#at), node.directory))
      throw new Broken('confidential: it is where nobody may have it')
  }

  #loosensNot(node: ModelNode, sealed: Handling, kept: Handling): void {
    if (kept === sealed) return
    const at = node.clock(this.#at)
    for (const reader of readersAt(node.directory)) {
      if (allowed([reader], kept, at, node.directory) && !allowed([reader], sealed, at, node.directory)) {
        throw new Broken('marking never loosens: somebody may have it who might not')
      }
    }
  }

  /** A follower of the node's own feed, which reads some of it at a time. */
  #follow(node: ModelNode, all = false): void {
    const follower = this.#followers[node.index]
    if (follower === undefined) throw new Error('every node is followed')
    const until = all ? node.feed.length : Math.min(node.feed.length, follower.cursor + this.#chance.below(4))
    for (; follower.cursor < until; follower.cursor++) {
      const key = node.feed[follower.cursor] ?? ''
      const version = node.items.get(key)?.known.version ?? 0
      if (version < (follower.view.get(key) ?? 0)) throw new Broken('feed: a version went back')
      follower.view.set(key, version)
    }
  }

  /** All links are whole, all have heard, clocks go on; nodes exchange until nothing is left to say. */
  async heal(): Promise<void> {
    this.#cut.clear()
    for (const { to, page } of this.#flight.splice(0)) this.#arrive(to, page, false)
    // The news comes to each at another time, and between two of them they go on sharing.
    for (let late = this.#late(); late.length > 0; late = this.#late()) {
      await this.#hear(this.#chance.pick(late))
      for (let n = this.#chance.below(4); n > 0; n--) this.#exchangeOnce(...this.#chance.pick(this.#links))
    }
    for (let round = 0; round < 6; round++) {
      this.#at += hourMs
      for (const node of this.#nodes) node.tick(this.#at)
      this.#exchange()
    }
    if (this.#others === undefined) return
    this.#others.rest()
    // A departure that came late took somebody out who was taken in again: operators compare.
    for (const node of this.#nodes) node.agree(this.#directory, this.#at)
    this.#exchange()
    await this.#others.lastWords()
    this.#exchange()
  }

  #late(): ModelNode[] {
    return this.#nodes.filter(({ index }) => (this.#heard[index] ?? 0) < this.#changes.length)
  }

  #exchange(): void {
    for (let round = 0; round < 200; round++) {
      let moved = 0
      for (const [asker, asked] of this.#links) moved += this.#exchangeOnce(asker, asked)
      if (moved === 0) return
    }
    throw new Broken('bounded: the nodes never come to rest')
  }

  #exchangeOnce(asker: number, asked: number): number {
    const [from, to] = [this.#nodes[asked], this.#nodes[asker]]
    if (from === undefined || to === undefined || to.directory.expelled.includes(asked)) return 0
    const page = from.pageFor(asker, to.cursors.get(asked) ?? 0, this.#at, to.unapplied.get(asked))
    if (page === undefined || page.upTo === page.after) return 0
    this.#arrive(asker, page, false)
    return page.upTo - page.after
  }

  /** Who may have something and can be reached has its last version, and nobody else has any. */
  converged(): void {
    for (const [key, truth] of this.#truth) {
      const reached = this.#reached(key, truth.home)
      for (const node of this.#nodes) this.#convergedAt(node, key, truth, reached)
    }
    for (const node of this.#nodes) this.#complete(node)
    this.#others?.converged()
  }

  #convergedAt(
    node: ModelNode,
    key: string,
    truth: { home: number; version: number; recalled: boolean },
    reached: ReadonlySet<number>,
  ): void {
    if (node.index === truth.home || node.index === this.#expelled) return
    const item = node.items.get(key)
    if (truth.home === this.#expelled) {
      if (item?.known.held === true) throw new Broken('expelled: what it sent is still held')
      return
    }
    const held = item?.known.held === true
    if (truth.recalled) {
      if (held) throw new Broken('recall wins: what was recalled is still held')
      return
    }
    if (!reached.has(node.index)) {
      // An entitled node behind a relay that lost it keeps what it has; nobody is left to send it more.
      const handling = this.#nodes[truth.home]?.items.get(key)?.handling ?? null
      if (
        held &&
        (handling === null ||
          !allowed(readersAt(this.#directory, node.index), handling, new Date(this.#at), this.#directory))
      ) {
        throw new Broken('converged: it is where it may not be')
      }
      return
    }
    if (!held) throw new Broken('converged: who may have it does not')
    if (item.known.version !== truth.version) throw new Broken('converged: not everybody has the last version')
  }

  /** The nodes to which the last version can come, over nodes that may have it themselves. */
  #reached(key: string, home: number): ReadonlySet<number> {
    const reached = new Set<number>()
    const origin = this.#nodes[home]
    const handling = origin?.items.get(key)?.handling
    if (handling === undefined || handling === null || home === this.#expelled) return reached
    const kept = new Map<number, Handling>([[home, handling]])
    for (const [index, under] of kept) {
      for (const [asker, asked] of this.#links) {
        const node = this.#nodes[asker]
        if (asked !== index || node === undefined || kept.has(asker) || asker === this.#expelled) continue
        const readers = readersAt(this.#directory, asker)
        const times = [node.clock(this.#at), this.#nodes[asked]?.clock(this.#at) ?? now]
        if (!times.every((time) => allowed(readers, under, time, this.#directory))) continue
        if (!allowed(readers, node.narrowed(handling), node.clock(this.#at), this.#directory)) continue
        kept.set(asker, node.narrowed(handling))
        reached.add(asker)
      }
    }
    return reached
  }

  /** The follower's view is what the node has. */
  #complete(node: ModelNode): void {
    this.#follow(node, true)
    const view = this.#followers[node.index]?.view ?? new Map()
    for (const [key, { known: has }] of node.items) {
      if (view.get(key) !== has.version) throw new Broken('feed: the follower missed something')
    }
  }

  told(): RunTold {
    const verdicts = new Map<string, number>()
    for (const node of this.#nodes)
      for (const [name, n] of node.verdicts) verdicts.set(name, (verdicts.get(name) ?? 0) + n)
    return { nodes: this.#nodes.length, written: this.#written, delivered: this.#delivered, verdicts }
  }
}
