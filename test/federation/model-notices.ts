import type { ReceivedEntry } from '../../src/actions/prove-envelope.ts'
import { receiveEnvelope } from '../../src/actions/receive-envelope.ts'
import type { EnvelopeContent } from '../../src/domain/envelope.ts'
import { canonicalHandling, type Handling } from '../../src/domain/handling.ts'
import { readEnvelope } from '../../src/formats/envelope.ts'
import { mayReportOn, sightingHandling } from '../../src/policy/reports.ts'
import type { KnownVersion } from '../../src/policy/version-rules.ts'
import { uuidFrom } from './cast.ts'
import type { Carried, Offer } from './model-items.ts'
import type { ModelNode } from './model-node.ts'
import { type ModelDirectory, readersAt, worldOf } from './model-world.ts'

/** A sighting or a departure, as a node has it. */
export interface Notice {
  readonly known: KnownVersion
  readonly carried: Carried
  readonly origin: string
  /** Of a sighting: what it is kept to here, and what it is about. */
  readonly handling?: Handling
  readonly of?: string
  /** Of a departure. */
  readonly left?: { readonly community: string; readonly organisation: string }
}

export interface NoticePage {
  readonly from: number
  readonly after: number
  readonly upTo: number
  readonly offers: readonly Offer[]
}

/** What came of a notice that had an effect. */
export interface Effect {
  readonly key: string
  readonly before: number
  readonly notice: Notice
}

const pageNotices = 3

/** What one node has of sightings and departures, and its log of them for the others. What is judged, the functions of a real node judge. */
export class ModelNotices {
  readonly node: ModelNode
  notices = new Map<string, Notice>()
  log: string[] = []
  #cursors = new Map<number, number>()
  #asked: ModelDirectory | undefined
  /** Sightings of what is not here, or is dated ahead of the clock here. */
  waiting: {
    readonly entry: ReceivedEntry
    readonly of: string
    readonly handling: Handling
    readonly until: string
  }[] = []
  readonly #peers: readonly ModelNode[]
  /** It says whatever it likes to everybody. */
  hostile = false

  constructor(node: ModelNode, peers: readonly ModelNode[]) {
    this.node = node
    this.#peers = peers
  }

  /** An organisation at home here says that it saw something. Undefined: it has it not, or may not say so elsewhere. */
  async sight(reporter: string, of: string, at: number, own?: Handling): Promise<Notice | undefined> {
    const item = this.node.items.get(of)
    const known = item?.known.held === true ? item.handling : null
    if (known === null || known === undefined || known.tlp === 'red') return undefined
    const [originator = '', id = ''] = of.split(' ')
    const handling = canonicalHandling(sightingHandling(known, reporter, own))
    if (handling.tlp === 'red') return undefined
    const time = this.node.clock(at).toISOString()
    const content = { kind: 'sighted', type: 'seen', count: 1, firstSeen: time, lastSeen: time } as const
    const name = `sighting--${uuidFrom(`${reporter} ${of} ${JSON.stringify(own ?? null)}`)}`
    return await this.#say(name, reporter, { ...content, of: { originator, id } }, handling, at)
  }

  /** A sighting of what the node need not have, in anybody's name. */
  async pretend(reporter: string, of: string, at: number): Promise<Notice> {
    const [originator = '', id = ''] = of.split(' ')
    const time = this.node.clock(at).toISOString()
    const content = { kind: 'sighted', type: 'seen', count: 1, firstSeen: time, lastSeen: time } as const
    const name = `sighting--${uuidFrom(`pretended ${reporter} ${of}`)}`
    return await this.#say(name, reporter, { ...content, of: { originator, id } }, open(reporter), at)
  }

  /** Says that an organisation left a community: believed where this node keeps it. */
  async depart(community: string, organisation: string, originator: string, at: number): Promise<Notice> {
    const leftAt = this.node.clock(at).toISOString()
    const name = `membership--${uuidFrom(`${this.node.test.id} ${community} ${organisation}`)}`
    return await this.#say(name, originator, { kind: 'membership', community, organisation, leftAt }, null, at)
  }

