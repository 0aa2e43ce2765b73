import type { Caller } from '../domain/caller.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type Hit, Matcher } from '../domain/observations/matcher.ts'
import { Tally } from '../domain/observations/tally.ts'
import type { ValueIndex } from '../domain/observations/value-index.ts'
import type { Released } from '../domain/released.ts'
import { type ObservationFormat, observationScanner, placeNameOf } from '../formats/observations.ts'
import type { Context } from './context.ts'
import { decidedAnew } from './decided-anew.ts'
import { type ReleasedHit, releasedHits } from './observation-hits.ts'
import { ObservationWriter } from './observation-writer.ts'
import { recognise } from './recognise.ts'
import { stillMay } from './verb.ts'
import { permittedFor } from './visible.ts'

/** What a stream of observations came to. */
export interface ObservationTotals {
  /** Records read, those at fault too. */
  readonly records: number
  /** Observations: the counts of the records together. */
  readonly events: number
  /** Observations of something that the sender may see an indicator of. */
  readonly matched: number
  /** Different indicators among them; counted up to a million. */
  readonly indicators: number
  /** The first faults; `faultsTotal` counts all. */
  readonly faults: readonly RecordFault[]
  readonly faultsTotal: number
}

/** What is said while a stream is read: an indicator the first time it is hit, and each hit. */
export type ObservationNews = { readonly indicator: Released } | { readonly hit: ReleasedHit }

export interface ObservationStreamOptions {
  readonly format: ObservationFormat
  readonly wantsHits: boolean
  /** The receipt with which the counts become valid; at once without one. */
  readonly receipt?: string
}

/** How often what may have changed meanwhile is asked again. */
const askAgainMs = 1_000
/** How long counts stay in memory at most. */
const writeMs = 5_000
/** Bytes read without looking up; with hits less, since each hit is kept until it is answered. */
const sliceBytes = 64 * 1024
const sliceBytesWithHits = 8 * 1024
/** Hits asked for and told together, where a chunk has so many. */
const hitsTogether = 500

/** One stream of observations of one sender, from its first byte to its totals. */
export class ObservationStream {
  readonly #context: Context
  #caller: Caller
  readonly #options: ObservationStreamOptions
  readonly #matcher: Matcher
  readonly #index: ValueIndex
  readonly #writer: ObservationWriter
  #generation: number
  #askedMs = Number.NEGATIVE_INFINITY
  #writtenMs = performance.now()
  readonly #told = new Set<string>()

  constructor(context: Context, caller: Caller, index: ValueIndex, options: ObservationStreamOptions) {
    this.#context = context
    this.#caller = caller
    this.#options = options
    this.#index = index
    this.#generation = index.values.generation
    this.#matcher = new Matcher(index, placeNameOf(options.format), options.wantsHits)
    this.#writer = new ObservationWriter(context, options.receipt)
  }

  /** Reads the body to its end. Everything that the totals count is committed when they are returned. */
  async *run(body: AsyncIterable<Buffer>): AsyncGenerator<readonly ObservationNews[], ObservationTotals> {
    const scanner = observationScanner(this.#options.format, this.#matcher)
    const size = this.#options.wantsHits ? sliceBytesWithHits : sliceBytes
    await this.#askAgain()
    for await (const chunk of body) {
      for (let from = 0; from < chunk.length; from += size) {
        if (performance.now() - this.#askedMs >= askAgainMs) await this.#askAgain()
        if (this.#index.values.generation !== this.#generation) await this.#numberedAnew()
        scanner.push(chunk.subarray(from, from + size))
        if (this.#matcher.hits.length >= hitsTogether) yield await this.#tellHits()
        if (this.#matcher.tally.full || performance.now() - this.#writtenMs >= writeMs) await this.#write()
      }
      // What comes next may be long in coming.
      if (this.#matcher.hits.length > 0) yield await this.#tellHits()
    }
    scanner.end()
    if (this.#matcher.hits.length > 0) yield await this.#tellHits()
    await this.#write()
    await this.#writer.done()
    const { records, events, faults, faultsTotal } = this.#matcher
    const { matched, indicators } = this.#writer
    this.#context.meters.observations += records
    return { records, events, matched, indicators, faults, faultsTotal }
  }

  /** Who the sender is now, what it may see now, what is known now, and what time it is. */
  async #askAgain(): Promise<void> {
    this.#askedMs = performance.now()
    await stillMay(this.#context, this.#caller, 'observe')
    const standing = await this.#context.policy.current()
    this.#caller = await recognise(this.#context, standing, this.#caller)
    const { permit, redact } = permittedFor(this.#context, this.#caller, standing)
    const reach = { exact: permit.union(redact).bytes, containing: permit.bytes }
    if ((await this.#context.known.current()) !== this.#index) {
      throw new Fault('unavailable', 'The database was replaced; send the stream again.', { retryAfterSeconds: 1 })
    }
    this.#matcher.at(reach, this.#context.clock().getTime())
  }

  /** The tally knows indicators by slot: it ends where slots change their numbers. */
  async #numberedAnew(): Promise<void> {
    await this.#write()
    this.#generation = this.#index.values.generation
    await this.#askAgain()
  }

  /** Hands the tally over to be written while reading goes on; waits for the one before. */
  async #write(): Promise<void> {
    this.#writtenMs = performance.now()
    if (this.#matcher.tally.rows === 0) return
    const full = this.#matcher.tally
    this.#matcher.tally = new Tally()
    await this.#writer.write(this.#caller, full)
  }

  async #tellHits(): Promise<ObservationNews[]> {
    const hits: readonly Hit[] = this.#matcher.hits
    this.#matcher.hits = []
    const found = await decidedAnew(this.#context, this.#caller, 'observe', (standing, caller) =>
      releasedHits(this.#context, caller, standing, hits),
    )
    const news: ObservationNews[] = []
    for (const { hit, indicators } of found) {
      for (const indicator of indicators) {
        const key = `${indicator.id} ${indicator.originator?.id ?? indicator.alias}`
        if (this.#told.has(key)) continue
        if (this.#told.size >= limits.observationRows) this.#told.clear()
        this.#told.add(key)
        news.push({ indicator })
      }
      news.push({ hit })
    }
    return news
  }
}
