import type { ReceivedEntry } from '../../src/actions/prove-envelope.ts'
import { type ReceiverFacts, receiveEnvelope } from '../../src/actions/receive-envelope.ts'
import { openSeal, signSeal } from '../../src/auth/seals.ts'
import { type Envelope, type EnvelopeContent, isWhole } from '../../src/domain/envelope.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import type { Applied, Quarantined, Verdict } from '../../src/domain/verdict.ts'
import { readEnvelope, writeEnvelope } from '../../src/formats/envelope.ts'
import { type Narrowing, narrowed } from '../../src/policy/local-narrowing.ts'
import { narrows } from '../../src/policy/narrowing.ts'
import { mayTravel } from '../../src/policy/travelling.ts'
import { batchOf } from '../../src/seal/batches.ts'
import { enrolled, type TestNode, uuidFrom } from './cast.ts'
import { type Carried, Given, type Item, type ModelPage, type Offer } from './model-items.ts'
import { type Change, changed, communities, keeperOf, type ModelDirectory, readersAt, worldOf } from './model-world.ts'

/** A guard that a run leaves out, so that the test shows what it is there for. */
export type Breakage =
  | 'cursor-first'
  | 'no-destination'
  | 'revival'
  | 'no-withdrawal'
  | 'no-reoffer'
  | 'widening'
  | 'no-target'
  | 'any-keeper'
  | 'old-departures'
  | 'no-proofs'
  | 'no-gossip'
  | 'any-asker'
  | 'any-answer'

interface Held {
  readonly entry: ReceivedEntry
  readonly retry: Quarantined['retry']
  readonly key: string
  readonly handling: Handling | null
}

const pageEntries = 4

/** How one node is other than the others. */
export interface ModelWays {
  /** Whether it signs what it seals. Signing and its check cost most, and nothing that happens here changes what comes of them. */
  readonly signs: boolean
  readonly skewMs: number
  /** Its own policy. */
  readonly narrow?: Narrowing | undefined
  /** It gives to everybody whatever it has: wrong, or hostile. */
  readonly leaky?: boolean
  readonly breakage?: Breakage | undefined
}

/**
 * A node without database and network: what it keeps is what a real one keeps durably. Everything that it judges is judged by the
 * functions that a real one uses.
 */
export class ModelNode {
  readonly index: number
  readonly test: TestNode
  readonly #signs: boolean
  readonly #skewMs: number
  readonly #narrow: Narrowing | undefined
  readonly breakage: Breakage | undefined
  readonly leaky: boolean
  directory: ModelDirectory
  items = new Map<string, Item>()
  /** Which item changed, in order; its own followers and the peers read it by cursors. */
  feed: string[] = []
  #last = new Map<string, number>()
  cursors = new Map<number, number>()
  quarantine: Held[] = []
  readonly #given = new Given()
  /** Versions of a peer's that were not applied: what it is told of with the next question, so that it declares its gaps. */
  unapplied = new Map<number, Map<string, number>>()
  readonly verdicts = new Map<string, number>()
  #facts: ReceiverFacts | undefined
  readonly #peers: readonly TestNode[]

  constructor(index: number, peers: readonly TestNode[], directory: ModelDirectory, how: ModelWays) {
    const test = peers[index]
    if (test === undefined) throw new Error('there is no such node')
    this.index = index
    this.test = test
    this.#peers = peers
    this.#signs = how.signs
    this.#skewMs = how.skewMs
    this.#narrow = how.narrow
    this.breakage = how.breakage
    this.leaky = how.leaky === true
    this.directory = directory
  }

