import { judgeAnswered, judgeAsked } from '../../src/actions/judge-widening.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import type { TakenWidening, Wanted, WideningMessage, WideningState } from '../../src/domain/widening.ts'
import { mayAskFor } from '../../src/policy/widening.ts'
import { uuidFrom } from './cast.ts'
import type { ModelNode } from './model-node.ts'
import { homeOfModel, readersAt, worldOf } from './model-world.ts'

/** A request as one node keeps it: the one that asks (`sentTo`), or the one that is asked (`receivedFrom`). */
export interface ModelRequest {
  readonly id: string
  readonly asker: string
  readonly of: string
  readonly version: number
  readonly wanted: Wanted
  /** With a canary: for the two nodes alone. */
  readonly reason: string
  readonly sentTo?: number
  readonly receivedFrom?: number
  readonly state: WideningState
  readonly askedAt: number
  readonly note: string
  readonly widenedVersion?: number
  /** Whether the other node is still to be told the last of it. */
  readonly waiting: boolean
}

/** A message under way, and to whom. */
export interface WideningLetter {
  readonly from: number
  readonly to: number
  readonly message: WideningMessage
}

const openMs = limits.wideningOpenDays * 86_400_000

/** Requests to widen at one node. What another node says of them the functions of a real node judge. */
export class ModelWidening {
  readonly node: ModelNode
  requests = new Map<string, ModelRequest>()
  readonly #peers: readonly ModelNode[]

  constructor(node: ModelNode, peers: readonly ModelNode[]) {
    this.node = node
    this.#peers = peers
  }

  ask(asker: string, of: string, version: number, to: number, canary: string, at: number): ModelRequest {
    const request: ModelRequest = {
      ...{ id: uuidFrom(canary), asker, of, version, wanted: { tlp: 'clear' }, reason: canary, sentTo: to },
      ...{ state: 'open', askedAt: at, note: '', waiting: true },
    }
    this.requests.set(request.id, request)
    return request
  }

  withdraw(id: string): void {
    const known = this.requests.get(id)
    if (known?.sentTo !== undefined && known.state === 'open')
      this.requests.set(id, { ...known, state: 'withdrawn', waiting: true })
  }

  /** The originator answers. */
  answer(id: string, state: 'accepted' | 'refused', note: string, widenedVersion?: number): void {
    const known = this.requests.get(id)
    if (known?.receivedFrom === undefined || known.state !== 'open') throw new Error('nothing was asked')
    const widened = widenedVersion === undefined ? {} : { widenedVersion }
    this.requests.set(id, { ...known, ...widened, state, note, waiting: true })
  }

  /** What the clock does. */
  tick(at: number): void {
    const now = this.node.clock(at).getTime()
    for (const [id, request] of this.requests)
      if (request.state === 'open' && now - this.node.clock(request.askedAt).getTime() > openMs)
        this.requests.set(id, { ...request, state: 'lapsed', waiting: request.receivedFrom !== undefined })
  }

  /** What other nodes are still to be told. */
  letters(): WideningLetter[] {
    return [...this.requests.values()]
      .filter(({ waiting }) => waiting)
      .map((request) => ({
        from: this.node.index,
        to: request.sentTo ?? request.receivedFrom ?? 0,
        message: messageOf(request),
      }))
  }

  /** What a letter comes to here; the answer goes back to its sender. */
  take({ from, message }: WideningLetter, at: number): TakenWidening {
    const { id } = message
    const outcome = message.kind === 'request' ? this.#takeAsked(from, message, at) : this.#takeAnswered(from, message)
    const name = `widening ${outcome.code ?? `${message.kind} ${outcome.outcome}`}`
    this.node.verdicts.set(name, (this.node.verdicts.get(name) ?? 0) + 1)
    return { id, ...outcome }
  }