  async #say(id: string, originator: string, content: EnvelopeContent, handling: Handling | null, at: number) {
    const key = `${originator} ${id}`
    const version = (this.notices.get(key)?.known.version ?? 0) + 1
    const said = { id, originator, version, previousVersion: version - 1, content, handling }
    const { carried, digest } = await this.node.seal(said, at)
    const notice = noticeOf(this.node.test.id, content, carried, digest, this.node.test.epoch, handling)
    this.#put(key, notice)
    return notice
  }

  #put(key: string, notice: Notice): void {
    this.notices.set(key, notice)
    this.log.push(key)
  }

  /** Where a peer is asked on from: when the own directory changes from the beginning, since what was for nobody here was refused. */
  cursorOf(peer: number): number {
    if (this.#asked !== this.node.directory) this.#cursors.clear()
    this.#asked = this.node.directory
    return this.#cursors.get(peer) ?? 0
  }

  pageFor(peer: number, after: number, at: number): NoticePage | undefined {
    if (this.node.directory.expelled.includes(peer)) return undefined
    const offers: Offer[] = []
    let upTo = after
    for (; upTo < this.log.length && offers.length < pageNotices; upTo++) {
      const key = this.log[upTo] ?? ''
      const notice = this.log.lastIndexOf(key) === upTo ? this.notices.get(key) : undefined
      if (notice !== undefined && this.#concerns(peer, notice, at)) offers.push(this.#offer(notice, at))
    }
    return { from: this.node.index, after, upTo, offers }
  }

  /** The latest of each stands for all before it. */
  #offer({ carried }: Notice, at: number): Offer {
    const gap = carried.version === 1 ? {} : { gap: { from: 0 } }
    return { ...this.node.hopped(carried, at), ...gap }
  }

  #concerns(peer: number, notice: Notice, at: number): boolean {
    const { node } = this
    const there = this.#peers[peer]?.test.id
    if (notice.origin === there || notice.carried.from === there) return false
    if (notice.carried.hops.some((hop) => hop.node === there)) return false
    if (node.directory.expelled.some((each) => this.#peers[each]?.test.id === notice.origin)) return false
    if (node.leaky || this.hostile) return true
    const homes = readersAt(node.directory, peer).map(({ organisation }) => organisation?.id ?? '')
    if (notice.left !== undefined) {
      const members = node.directory.members[notice.left.community] ?? []
      return [notice.left.organisation, ...members].some((id) => homes.includes(id))
    }
    const target = node.items.get(notice.of ?? '')
    const [originator = ''] = (notice.of ?? '').split(' ')
    if (!notice.known.held || notice.handling === undefined || target?.known.held !== true || !target.handling)
      return false
    if (!node.mayGo(peer, notice.handling, at)) return false
    return homes.includes(originator) || node.mayGo(peer, target.handling, at)
  }

  /** Takes a page in one transaction. @returns what had an effect @param crash before it is committed: as if it had never come */
  receive(page: NoticePage, at: number, crash: boolean): Effect[] {
    const cursor = this.cursorOf(page.from)
    const saved = { notices: new Map(this.notices), log: [...this.log], waiting: [...this.waiting] }
    const sender = this.#peers[page.from]?.test.id ?? ''
    const effects = page.offers.flatMap(({ from: _, version: _v, previousVersion: _p, ...offer }) =>
      this.judge({ ...offer, sender }, at),
    )
    if (crash) {
      Object.assign(this, saved)
      return []
    }
    if (page.after === cursor) this.#cursors.set(page.from, page.upTo)
    return effects
  }

  judge(entry: ReceivedEntry, at: number): Effect[] {
    const { node } = this
    const facts = { ...node.facts(), targetOf: this.#targetOf(at) }
    const verdict = receiveEnvelope(
      entry,
      facts,
      (envelope) => this.#knownOf(`${envelope.originator} ${envelope.id}`),
      node.clock(at),
    )
    const name =
      'code' in verdict
        ? `notice ${verdict.code}`
        : `${verdict.outcome} ${'effect' in verdict ? verdict.effect : 'notice'}`
    node.verdicts.set(name, (node.verdicts.get(name) ?? 0) + 1)
    if (verdict.outcome === 'quarantined') this.#wait(entry, typeof verdict.retry === 'object' ? verdict.retry.at : '')
    if (verdict.outcome !== 'applied' && verdict.outcome !== 'narrowed') return []
    const { envelope, digest, handling } = verdict
    const key = `${envelope.originator} ${envelope.id}`
    const before = this.notices.get(key)?.known.version ?? 0
    const { version, previousVersion } = envelope
    const from = entry.hops.length === 0 ? envelope.node : entry.sender
    const carried = { ...entry, from, version, previousVersion }
    const notice = noticeOf(envelope.node, envelope.content, carried, digest, envelope.epoch, handling)
    this.#put(key, notice)
    return [{ key, before, notice }]
  }

  #knownOf(key: string): KnownVersion | undefined {
    const known = this.notices.get(key)?.known
    return this.node.breakage === 'old-departures' ? undefined : known
  }

  #targetOf = (at: number) => (of: { originator: string; id: string }, reporter: string) => {
    const { node } = this
    if (node.breakage === 'no-target') return open(of.originator)
    const item = node.items.get(`${of.originator} ${of.id}`)
    const handling = item?.known.held === true ? item.handling : null
    const reader = readersAt(node.directory).find(({ organisation }) => organisation?.id === reporter)
    if (handling === null || handling === undefined || reader === undefined) return undefined
    const indicator = { originator: of.originator, handling }
    return mayReportOn(reporter, reader, indicator, node.clock(at), worldOf(node.directory)) ? handling : undefined
  }

  #wait(entry: ReceivedEntry, until: string): void {
    const { content, handling } = readEnvelope(entry.text)
    if (
      content.kind !== 'sighted' ||
      handling === null ||
      this.waiting.some(({ entry: { text } }) => text === entry.text)
    )
      return
    this.waiting.push({ entry, of: `${content.of.originator} ${content.of.id}`, handling, until })
  }

  /** What waited for its indicator is examined again, and what is about nothing that is here, or for nobody here, is let go of. */
  tick(at: number): Effect[] {
    const { node } = this
    const now = node.clock(at).toISOString()
    const again = this.waiting.filter(
      ({ of, until }) => until <= now && (until !== '' || node.items.get(of)?.known.held === true),
    )
    this.waiting = this.waiting.filter((each) => !again.includes(each) && node.mayGo(node.index, each.handling, at))
    for (const [key, { of, handling, origin }] of this.notices) {
      if (of === undefined || handling === undefined || origin === node.test.id) continue
      if (node.items.get(of)?.known.held === true && node.mayGo(node.index, handling, at)) continue
      const notice = this.notices.get(key)
      if (notice !== undefined) this.notices.set(key, { ...notice, known: { ...notice.known, held: false } })
    }
    return again.flatMap(({ entry }) => this.judge(entry, at))
  }
}

function noticeOf(
  origin: string,
  content: EnvelopeContent,
  carried: Carried,
  digest: Buffer,
  epoch: string,
  handling: Handling | null,
): Notice {
  const known = { version: carried.version, digest, epoch, held: true, bare: false, recalled: false }
  if (content.kind === 'membership') {
    const { community, organisation } = content
    return { origin, known, carried, left: { community, organisation } }
  }
  if (content.kind !== 'sighted' || handling === null) throw new Error('a notice is one of both')
  return { origin, known, carried, handling, of: `${content.of.originator} ${content.of.id}` }
}

/** What anybody may have. */
const open = (originator: string): Handling =>
  canonicalHandling({
    ...{ originator, tlp: 'clear', pap: 'clear', organisations: [], communities: [], people: [] },
    ...{ lawEnforcement: 'on-request', personalData: false, maskable: false, attribution: 'named' },
  })
