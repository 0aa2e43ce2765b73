import { limits } from '../domain/limits.ts'
import { HeldBytes } from './records.ts'

/** What reads the lines of a body: bytes from `start` to `end`, without the line end; the line counts from 1. */
export interface LineReader {
  line(bytes: Buffer, start: number, end: number, line: number): void
  /** The line was longer than `limits.observationBytes`; it was not kept. */
  tooLong(line: number): void
}

/** Cuts chunks into lines (LF or CRLF) where they lie: only a line that two chunks share is copied. */
export class ObservationLines {
  readonly #reader: LineReader
  readonly #held = new HeldBytes()
  #line = 1

  constructor(reader: LineReader) {
    this.#reader = reader
  }

  push(chunk: Buffer): void {
    let from = 0
    if (!this.#held.empty) {
      const end = chunk.indexOf(10)
      this.#held.add(chunk.subarray(0, end === -1 ? chunk.length : end))
      if (end === -1) return
      this.#takeHeld()
      from = end + 1
    }
    for (let end = chunk.indexOf(10, from); end !== -1; end = chunk.indexOf(10, from)) {
      this.#give(chunk, from, end)
      from = end + 1
    }
    this.#held.add(chunk.subarray(from))
  }

  end(): void {
    if (!this.#held.empty) this.#takeHeld()
  }

  #takeHeld(): void {
    const bytes = this.#held.take()
    if (bytes === undefined) this.#reader.tooLong(this.#line++)
    else this.#give(bytes, 0, bytes.length)
  }

  #give(bytes: Buffer, start: number, end: number): void {
    const line = this.#line++
    const from = line === 1 && isByteOrderMark(bytes, start, end) ? start + 3 : start
    if (end - from > limits.observationBytes) this.#reader.tooLong(line)
    else this.#reader.line(bytes, from, end > from && bytes[end - 1] === 13 ? end - 1 : end, line)
  }
}

const isByteOrderMark = (bytes: Buffer, start: number, end: number): boolean =>
  end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf
