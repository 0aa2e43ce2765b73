import { microsOf, networkBytes, writeUuid } from './binary-values.ts'

/** Whole rows, and where each of them begins. */
export interface CopyChunk {
  readonly bytes: Buffer
  readonly starts: readonly number[]
}

const chunkBytes = 65_536
/** Beyond what a chunk is cut at: most rows end within it, and need not be moved. */
const spareBytes = 16_384

/** From this length on it pays to count the bytes of a text before room is made for them. */
const longText = 1_024

/** Up to this length it pays to write a text by hand. */
const shortText = 16

/**
 * Rows of a table in COPY's binary form, a cell after the other in the order of the columns. The database takes them at two thirds of
 * what the text form costs it (ADR 41). A cell that is undefined is null.
 */
export class BinaryRows {
  readonly #columns: number
  readonly #chunks: CopyChunk[] = []
  #bytes = Buffer.allocUnsafeSlow(chunkBytes + spareBytes)
  #view = viewOf(this.#bytes)
  #starts: number[] = []
  #end = 0
  #time = ''
  #micros = 0n

  constructor(columns: number) {
    this.#columns = columns
  }

  /** Begins a row. */
  row(): void {
    if (this.#end >= chunkBytes) this.#cut()
    this.#starts.push(this.#end)
    this.#room(2)
    this.#view.setInt16(this.#end, this.#columns)
    this.#end += 2
  }

  end(): readonly CopyChunk[] {
    if (this.#end > 0) this.#cut()
    return this.#chunks
  }

  text(value: string | undefined): void {
    if (value === undefined) this.#none()
    else {
      this.#room(4 + (value.length < longText ? 3 * value.length : Buffer.byteLength(value)))
      const length = value.length < shortText ? this.#short(value) : this.#bytes.write(value, this.#end + 4)
      this.#view.setInt32(this.#end, length)
      this.#end += 4 + length
    }
  }

  /** Writes the characters one by one, while they are ASCII: most words of a row are so short that a call costs more. */
  #short(value: string): number {
    const at = this.#end + 4
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return this.#bytes.write(value, at)
      this.#bytes[at + i] = code
    }
    return value.length
  }

  /** `bytea`. @param digits hexadecimal, two for each byte */
  hex(digits: string): void {
    const at = this.#head(digits.length / 2)
    if (2 * this.#bytes.write(digits, at, 'hex') !== digits.length) throw new RangeError('no hexadecimal digits')
  }

  uuid(text: string | undefined): void {
    if (text === undefined) this.#none()
    else writeUuid(text, this.#bytes, this.#head(16))
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.#head(value.length))
  }

  flag(value: boolean): void {
    this.#bytes[this.#head(1)] = value ? 1 : 0
  }

  smallint(value: number | undefined): void {
    if (value === undefined) this.#none()
    else this.#view.setInt16(this.#head(2), fitting(value, 16))
  }

  integer(value: number): void {
    this.#view.setInt32(this.#head(4), fitting(value, 32))
  }

  bigint(value: bigint | number | undefined): void {
    if (value === undefined) this.#none()
    else this.#view.setBigInt64(this.#head(8), BigInt(value))
  }

  /** @param iso ISO 8601 UTC, with three digits of a second or more. Neighbouring cells often say the same time. */
  time(iso: string | undefined): void {
    if (iso !== undefined && iso !== this.#time) [this.#time, this.#micros] = [iso, microsOf(iso)]
    this.bigint(iso === undefined ? undefined : this.#micros)
  }

  /** `text[]`. */
  texts(values: readonly string[]): void {
    const begin = this.#end
    const dimensions = values.length === 0 ? [] : [values.length, 1]
    let at = this.#head(4 * (3 + dimensions.length))
    for (const word of [dimensions.length / 2, 0, textOid, ...dimensions]) {
      this.#view.setInt32(at, word)
      at += 4
    }
    for (const value of values) this.text(value)
    this.#view.setInt32(begin, this.#end - begin - 4)
  }

  /** `inet`. @param network canonical address with its length: `192.0.2.0/24` */
  network(network: string | undefined): void {
    if (network === undefined) this.#none()
    else this.bytes(networkBytes(network))
  }

  #none(): void {
    this.#room(4)
    this.#view.setInt32(this.#end, -1)
    this.#end += 4
  }

  /** Makes room for a cell, and writes its length. @returns where it begins */
  #head(length: number): number {
    this.#room(4 + length)
    const at = this.#end + 4
    this.#view.setInt32(this.#end, length)
    this.#end = at + length
    return at
  }

  #room(bytes: number): void {
    if (this.#end + bytes > this.#bytes.length) this.#grow(this.#end + bytes)
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * needed)
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }

  #cut(): void {
    this.#chunks.push({ bytes: this.#bytes.subarray(0, this.#end), starts: this.#starts })
    this.#bytes = Buffer.allocUnsafeSlow(chunkBytes + spareBytes)
    this.#view = viewOf(this.#bytes)
    this.#starts = []
    this.#end = 0
  }
}

/** Numbers written by a view cost a fifth of those written by the buffer's methods. */
const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length)

/** A view would cut off what is too much. @throws {RangeError} */
function fitting(value: number, bits: number): number {
  if ((value << (32 - bits)) >> (32 - bits) !== value) throw new RangeError(`no whole number of ${bits} bits`)
  return value
}

/** PostgreSQL's number of the type `text`. */
const textOid = 25
