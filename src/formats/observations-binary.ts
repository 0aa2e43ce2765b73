import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { mostTimes, now, type ObservationScanner, type ObservationSink } from '../domain/observations/sink.ts'

/** What a body in the binary form begins with: seven letters, and the version. */
export const binaryHeader: Buffer = Buffer.from('PUENTEO\x01', 'latin1')

const kindBits = 0x1f
const reservedBit = 0x20
const countBit = 0x40
const timeBit = 0x80

/** Kinds whose value is the rest of the record as text, by the type it is read as. */
const textTypes: Readonly<Record<number, string>> = { 3: 'domain-name', 4: '', 9: 'url' }
const typedText = 5
/** Kinds that are digests, and their bytes. */
const digestTypes: Readonly<Record<number, readonly [type: string, bytes: number]>> = {
  6: ['md5', 16],
  7: ['sha1', 20],
  8: ['sha256', 32],
}

/**
 * The binary form of observations (docs/observations.md): after the header records, each its length and as many bytes. A record
 * that is wrong is a fault at its offset, and the next one is where its length says.
 */
export class ObservationBinary implements ObservationScanner {
  readonly #sink: ObservationSink
  /** The beginning of a record that the chunk before did not end. */
  #rest: Buffer = Buffer.alloc(0)
  /** Where `#rest`, or else the next chunk, begins in the body. */
  #offset = 0
  #skip = 0
  #headerRead = false
  #lost = false

  constructor(sink: ObservationSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    if (this.#lost) return
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = this.#skipped(bytes.length)
    if (!this.#headerRead) {
      if (bytes.length < binaryHeader.length) {
        this.#keep(bytes, 0)
        return
      }
      if (!bytes.subarray(0, binaryHeader.length).equals(binaryHeader)) throw notOurs()
      this.#headerRead = true
      at = binaryHeader.length
    }
    while (at < bytes.length && !this.#lost) {
      const next = this.#record(bytes, at)
      if (next === undefined) break
      at = next
    }
    this.#keep(bytes, at)
  }

  end(): void {
    if (this.#lost) return
    if (!this.#headerRead) throw notOurs()
    if (this.#rest.length === 0 && this.#skip === 0) return
    this.#sink.place = this.#offset
    this.#sink.fault('invalid_binary', 'The body ends within a record.')
  }

  /** What of a record that is too long lies in these bytes: passed over. */
  #skipped(length: number): number {
    const here = Math.min(this.#skip, length)
    this.#skip -= here
    return here
  }

  #keep(bytes: Buffer, from: number): void {
    this.#offset += Math.min(from, bytes.length)
    this.#skip += Math.max(from - bytes.length, 0)
    this.#rest = from >= bytes.length ? Buffer.alloc(0) : bytes.subarray(from)
  }

  /** Reads the record at `at`. @returns where the next one begins; undefined when it is not all there */
  #record(bytes: Buffer, at: number): number | undefined {
    let length = bytes[at] ?? 0
    let start = at + 1
    if (length > 0x7f) {
      length &= 0x7f
      for (let shift = 7; ; shift += 7) {
        if (start === bytes.length) return undefined
        const byte = bytes[start++] ?? 0
        length += (byte & 0x7f) * 2 ** shift
        if (byte < 0x80) break
        if (shift === 28) return this.#loseTrack(at)
      }
    }
    const end = start + length
    if (length > limits.observationBytes) {
      this.#sink.place = this.#offset + at
      this.#sink.fault('record_too_large', `A record may have ${limits.observationBytes} bytes.`)
      return end
    }
    if (end > bytes.length) return undefined
    this.#sink.place = this.#offset + at
    this.#value(bytes, start, end)
    return end
  }

  /** Without a length nobody can say where the next record is. */
  #loseTrack(at: number): undefined {
    this.#lost = true
    this.#sink.place = this.#offset + at
    this.#sink.fault('invalid_binary', 'The length of this record cannot be read; nothing after it was.')
  }

  #value(bytes: Buffer, start: number, end: number): void {
    const sink = this.#sink
    const head = bytes[start] ?? 0
    let at = start + 1
    let times = 1
    let hour = now
    if ((head & countBit) !== 0) {
      times = 0
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] ?? 0
        times += (byte & 0x7f) * 2 ** shift
        if (byte < 0x80 || shift === 28) break
      }
      if (times < 1 || times > mostTimes) {
        sink.fault('invalid_record', `A count is from 1 to ${mostTimes}.`)
        return
      }
    }
    if ((head & timeBit) !== 0) {
      if (at + 4 > end) {
        sink.fault('invalid_binary', 'The record is too short.')
        return
      }
      hour = Math.floor(bytes.readUInt32BE(at) / 3_600)
      at += 4
    }
    if (at > end || (head & reservedBit) !== 0) {
      sink.fault('invalid_binary', 'The record cannot be read.')
      return
    }
    const kind = head & kindBits
    if (kind === 1 && end - at === 4) {
      sink.ipv4(bytes.readUInt32BE(at), times, hour)
      return
    }
    if (kind === 2 && end - at === 16) {
      sink.ipv6(bytes, at, times, hour)
      return
    }
    this.#textOrDigest(kind, bytes, at, end, times, hour)
  }

  #textOrDigest(kind: number, bytes: Buffer, at: number, end: number, times: number, hour: number): void {
    const type = textTypes[kind]
    if (type !== undefined) {
      this.#sink.text(bytes, at, end, type, times, hour)
      return
    }
    const [digest, size] = digestTypes[kind] ?? ['', 0]
    if (size > 0 && end - at === size) {
      this.#sink.digest(bytes, at, end, digest, times, hour)
      return
    }
    const named = at + 1 + (bytes[at] ?? 0)
    if (kind === typedText && at < end && named > at + 1 && named <= end) {
      this.#sink.text(bytes, named, end, bytes.toString('utf8', at + 1, named), times, hour)
      return
    }
    this.#sink.fault('invalid_binary', 'The record is of no known kind, or of another length than its kind has.')
  }
}

const notOurs = (): Fault =>
  new Fault('invalid_binary', 'The body does not begin with the header of observations, version 1.', {
    position: { offset: 0 },
  })
