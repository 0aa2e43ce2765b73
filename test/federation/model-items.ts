import type { OpenedSeal, SealFault } from '../../src/auth/seals.ts'
import type { Gap, Hop } from '../../src/domain/envelope.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { KnownVersion } from '../../src/policy/version-rules.ts'

/** What is passed on unchanged, and by which way it came. */
export interface Carried {
  readonly text: string
  readonly index: number
  readonly path: readonly Uint8Array[]
  readonly seal: OpenedSeal | SealFault
  readonly hops: readonly Hop[]
  /** Whom it was had from; this node for its own. */
  readonly from: string
  readonly version: number
  readonly previousVersion: number
}

export interface Item {
  readonly origin: string
  readonly known: KnownVersion
  /** The handling that is kept to here; the sealed one or a narrower. */
  readonly handling: Handling | null
  /** That of the version before the bare form or the tombstone: who might have had that one is told, whoever gave it to them. */
  readonly was?: Handling
  readonly whole?: Carried
  /** The latest bare form, for those who may not have what came after it. */
  readonly bare?: Carried
  readonly tombstone?: Carried
}

/** One entry of a page, and where in the sender's feed it stands. */
export type Offer = Carried & { readonly gap?: Gap }

export interface ModelPage {
  readonly from: number
  readonly after: number
  readonly upTo: number
  readonly offers: readonly Offer[]
}

/** What a peer was given; stored there, as far as it is known, until it asks from before it again. */
interface Sent {
  readonly position: number
  readonly version: number
  readonly stored: boolean
}

/** What a sender keeps of each peer: what it gave, what of that was stored, and what it kept back. Durable in a real one. */
export class Given {
  readonly #sent = new Map<number, Map<string, Sent[]>>()
  readonly #withheld = new Map<number, Set<string>>()

  /** Who asks from here did not store what it was given from here on; and may be given something else instead now. */
  asked(peer: number, after: number): void {
    const sent = this.#sent.get(peer) ?? new Map<string, Sent[]>()
    for (const [key, each] of sent) {
      sent.set(
        key,
        each.map((one) => (one.position > after ? { ...one, stored: false } : one)),
      )
    }
  }

  /** @param unapplied the first version that the peer said it did not apply */
  before(peer: number, key: string, unapplied: number): { readonly had: boolean; readonly confirmed: number } {
    const sent = this.#sent.get(peer)?.get(key) ?? []
    const stored = sent.filter((each) => each.stored && each.version < unapplied)
    return { had: sent.length > 0, confirmed: Math.max(0, ...stored.map(({ version }) => version)) }
  }

  give(peer: number, key: string, position: number, version: number): void {
    const sent = getOrMake(this.#sent, peer, () => new Map<string, Sent[]>())
    sent.set(key, [...(sent.get(key) ?? []), { position, version, stored: true }])
  }

  withhold(peer: number, key: string): void {
    getOrMake(this.#withheld, peer, () => new Set<string>()).add(key)
  }

  /** What was kept back from anybody, to be offered again. */
  release(): string[] {
    const keys = [...new Set([...this.#withheld.values()].flatMap((each) => [...each]))]
    this.#withheld.clear()
    return keys
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
