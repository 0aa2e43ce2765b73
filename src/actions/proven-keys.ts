import { hash } from 'node:crypto'
import type { ApiKeyRow } from '../store/keys.ts'

/** A key as it was last proven. */
export interface ProvenKey {
  readonly row: ApiKeyRow
  /** The policy epoch under which it stood: revoking raises it, and then this proof is worth nothing. */
  readonly epoch: bigint
  /** When its use was last written down. */
  touchedAt: number
}

/** Keys remembered; the one longest proven goes first. */
const kept = 10_000

/** API keys that were found good, by a digest of their text: a request with one costs no statement. */
export class ProvenKeys {
  readonly #keys = new Map<string, ProvenKey>()

  find(secret: string): ProvenKey | undefined {
    return this.#keys.get(digestOf(secret))
  }

  keep(secret: string, key: ProvenKey): void {
    const digest = digestOf(secret)
    this.#keys.delete(digest)
    this.#keys.set(digest, key)
    if (this.#keys.size > kept) {
      const oldest = this.#keys.keys().next().value
      if (oldest !== undefined) this.#keys.delete(oldest)
    }
  }
}

const digestOf = (secret: string): string => hash('sha256', secret, 'base64')
