import type { FastifyInstance } from 'fastify'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Guards } from './guards.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Streams open in this process. */
    streams: Streams
  }
}

/** One open stream, as whoever counts them knows it. */
export interface OpenStream {
  /** Ends it, with a last word to its reader. */
  end(fault: Fault): void
  /** Says that the node is still there, if that can be said now. */
  beat(): void
}

/** Longest that the streams of a process that stops have for their last words. */
const lastWordsMs = 5_000

/**
 * So many streams in all, and so many of one account, or address of the public. They hear a heartbeat by one timer, and end, with a
 * cursor, when the node stops.
 */
export class Streams {
  readonly guards: Guards
  readonly #open = new Set<OpenStream>()
  readonly #ofWhom = new Map<string, number>()
  #counted = 0
  #beating: NodeJS.Timeout | undefined
  #closing = false
  #gone: (() => void) | undefined

  constructor(guards: Guards) {
    this.guards = guards
  }

  /** How many there are. */
  get size(): number {
    return this.#counted
  }

  /** Counts one more. @returns what counts it out again @throws {Fault} `too_many_streams`, `unavailable` */
  enter({ reader }: Caller, address: string): () => void {
    if (this.#closing) throw stopping()
    const whom = reader.account ?? `address ${address}`
    const mine = this.#ofWhom.get(whom) ?? 0
    const { streams, streamsPerAccount } = this.guards
    if (this.#counted >= streams || mine >= streamsPerAccount) {
      throw new Fault('too_many_streams', 'There are too many streams open; end some.', { retryAfterSeconds: 5 })
    }
    this.#counted++
    this.#ofWhom.set(whom, mine + 1)
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      this.#counted--
      const left = (this.#ofWhom.get(whom) ?? 1) - 1
      if (left === 0) this.#ofWhom.delete(whom)
      else this.#ofWhom.set(whom, left)
    }
  }

  /** From now on it is heard of. @returns what forgets it */
  open(stream: OpenStream): () => void {
    this.#open.add(stream)
    this.#beating ??= setInterval(() => {
      for (const each of this.#open) each.beat()
    }, this.guards.heartbeatMs).unref()
    if (this.#closing) stream.end(stopping())
    return () => {
      this.#open.delete(stream)
      if (this.#open.size > 0) return
      clearInterval(this.#beating)
      this.#beating = undefined
      this.#gone?.()
    }
  }

  /** Ends all, and waits until their last words are said. */
  async close(): Promise<void> {
    this.#closing = true
    for (const stream of this.#open) stream.end(stopping())
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lastWordsMs).unref()
      this.#gone = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

const stopping = () => new Fault('unavailable', 'The node stops; go on with the cursor.', { retryAfterSeconds: 2 })

/** Streams of a process are counted together, whichever door they are at. */
export function countStreams(app: FastifyInstance, guards: Guards): void {
  const streams = new Streams(guards)
  app.decorate('streams', streams)
  app.addHook('preClose', () => streams.close())
}