  clock(at: number): Date {
    return new Date(at + this.#skewMs)
  }

  /** What an organisation at home here does; sealed at once. */
  async write(
    originator: string,
    id: string,
    handling: Handling,
    stix: string,
    at: number,
    recall: boolean,
  ): Promise<void> {
    const key = `${originator} ${id}`
    const before = this.items.get(key)
    const version = (before?.known.version ?? 0) + 1
    const narrower = before?.handling !== undefined && before.handling !== null && narrows(before.handling, handling)
    const kind = before === undefined ? 'published' : narrower ? 'narrowed' : 'revised'
    const seal = (content: EnvelopeContent, under: Handling | null) =>
      this.seal({ id, originator, version, previousVersion: version - 1, content, handling: under }, at)
    const known = { version, epoch: this.test.epoch, held: !recall, bare: false, recalled: recall }
    if (recall) {
      const { carried, digest } = await seal({ kind: 'recalled', reason: 'simulated' }, null)
      const was = before?.handling ?? undefined
      this.#put(key, {
        origin: this.test.id,
        known: { ...known, digest },
        handling: null,
        tombstone: carried,
        ...(was === undefined ? {} : { was }),
      })
      return
    }
    const bare = narrower ? (await seal({ kind: 'narrowed' }, null)).carried : before?.bare
    const was = narrower ? (before?.handling ?? undefined) : before?.was
    // RED is at its own node alone: it is kept, and never sealed.
    const content: EnvelopeContent = {
      kind,
      stix,
      observables: [{ type: 'ipv4-address', value: '192.0.2.1' }],
      compound: false,
    }
    const whole = handling.tlp === 'red' ? undefined : await seal(content, handling)
    this.#put(key, {
      origin: this.test.id,
      known: { ...known, digest: whole?.digest ?? Buffer.alloc(32) },
      handling,
      ...(whole === undefined ? {} : { whole: whole.carried }),
      ...(bare === undefined ? {} : { bare }),
      ...(was === undefined ? {} : { was }),
    })
  }

  async seal(
    said: Pick<Envelope, 'id' | 'originator' | 'version' | 'previousVersion' | 'content' | 'handling'>,
    at: number,
  ): Promise<{ readonly carried: Carried; readonly digest: Buffer }> {
    const issuedAt = this.clock(at).toISOString()
    const { id: node, epoch, key } = this.test
    const text = writeEnvelope({ v: 1, ...said, node, epoch, issuedAt })
    const { root, size, pathOf, digestOf } = batchOf([text])
    const sealed = { node, epoch, root, size, issuedAt }
    const seal = this.#signs
      ? await openSeal(await signSeal(sealed, key), [this.test.pinned])
      : { ...sealed, root: Buffer.from(root), thumbprint: key.kid }
    const { version, previousVersion } = said
    const carried = { text, index: 0, path: pathOf(0), seal, hops: [], from: node, version, previousVersion }
    return { carried, digest: digestOf(0) }
  }

  #put(key: string, item: Item): void {
    this.items.set(key, item)
    this.#enter(key)
  }

  #enter(key: string): void {
    this.feed.push(key)
    this.#last.set(key, this.feed.length)
  }

  /** A page for a peer; what it was sent is written down before it leaves. Undefined: nothing goes to it. */
  pageFor(peer: number, after: number, at: number, unapplied?: ReadonlyMap<string, number>): ModelPage | undefined {
    if (this.directory.expelled.includes(peer)) return undefined
    this.#given.asked(peer, after)
    const offers: Offer[] = []
    let upTo = after
    for (; upTo < this.feed.length && offers.length < pageEntries; upTo++) {
      const key = this.feed[upTo] ?? ''
      if (this.#last.get(key) === upTo + 1)
        offers.push(...this.#offersFor(peer, key, upTo + 1, at, unapplied?.get(key)))
    }
    return { from: this.index, after, upTo, offers }
  }

  #offersFor(peer: number, key: string, position: number, at: number, unapplied = Number.POSITIVE_INFINITY): Offer[] {
    const item = this.items.get(key)
    if (item === undefined || item.origin === this.#peers[peer]?.id) return []
    if (this.directory.expelled.some((each) => this.#peers[each]?.id === item.origin)) return []
    const offers = this.#choose(item, peer, this.#given.before(peer, key, unapplied), at)
    if (item.whole === undefined || offers.at(-1)?.text !== item.whole.text) this.#given.withhold(peer, key)
    const passable = offers.filter(({ hops }) => !hops.some(({ node }) => node === this.#peers[peer]?.id))
    if (passable.length > 0) this.#given.give(peer, key, position, passable.at(-1)?.version ?? 0)
    return passable
  }

  #choose(item: Item, peer: number, { had, confirmed }: { had: boolean; confirmed: number }, at: number): Offer[] {
    const { whole, bare, handling, was, tombstone } = item
    const told = had || (was !== undefined && this.mayGo(peer, was, at))
    if (tombstone !== undefined) return told ? [this.hopped(tombstone, at)] : []
    const may = whole !== undefined && handling !== null && (this.leaky || this.mayGo(peer, handling, at))
    if (!may)
      return told && bare !== undefined && confirmed < bare.version && this.breakage !== 'no-withdrawal'
        ? [this.hopped(bare, at)]
        : []
    const first = bare !== undefined && bare.version > confirmed ? [this.hopped(bare, at)] : []
    const last = first[0]?.version ?? confirmed
    const follows = whole.previousVersion === last || whole.version === last
    return [...first, { ...this.hopped(whole, at), ...(follows ? {} : { gap: { from: confirmed } }) }]
  }

  mayGo(peer: number, handling: Handling, at: number): boolean {
    return mayTravel(readersAt(this.directory, peer), handling, this.clock(at), worldOf(this.directory))
  }

  hopped(carried: Carried, at: number): Offer {
    if (carried.from === this.test.id) return carried
    const hop = { node: this.test.id, from: carried.from, at: this.clock(at).toISOString() }
    return { ...carried, hops: [...carried.hops, hop] }
  }

  /** Takes a page in one transaction. @param crash before it is committed: as if it had never come */
  receive(page: ModelPage, at: number, crash: boolean): void {
    const saved = {
      items: new Map(this.items),
      feed: [...this.feed],
      last: new Map(this.#last),
      quarantine: [...this.quarantine],
    }
    const cursor = Math.max(
      this.cursors.get(page.from) ?? 0,
      page.after === (this.cursors.get(page.from) ?? 0) ? page.upTo : 0,
    )
    if (this.breakage === 'cursor-first') this.cursors.set(page.from, cursor)
    const sender = this.#peers[page.from]
    if (sender === undefined) throw new Error('a page has a sender')
    const unapplied = new Map(this.unapplied.get(page.from) ?? [])
    for (const { from: _, version, previousVersion: _p, ...offer } of page.offers) {
      const verdict = this.#judge({ ...offer, sender: sender.id }, at)
      if (!('about' in verdict) || verdict.about === undefined) continue
      const key = `${verdict.about.originator} ${verdict.about.id}`
      unapplied.set(key, Math.min(version, unapplied.get(key) ?? version))
    }
    if (crash) {
      this.items = saved.items
      this.feed = saved.feed
      this.#last = saved.last
      this.quarantine = saved.quarantine
      return
    }
    this.cursors.set(page.from, cursor)
    this.unapplied.set(page.from, unapplied)
  }

  #judge(entry: ReceivedEntry, at: number): Verdict {
    let key = ''
    const knownOf = (envelope: Envelope) => {
      key = `${envelope.originator} ${envelope.id}`
      const known = this.items.get(key)?.known
      return this.breakage === 'revival' && known?.recalled === true ? undefined : known
    }
    const verdict = receiveEnvelope(entry, this.facts(), knownOf, this.clock(at))
    const name = 'code' in verdict ? verdict.code : verdict.outcome
    this.verdicts.set(name, (this.verdicts.get(name) ?? 0) + 1)
    if (verdict.outcome === 'applied' || verdict.outcome === 'narrowed') {
      this.#apply(key, entry, verdict)
      this.#retry(({ retry, key: waiting }) => retry === 'version' && waiting === key, at)
    }
    if (verdict.outcome === 'quarantined' && !this.quarantine.some((each) => each.entry.text === entry.text)) {
      const { handling } = readEnvelope(entry.text)
      this.quarantine.push({ entry, retry: verdict.retry, key, handling })
    }
    return verdict
  }

  #apply(key: string, entry: ReceivedEntry, { effect, envelope, digest, handling }: Applied): void {
    const before = this.items.get(key)
    const { version, previousVersion, epoch, node: origin } = envelope
    const carried: Carried = {
      ...entry,
      from: entry.hops.length === 0 ? origin : entry.sender,
      version,
      previousVersion,
    }
    const known = {
      version,
      digest,
      epoch,
      held: isWhole(envelope),
      bare: effect === 'withdrawal',
      recalled: effect === 'tombstone',
    }
    const bare = effect === 'withdrawal' ? carried : before?.bare
    const was = isWhole(envelope) ? before?.was : (before?.handling ?? before?.was)
    this.#put(key, {
      origin,
      known,
      handling: this.breakage === 'widening' && handling !== null ? { ...handling, tlp: 'clear' } : handling,
      ...(isWhole(envelope) ? { whole: carried } : {}),
      ...(bare === undefined ? {} : { bare }),
      ...(was === undefined ? {} : { was }),
      ...(effect === 'tombstone' ? { tombstone: carried } : {}),
    })
  }

  #retry(which: (held: Held) => boolean, at: number): void {
    const again = this.quarantine.filter(which)
    this.quarantine = this.quarantine.filter((held) => !which(held))
    for (const { entry } of again) this.#judge(entry, at)
  }

  /** What the clock does: quarantine whose time has come, and what ended. */
  tick(at: number): void {
    const now = this.clock(at).toISOString()
    this.#retry(({ retry }) => typeof retry === 'object' && retry.at <= now, at)
    this.#letGo(at)
  }

  /** The operator enters a change of the directory. */
  hear(change: Change, at: number): void {
    this.directory = changed(this.directory, change)
    this.#facts = undefined
    this.#retry(() => true, at)
    this.#letGo(at)
    // What was refused for want of an organisation that may have it is asked for again; what was kept back is offered again.
    for (const peer of this.cursors.keys()) this.cursors.set(peer, 0)
    if (this.breakage === 'no-reoffer') return
    for (const key of this.#given.release()) this.#enter(key)
  }

  /** The operator enters the directory as it is now, where it is another here. */
  agree(directory: ModelDirectory, at: number): void {
    const same = communities.every((each) => sorted(directory.members[each]) === sorted(this.directory.members[each]))
    if (same) return
    this.directory = directory
    this.hear({ kind: 'end', id: 'none' }, at)
  }

  /** Content that no organisation here may have any more is not kept; what an expelled node sealed or passed on neither. */
  #letGo(at: number): void {
    const expelled = new Set(this.directory.expelled.map((each) => this.#peers[each]?.id))
    this.quarantine = this.quarantine.filter(
      ({ handling }) => handling === null || this.mayGo(this.index, handling, at),
    )
    for (const [key, item] of this.items) {
      const { whole, ...without } = item
      if (!item.known.held || item.origin === this.test.id) continue
      const may = item.handling !== null && this.mayGo(this.index, item.handling, at)
      const ways = [item.origin, ...(whole?.hops ?? []).map(({ node }) => node)]
      if (!may || ways.some((id) => expelled.has(id)))
        this.#put(key, { ...without, known: { ...item.known, held: false } })
    }
  }

  /** A handling under this node's own policy. */
  narrowed(handling: Handling): Handling {
    return this.#narrow === undefined ? handling : narrowed(handling, this.#narrow)
  }

  facts(): ReceiverFacts {
    const { directory } = this
    this.#facts ??= {
      self: this.test.id,
      node: (id) => {
        const index = this.#peers.findIndex((each) => each.id === id)
        const node = this.#peers[index]
        if (node === undefined) return undefined
        const homes = directory.organisations.filter(({ home }) => home === index).map((each) => each.id)
        return enrolled(node, homes, {
          state: directory.expelled.includes(index) ? 'expelled' : 'active',
          communities: new Set(
            communities.filter((each) => this.breakage === 'any-keeper' || keeperOf(each) === index),
          ),
        })
      },
      readers: readersAt(directory, this.breakage === 'no-destination' ? undefined : this.index),
      world: worldOf(directory),
      targetOf: () => undefined,
      ...(this.#narrow === undefined ? {} : { narrow: () => this.#narrow }),
    }
    return this.#facts
  }
}

const sorted = (ids: readonly string[] = []): string => [...ids].sort().join(' ')

export const indicatorId = (name: string): string => `indicator--${uuidFrom(name)}`
export const mostQuarantined = limits.peerPageEntries
