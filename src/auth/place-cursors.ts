import { type Cipher, createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto'
import { cursorInvalid, cursorOutdated } from './cursors.ts'

const blockBytes = 16
const epochAt = 12

/**
 * Cursors that are one place in the feed, of one reader and query: a block of AES-256 each, under a key of their own (ADR 40). A page of
 * GraphQL has a hundred of them. The block holds the place, four zero bytes, and the first four of the feed's epoch: what was altered, or
 * was made for another reader or query, opens to noise, and not to those.
 */
export class PlaceCursors {
  readonly #nodeKey: Buffer
  readonly #bound: unknown
  readonly #epoch: number
  #ownKey: Buffer | undefined
  #cipher: Cipher | undefined

  /**
   * @param key 32 bytes
   * @param bound the kind of cursor, the reader and the query it is given for, as JSON has them: for any other it does not open
   */
  constructor(key: Buffer, epoch: string, bound: unknown) {
    this.#nodeKey = key
    this.#bound = bound
    this.#epoch = Number.parseInt(epoch.slice(0, 8), 16)
  }

  /** The same place seals to the same text, and the text tells nothing else of it. */
  seal(position: number): string {
    // One block each: there is no order or length for this mode to betray, and equal places are to be equal.
    this.#cipher ??= createCipheriv('aes-256-ecb', this.#key(), null).setAutoPadding(false)
    const block = Buffer.alloc(blockBytes)
    block.writeBigInt64BE(BigInt(position))
    block.writeUInt32BE(this.#epoch, epochAt)
    return this.#cipher.update(block).toString('base64url')
  }

  /** @throws {Fault} `cursor_invalid`, `cursor_outdated` when the node was restored from a backup since */
  open(text: string): number {
    const sealed = Buffer.from(text, 'base64url')
    if (sealed.length !== blockBytes || sealed.toString('base64url') !== text) throw cursorInvalid()
    const decipher = createDecipheriv('aes-256-ecb', this.#key(), null).setAutoPadding(false)
    const block = Buffer.concat([decipher.update(sealed), decipher.final()])
    if (block.readUInt32BE(8) !== 0) throw cursorInvalid()
    if (block.readUInt32BE(epochAt) !== this.#epoch) throw cursorOutdated()
    return Number(block.readBigInt64BE())
  }

  /** Made when first needed: many a page has no cursor, and is asked for without one. */
  #key(): Buffer {
    const bound = () => createHash('sha256').update(JSON.stringify(this.#bound)).digest('base64')
    this.#ownKey ??= createHmac('sha256', this.#nodeKey).update(`place ${bound()}`).digest()
    return this.#ownKey
  }
}
