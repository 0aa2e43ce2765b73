import { createHash } from 'node:crypto'
import { receiveEnvelope } from '../../src/actions/receive-envelope.ts'
import type { CheckpointContent, Envelope } from '../../src/domain/envelope.ts'
import { limits } from '../../src/domain/limits.ts'
import { compareHeads, periodLeaf } from '../../src/seal/checkpoint-log.ts'
import { notExtended } from '../../src/seal/extension.ts'
import { appendPeriod, extensionPath, extensionRanges, hashesIn } from '../../src/seal/period-log.ts'
import type { Carried } from './model-items.ts'
import type { ModelNode } from './model-node.ts'

/** A checkpoint as somebody keeps it. */
export interface KeptCheckpoint {
  readonly node: string
  readonly epoch: string
  readonly size: number
  readonly root: Buffer
  readonly carried: Carried
}

/** The log of periods of a node; one that tells two has two. */
class PeriodLog {
  readonly #kept = new Map<number, Buffer>()
  size = 0

  append(text: string): Buffer {
    const salt = createHash('sha256').update(text).digest()
    const { hashes, root } = appendPeriod(this.size, periodLeaf(salt, []), hashesIn(this.#kept))
    this.size++
    this.#kept.set(this.size, Buffer.concat(hashes))
    return root
  }

  proofOf(older: number): { readonly size: number; readonly path: readonly Uint8Array[] } {
    return { size: older, path: extensionPath(extensionRanges(older, this.size), hashesIn(this.#kept)) }
  }
}

/** How a node deceives with its log: it tells some peers another one, or writes it anew for all. */
export type Deceit = 'two-faced' | 'rewriting'

export interface CheckpointAnswer {
  readonly from: number
  readonly own: KeptCheckpoint
  readonly proofs: readonly { readonly size: number; readonly path: readonly Uint8Array[] }[]
  readonly others: readonly KeptCheckpoint[]
}

/** What one node signs of its log, what it keeps of those of others, and what of that contradicts each other. */
export class ModelCheckpoints {
  readonly node: ModelNode
  readonly deceit: Deceit | undefined
  readonly kept: KeptCheckpoint[] = []
  readonly #proven = new Set<KeptCheckpoint>()
  /** Of each node that is distrusted the evidence, which goes to all. */
  readonly found = new Map<string, readonly KeptCheckpoint[]>()
  #logs = [new PeriodLog(), new PeriodLog()]
  #own: KeptCheckpoint[] = []
  readonly #peers: readonly ModelNode[]

  constructor(node: ModelNode, peers: readonly ModelNode[], deceit?: Deceit) {
    this.node = node
    this.#peers = peers
    this.deceit = deceit
  }

  get size(): number {
    return this.#logs[0]?.size ?? 0
  }

  /** Closes a period, and signs the head. Who deceives signs another one of the same size. */
  async close(at: number): Promise<void> {
    const faces = this.deceit === 'two-faced' ? [0, 1] : [0]
    for (const face of faces) this.#own[face] = await this.#sign(face, `${face} ${this.size}`, at)
  }

  /** The log is begun anew, as long as it was and a period longer: no size has two roots that anybody was told. */
  async rewrite(at: number): Promise<void> {
    const length = this.size
    const log = new PeriodLog()
    for (let n = 0; n < length; n++) log.append(`anew ${n}`)
    this.#logs = [log, new PeriodLog()]
    this.#own[0] = await this.#sign(0, `anew ${length}`, at)
  }

  async #sign(face: number, text: string, at: number): Promise<KeptCheckpoint> {
    const { id, epoch } = this.node.test
    const log = this.#logs[face]
    if (log === undefined) throw new Error('there is no such log')
    const root = log.append(`${id} ${text}`)
    const expiresAt = new Date(this.node.clock(at).getTime() + 600_000).toISOString()
    const content = { kind: 'checkpoint', size: log.size, root: root.toString('base64url'), expiresAt } as const
    const said = { version: log.size, previousVersion: log.size - 1, content, handling: null }
    const { carried } = await this.node.seal(
      { id: `checkpoint--${id}`, originator: `org-${this.node.index}-0`, ...said },
      at,
    )
    return { node: id, epoch, size: log.size, root, carried }
  }

  /** The newest head, with proofs that it extends those of which the asker has some, and what is kept of third nodes. */
  answerFor(peer: number, sizes: readonly number[], at: number): CheckpointAnswer | undefined {
    const face = this.deceit === 'two-faced' && peer % 2 === 1 ? 1 : 0
    const [own, log] = [this.#own[face], this.#logs[face]]
    if (own === undefined || log === undefined || this.node.directory.expelled.includes(peer)) return undefined
    const smaller = sizes.filter((size) => size < log.size)
    const there = this.#peers[peer]?.test.id
    const evidence = [...this.found.values()].flat()
    const newest = this.#newestOfEach()
    const others = this.node.breakage === 'no-gossip' ? [] : [...new Set([...newest, ...evidence])]
    return {
      ...{ from: this.node.index, own, proofs: smaller.map((size) => log.proofOf(size)) },
      others: others
        .filter(({ node }) => node !== there)
        .map((each) => ({ ...each, carried: this.node.hopped(each.carried, at) }))
        .filter(({ carried }) => !carried.hops.some(({ node }) => node === there)),
    }
  }

  #newestOfEach(): KeptCheckpoint[] {
    const newest = new Map<string, KeptCheckpoint>()
    for (const each of this.kept) if ((newest.get(each.node)?.size ?? 0) <= each.size) newest.set(each.node, each)
    return [...newest.values()]
  }

  /** What the next answer of a peer is to extend: heads that it has not shown to belong together, and the newest that it has. */
  sizesOf(peer: number): number[] {
    const its = this.kept.filter(({ node }) => node === this.#peers[peer]?.test.id)
    const open = its.filter((each) => !this.#proven.has(each)).slice(0, limits.checkpointProofs - 1)
    const proven = its.filter((each) => this.#proven.has(each)).sort((a, b) => a.size - b.size)
    return [...new Set([...open, ...proven.slice(-1)].map(({ size }) => size))]
  }

  /** How much it has heard: it grows, or nothing was new. */
  get heard(): number {
    return this.kept.length + this.#proven.size + this.found.size
  }

  /** Judges what a peer answered as everything else that comes, and compares it with all that is kept. */
  take({ from, own, proofs, others }: CheckpointAnswer, asked: readonly number[], at: number): void {
    const peer = this.#peers[from]
    if (peer === undefined || this.node.directory.expelled.includes(from)) return
    const before = this.kept.filter(({ node, size }) => node === peer.test.id && asked.includes(size))
    const taken = this.#keep(own, peer, at)
    if (taken === undefined) return
    for (const older of before) {
      const extended =
        this.node.breakage === 'no-proofs' || notExtended(older, taken, { feed: proofs, audit: [] }) === undefined
      if (extended) this.#proven.add(older)
      else this.#distrust(older, taken)
    }
    const known = new Set(this.kept.map(({ carried: { text } }) => text))
    for (const other of others) if (!known.has(other.carried.text)) this.#keep(other, peer, at)
  }

  #keep(given: KeptCheckpoint, sender: ModelNode, at: number): KeptCheckpoint | undefined {
    const { from: _, version: _v, previousVersion: _p, ...entry } = given.carried
    const received = { ...entry, sender: sender.test.id }
    const verdict = receiveEnvelope(received, this.node.facts(), () => undefined, this.node.clock(at))
    const name = 'code' in verdict ? `checkpoint ${verdict.code}` : `${verdict.outcome} checkpoint`
    this.node.verdicts.set(name, (this.node.verdicts.get(name) ?? 0) + 1)
    if (verdict.outcome !== 'applied' || verdict.effect !== 'checkpoint') return undefined
    const { node, epoch, content } = verdict.envelope as Envelope<CheckpointContent>
    const carried = { ...given.carried, from: entry.hops.length === 0 ? node : sender.test.id }
    const row = { node, epoch, size: content.size, root: Buffer.from(content.root, 'base64url'), carried }
    const known = this.kept.find((each) => each.carried.text === carried.text)
    if (known !== undefined) return known
    for (const other of this.kept)
      if (compareHeads(headOf(other), headOf(row)) === 'equivocation') this.#distrust(other, row)
    this.kept.push(row)
    return row
  }

  #distrust(a: KeptCheckpoint, b: KeptCheckpoint): void {
    if (!this.found.has(a.node)) this.found.set(a.node, [a, b])
  }
}

const headOf = ({ node, epoch, size, root }: KeptCheckpoint) => ({
  node,
  epoch,
  size,
  root: root.toString('base64url'),
})
