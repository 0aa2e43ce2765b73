/** Names of types out of bytes. A stream is mostly of few types, so the last one is recognised without making a string of it. */
export class TypeReader {
  #bytes = Buffer.alloc(0)
  #type = ''

  /** The type written from `start` to `end`; an empty one when there is nothing. */
  read(bytes: Buffer, start: number, end: number): string {
    const known = this.#bytes
    let same = end - start === known.length
    for (let n = 0; same && n < known.length; n++) same = bytes[start + n] === known[n]
    if (same) return this.#type
    this.#type = bytes.toString('utf8', start, end)
    this.#bytes = Buffer.from(bytes.subarray(start, end))
    return this.#type
  }
}
