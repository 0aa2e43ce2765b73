/** Places for names that are remembered, a power of two. */
const places = 64

/** No type has a longer name. What is longer is read each time: a stream must not fill the memory with it. */
const longest = 64

/** Names of types out of bytes. A stream is of few types, so those read before are recognised without making a string of them. */
export class TypeReader {
  readonly #bytes: Buffer[] = Array.from({ length: places }, () => Buffer.alloc(0))
  readonly #types: string[] = Array.from({ length: places }, () => '')

  /** The type written from `start` to `end`; an empty one when there is nothing. */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start
    if (length === 0) return ''
    const place = (length + 7 * (bytes[start] ?? 0) + 31 * (bytes[end - 1] ?? 0) + (bytes[start + 3] ?? 0)) % places
    const known = this.#bytes[place]
    let same = length === known?.length
    for (let n = 0; same && n < length; n++) same = bytes[start + n] === known?.[n]
    if (same) return this.#types[place] ?? ''
    const type = bytes.toString('utf8', start, end)
    if (length <= longest) {
      this.#bytes[place] = Buffer.from(bytes.subarray(start, end))
      this.#types[place] = type
    }
    return type
  }
}
