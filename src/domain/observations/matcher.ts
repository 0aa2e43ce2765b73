import { isUtf8 } from 'node:buffer'
import { Fault, type FaultCode, type Position, type RecordFault } from '../errors.ts'
import { limits } from '../limits.ts'
import { lookedUp } from '../observables/looked-up.ts'
import { hasKnownSuffix } from '../observables/name.ts'
import { ipv4Prefix, ipv6Prefix } from './addresses.ts'
import { Finder, type Reach } from './finder.ts'
import { PlainValue } from './plain-value.ts'
import { now, type ObservationSink } from './sink.ts'
import { type Match, Tally } from './tally.ts'
import type { ValueIndex } from './value-index.ts'

/** One observation that matched something, for senders that want to be told. */
export interface Hit {
  readonly position: Position
  readonly value: string
  readonly times: number
  /** Hours since 1970. */
  readonly hour: number
  readonly matches: readonly Match[]
}

/**
 * Matches a stream of observations for one sender, as `lookup` would answer each of them, and tallies what matched. Values
 * written in the plain way are read from their bytes; all others go through the parsers of observables.
 */
export class Matcher implements ObservationSink {
  place = 0
  /** Records read, those at fault too. */
  records = 0
  /** Observations: what records that are not at fault say, together. */
  events = 0
  readonly faults: RecordFault[] = []
  faultsTotal = 0
  /** What matched since it was last replaced. */
  tally = new Tally()
  /** Hits since they were last taken; only where they are wanted. */
  hits: Hit[] = []
  readonly #finder: Finder
  readonly #plain = new PlainValue()
  readonly #placeName: 'line' | 'offset'
  readonly #wantsHits: boolean
  #hour = 0

  constructor(index: ValueIndex, placeName: 'line' | 'offset', wantsHits: boolean) {
    this.#finder = new Finder(index)
    this.#placeName = placeName
    this.#wantsHits = wantsHits
  }

  /** What the sender may see, and what time it is: to be told before the first record, and at least once a second. */
  at(reach: Reach, nowMs: number): void {
    this.#finder.at(reach, nowMs)
    this.#hour = Math.floor(nowMs / 3_600_000)
  }

  fault(code: FaultCode, message: string): void {
    this.#refuse(new Fault(code, message))
    this.records++
  }

  text(bytes: Buffer, start: number, end: number, type: string, times: number, hour: number): void {
    if (this.#isInTime(hour) && this.#found(bytes, start, end, type)) {
      this.#count(times, hour)
      if (this.#wantsHits && this.#finder.count > 0) this.#hit(bytes.toString('utf8', start, end), times, hour)
    }
    this.records++
  }

  ipv4(address: number, times: number, hour: number): void {
    if (this.#isInTime(hour)) {
      this.#finder.ipv4(address)
      this.#count(times, hour)
      if (this.#wantsHits && this.#finder.count > 0) this.#hit(ipv4Prefix(address, 32), times, hour)
    }
    this.records++
  }

  ipv6(bytes: Buffer, start: number, times: number, hour: number): void {
    if (this.#isInTime(hour)) {
      const address = this.#plain.setIpv6(bytes, start)
      if (address === undefined) this.#finder.ipv4(this.#plain.ipv4)
      else this.#finder.ipv6(address)
      this.#count(times, hour)
      if (this.#wantsHits && this.#finder.count > 0) {
        this.#hit(address === undefined ? ipv4Prefix(this.#plain.ipv4, 32) : ipv6Prefix(address, 128), times, hour)
      }
    }
    this.records++
  }

  digest(bytes: Buffer, start: number, end: number, type: string, times: number, hour: number): void {
    if (this.#isInTime(hour)) {
      this.#plain.setDigest(bytes, start, end, type)
      this.#finder.digest(this.#plain)
      this.#count(times, hour)
      if (this.#wantsHits && this.#finder.count > 0) this.#hit(this.#plain.text, times, hour)
    }
    this.records++
  }

  /** Looks for a value; a fault of it is noted. @returns whether there was none */
  #found(bytes: Buffer, start: number, end: number, type: string): boolean {
    const finder = this.#finder
    switch (this.#plain.read(bytes, start, end, type)) {
      case 'ipv4':
        finder.ipv4(this.#plain.ipv4)
        return true
      case 'ipv6':
        finder.ipv6(this.#plain.ipv6)
        return true
      case 'digest':
        finder.digest(this.#plain)
        return true
      case 'name':
        // Without a type only names under a public suffix are names (detectType).
        if (type === '' && !hasKnownSuffix(this.#plain.text)) break
        finder.name(this.#plain)
        return true
    }
    return this.#foundByParsing(bytes.subarray(start, end), type)
  }

  #foundByParsing(bytes: Buffer, type: string): boolean {
    try {
      if (!isUtf8(bytes)) throw new Fault('invalid_text', 'The text is not UTF-8.')
      const { exact, containing } = lookedUp(bytes.toString('utf8'), type === '' ? undefined : type)
      this.#finder.keys(exact, containing)
      return true
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#refuse(error)
      return false
    }
  }

  #isInTime(hour: number): boolean {
    if (hour === now) return true
    if (hour >= this.#hour - limits.observationPastHours && hour <= this.#hour + limits.observationFutureHours)
      return true
    const { observationPastHours: past, observationFutureHours: future } = limits
    this.#refuse(new Fault('time_out_of_range', `The time lies more than ${past} hours back or ${future} ahead.`))
    return false
  }

  #count(times: number, hour: number): void {
    this.events += times
    if (this.#finder.count > 0) this.tally.add(this.#finder, hour === now ? this.#hour : hour, times)
  }

  #hit(value: string, times: number, hour: number): void {
    const finder = this.#finder
    this.hits.push({
      position: this.#position(),
      value,
      times,
      hour: hour === now ? this.#hour : hour,
      matches: Array.from({ length: finder.count }, (_, n) => ({
        position: finder.feedPosition(n),
        valueKey: finder.valueKey(n),
        exact: finder.exact(n),
      })),
    })
  }

  #refuse(fault: Fault): void {
    this.faultsTotal++
    if (this.faults.length < limits.faultsListed) this.faults.push(fault.asRecordFault(this.#position()))
  }

  #position(): Position {
    return { record: this.records, [this.#placeName]: this.place }
  }
}
