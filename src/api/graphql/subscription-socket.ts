import type { WebSocket } from 'ws'
import type { Live } from '../../actions/live.ts'
import type { Caller } from '../../domain/caller.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { parseStrict } from '../../formats/json-text.ts'
import type { OpenStream, Streams } from '../streams.ts'

/** Codes of the protocol graphql-transport-ws, and of RFC 6455 §7.4.1. */
const codes = {
  goingAway: 1001,
  policy: 1008,
  tryLater: 1013,
  badRequest: 4400,
  forbidden: 4403,
  initTimeout: 4408,
} as const

const minuteMs = 60_000

/**
 * One WebSocket with bounds: a message at most so large and so many a minute, an answer at a time for each subscription, a reader that must
 * take what it is sent, and a first word that must come in time.
 */
export class SubscriptionSocket implements OpenStream {
  readonly #ws: WebSocket
  readonly #streams: Streams
  readonly #lives = new Set<Live>()
  readonly #init: NodeJS.Timeout
  #minute = { began: performance.now(), messages: 0 }
  #heard = true
  #ending: Fault | undefined

  constructor(ws: WebSocket, streams: Streams) {
    this.#ws = ws
    this.#streams = streams
    this.#init = setTimeout(
      () => this.close(codes.initTimeout, 'Connection initialisation timeout'),
      streams.guards.connectionInitMs,
    ).unref()
    ws.on('error', () => ws.terminate())
    ws.on('pong', () => {
      this.#heard = true
    })
  }

  /** Hands on messages that are what they must be. */
  onMessage(take: (text: string) => Promise<void>): void {
    this.#ws.on('message', (data: Buffer, isBinary) => {
      this.#heard = true
      const refusal = this.#refusalOf(data, isBinary)
      if (refusal !== undefined) return this.close(refusal.code, refusal.reason)
      take(data.toString('utf8')).catch((error: unknown) => {
        this.close(codes.forbidden, error instanceof Fault ? error.code : 'internal')
      })
    })
  }

  #refusalOf(data: Buffer, isBinary: boolean): { readonly code: number; readonly reason: string } | undefined {
    const now = performance.now()
    if (now - this.#minute.began > minuteMs) this.#minute = { began: now, messages: 0 }
    if (++this.#minute.messages > limits.socketMessagesPerMinute) return { code: codes.policy, reason: 'rate_limited' }
    if (isBinary) return { code: codes.badRequest, reason: 'Invalid message received' }
    try {
      const message = parseStrict(data) as { readonly type?: unknown } | null
      if (message?.type === 'connection_init') clearTimeout(this.#init)
      return undefined
    } catch {
      return { code: codes.badRequest, reason: 'Invalid message received' }
    }
  }

  /** @throws {Fault} `too_many_streams` */
  count(open: number): void {
    const { subscriptionsPerSocket } = this.#streams.guards
    if (open > subscriptionsPerSocket) {
      throw new Fault('too_many_streams', `A socket has at most ${subscriptionsPerSocket} subscriptions.`)
    }
  }

  /** @throws {Fault} `too_many_streams` */
  enter(caller: Caller, address: string): () => void {
    return this.#streams.enter(caller, address)
  }

  keep(live: Live): void {
    this.#lives.add(live)
    if (this.#ending !== undefined) live.end(this.#ending)
  }

  drop(live: Live): void {
    this.#lives.delete(live)
    if (this.#ending !== undefined && this.#lives.size === 0)
      setImmediate(() => this.close(codes.goingAway, 'unavailable'))
  }

  /** Resolves when the text has left this process; a reader that does not take it in time is too slow. */
  async send(text: string): Promise<void> {
    const ws = this.#ws
    if (ws.readyState !== ws.OPEN) return
    if (ws.bufferedAmount > limits.socketQueueBytes) return this.#tooSlow()
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#tooSlow()
        resolve()
      }, this.#streams.guards.streamStallMs).unref()
      ws.send(text, () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #tooSlow(): void {
    for (const live of this.#lives) void live.return()
    this.close(codes.tryLater, 'consumer_too_slow')
  }

  /** Who may follow no more has no business here. */
  endWith(error: unknown): void {
    if (error instanceof Fault && (error.kind === 'unauthenticated' || error.kind === 'refused')) {
      setImmediate(() => this.close(codes.forbidden, error.code))
    }
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
    setTimeout(() => this.#ws.terminate(), this.#streams.guards.lingerMs).unref()
  }

  end(fault: Fault): void {
    this.#ending = fault
    for (const live of this.#lives) live.end(fault)
    if (this.#lives.size === 0) this.close(codes.goingAway, 'unavailable')
  }

  beat(): void {
    if (!this.#heard) this.#ws.terminate()
    this.#heard = false
    if (this.#ws.bufferedAmount > limits.socketQueueBytes) this.#tooSlow()
    else this.#ws.ping()
  }

  gone(): void {
    clearTimeout(this.#init)
    for (const live of this.#lives) void live.return()
  }
}