  #takeAsked(from: number, message: WideningMessage & { kind: 'request' }, at: number): Omit<TakenWidening, 'id'> {
    const { id, asker, originator, indicator, version, wanted, reason } = message
    const of = `${originator} ${indicator}`
    const known = this.requests.get(id)
    const verdict = judgeAsked(message, {
      peer: this.#idOf(from) ?? '',
      askerHome:
        this.node.breakage === 'any-asker' ? this.#idOf(from) : this.#idOf(homeOfModel(this.node.directory, asker)),
      mayAsk: this.node.breakage === 'any-asker' || this.#mayAsk(asker, of, at),
      open: 0,
      withdrawn: 0,
      known: known && { state: known.state, ...received(this.#idOf(known.receivedFrom)) },
    })
    if (verdict.outcome !== 'taken') return verdict
    if (known !== undefined) this.requests.set(id, { ...known, state: 'withdrawn', waiting: false })
    else
      this.requests.set(id, {
        ...{ id, asker, of, version, wanted, reason, receivedFrom: from, askedAt: at, note: '', waiting: false },
        state: message.withdrawn ? 'withdrawn' : 'open',
      })
    return { outcome: 'taken' }
  }

  #mayAsk(asker: string, of: string, at: number): boolean {
    const { node } = this
    const item = node.items.get(of)
    const reader = readersAt(node.directory).find(({ organisation }) => organisation?.id === asker)
    const handling: Handling | null | undefined =
      item?.origin === node.test.id && !item.known.recalled ? item.handling : undefined
    if (!handling || reader === undefined) return false
    return mayAskFor(reader, handling, node.clock(at), worldOf(node.directory))
  }

  #takeAnswered(from: number, message: WideningMessage & { kind: 'answer' }): Omit<TakenWidening, 'id'> {
    const { id, outcome, note, version } = message
    const known = this.requests.get(id)
    const sentTo = this.node.breakage === 'any-answer' ? this.#idOf(from) : this.#idOf(known?.sentTo)
    const asked = known && { state: known.state, ...(sentTo === undefined ? {} : { sentTo }) }
    const verdict = judgeAnswered(message, this.#idOf(from) ?? '', asked)
    if (verdict.outcome !== 'taken' || known === undefined) return verdict
    const widened = version === undefined ? {} : { widenedVersion: version }
    this.requests.set(id, { ...known, ...widened, state: outcome, note, waiting: false })
    return verdict
  }

  /** What the other node said of a letter of ours. */
  told(letter: WideningLetter, { outcome }: TakenWidening): void {
    const known = this.requests.get(letter.message.id)
    // It was about something that has moved on since: that is told anew.
    if (known === undefined || JSON.stringify(messageOf(known)) !== JSON.stringify(letter.message)) return
    const failed = outcome === 'refused' && known.sentTo !== undefined && known.state === 'open'
    if (outcome !== 'busy')
      this.requests.set(known.id, { ...known, waiting: false, ...(failed ? { state: 'failed' } : {}) })
  }

  /** Whose node was expelled answers no more. */
  giveUpOn(expelled: readonly number[]): void {
    for (const [id, request] of this.requests) {
      if (!expelled.includes(request.sentTo ?? request.receivedFrom ?? -1)) continue
      const open = request.state === 'open' && request.sentTo !== undefined
      this.requests.set(id, { ...request, waiting: false, ...(open ? { state: 'failed' } : {}) })
    }
  }

  #idOf = (index: number | undefined): string | undefined =>
    index === undefined ? undefined : this.#peers[index]?.test.id
}

const received = (receivedFrom: string | undefined) => (receivedFrom === undefined ? {} : { receivedFrom })

function messageOf(request: ModelRequest): WideningMessage {
  const { id, asker, of, version, wanted, reason, state, note, widenedVersion } = request
  const [originator = '', indicator = ''] = of.split(' ')
  if (request.sentTo !== undefined)
    return {
      ...{ kind: 'request', id, indicator, originator, version, asker, wanted, reason },
      withdrawn: state !== 'open',
    }
  const outcome = state === 'accepted' || state === 'refused' ? state : 'lapsed'
  return { kind: 'answer', id, outcome, note, ...(widenedVersion === undefined ? {} : { version: widenedVersion }) }
}
