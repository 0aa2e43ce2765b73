import { setImmediate } from 'node:timers/promises'
import { limits } from '../domain/limits.ts'
import type { ByteSource } from '../domain/source.ts'

/** One line of a stream: its bytes without the line end, or none of them when it is over `limits.recordBytes`. */
export interface Line {
  /** Counted from 1. */
  readonly line: number
  readonly bytes?: Buffer
}

/**
 * Scanners work in slices of this size, so that a source that hands over one huge chunk is no special case. What is made of a slice
 * keeps the process for some 3 ms and is held by every push that waits its turn.
 */
const sliceBytes = 16 * 1024

/**
 * The bytes of a source without a leading byte order mark (RFC 8259 §8.1 lets a reader ignore it), in small slices. After each,
 * others have their turn: a document that is all there would otherwise be read to its end before anybody else is answered.
 */
export async function* bytesOf(source: ByteSource): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  let given = 0
  for await (const chunk of source.open()) {
    let rest: Buffer = chunk
    if (head !== undefined) {
      rest = Buffer.concat([head, chunk])
      if (rest.length < 3) {
        head = rest
        continue
      }
      head = undefined
      rest = withoutByteOrderMark(rest)
    }
    for (let at = 0; at < rest.length; at += sliceBytes) {
      const slice = rest.subarray(at, at + sliceBytes)
      yield slice
      given += slice.length
      if (given < sliceBytes) continue
      given = 0
      await setImmediate()
    }
  }
  if (head !== undefined && head.length > 0) yield head
}

/**
 * Every line, blank ones too; LF or CRLF. They come in groups, one for each slice of the source. Memory stays within one
 * slice and one record, whatever the line's length.
 */
export async function* lines(source: ByteSource): AsyncGenerator<readonly Line[]> {
  const held = new HeldBytes()
  let line = 1
  for await (const slice of bytesOf(source)) {
    const ended: Line[] = []
    let from = 0
    for (let at = slice.indexOf(10); at !== -1; at = slice.indexOf(10, from)) {
      held.add(slice.subarray(from, at))
      ended.push(lineOf(held.take(), line++))
      from = at + 1
    }
    held.add(slice.subarray(from))
    yield ended
  }
  if (!held.empty) yield [lineOf(held.take(), line)]
}

/** The lines of NDJSON: blank ones are no records. */
export async function* ndjsonLines(source: ByteSource): AsyncGenerator<readonly Line[]> {
  for await (const ended of lines(source)) yield ended.filter(({ bytes }) => bytes === undefined || !isBlank(bytes))
}

/** The bytes of one record, kept only as long as they are within `limits.recordBytes`. */
export class HeldBytes {
  /** The first piece as it came: most records lie in one slice and are never copied. */
  #first: Buffer | undefined
  #copy: Buffer | undefined
  #size = 0

  get empty(): boolean {
    return this.#size === 0
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return
    const start = this.#size
    this.#size += piece.length
    if (this.#size > limits.recordBytes) {
      this.#first = undefined
      this.#copy = undefined
    } else if (start === 0) this.#first = piece
    else piece.copy(this.#roomFor(this.#size), start)
  }

  /** What was added since the last take; undefined when it was too much. */
  take(): Buffer | undefined {
    const bytes = this.#copy?.subarray(0, this.#size) ?? this.#first ?? Buffer.alloc(0)
    const tooLarge = this.#size > limits.recordBytes
    this.#first = undefined
    this.#copy = undefined
    this.#size = 0
    return tooLarge ? undefined : bytes
  }

  /** Doubles, so that a record arriving byte by byte costs linear time and no more than twice its size. */
  #roomFor(size: number): Buffer {
    const present = this.#copy ?? this.#first ?? Buffer.alloc(0)
    if (this.#copy !== undefined && this.#copy.length >= size) return this.#copy
    const larger = Buffer.allocUnsafe(Math.max(2 * present.length, size, 1024))
    present.copy(larger)
    this.#copy = larger
    return larger
  }
}

const isBlankByte = (byte: number | undefined): boolean => byte === 32 || byte === 9 || byte === 13 || byte === 10

/** The bytes without JSON white space around them. */
export function trimmed(bytes: Buffer): Buffer {
  let start = 0
  let end = bytes.length
  while (start < end && isBlankByte(bytes[start])) start++
  while (end > start && isBlankByte(bytes[end - 1])) end--
  return bytes.subarray(start, end)
}

const isBlank = (bytes: Buffer): boolean => trimmed(bytes).length === 0

const withoutByteOrderMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes

function lineOf(bytes: Buffer | undefined, line: number): Line {
  if (bytes === undefined) return { line }
  return { line, bytes: bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes }
}
