import type { LawEnforcementUse } from './handling.ts'
import type { Pap } from './pap.ts'
import type { RsitClass, RsitType } from './rsit.ts'
import type { Tlp } from './tlp.ts'

declare const released: unique symbol
declare const blockable: unique symbol
declare const releasedObject: unique symbol

/** Handling as a reader may know it: audiences appear only as far as the reader belongs to them. */
export interface ReleasedHandling {
  readonly tlp: Tlp
  readonly pap: Pap
  /** Organisation ids and `community:<id>`; the reader's own and, for the originator, all. */
  readonly audience: readonly string[]
  /** For the originator only. */
  readonly people: readonly string[]
  readonly releasableTo?: readonly string[]
  readonly notReleasableTo?: readonly string[]
  readonly lawEnforcement: LawEnforcementUse
  readonly personalData: boolean
  /** For the originator only, and only where others are not told who that is. */
  readonly attribution?: 'anonymous'
  readonly expiresAt?: string
}

export interface ReleasedObservable {
  readonly type: string
  /** Canonical form; the masked digest when the indicator is masked. */
  readonly value: string
}

/**
 * An indicator as one reader may have it. Codecs encode nothing else, and `policy/release.ts` alone makes it:
 * the brand has no value, so no other file can without a cast (a test looks for casts).
 */
export interface Released {
  readonly [released]: true
  /** STIX indicator id. */
  readonly id: string
  readonly version: number
  readonly status: 'active' | 'recalled'
  /** Absent when the originator stays anonymous to this reader; then `alias` stands for it. */
  readonly originator?: { readonly id: string; readonly name: string; readonly jurisdiction: string }
  readonly alias?: string
  readonly type: string
  /** Canonical value; a keyed digest when `masked`. */
  readonly value: string
  readonly masked: boolean
  readonly observables: readonly ReleasedObservable[]
  readonly name?: string
  readonly description?: string
  readonly class?: RsitClass
  readonly classType?: RsitType
  readonly confidence?: number
  readonly labels: readonly string[]
  readonly created: string
  readonly modified: string
  /** When this node made it visible; milliseconds. */
  readonly dateAdded: string
  readonly validFrom: string
  readonly validUntil?: string
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly network?: {
    readonly asn?: number
    readonly country?: string
  }
  readonly handling: ReleasedHandling
  /** The STIX 2.1 indicator object as JSON text, TLP 2.0 markings in it; ready for the wire. */
  readonly stix: string
}

/**
 * One value that a reader may put into a blocking output: never masked, and never of a handling whose PAP or TLP keeps it from one.
 * Codecs of blocklists encode nothing else, and `policy/release.ts` alone makes it.
 */
export interface Blockable {
  readonly [blockable]: true
  readonly type: string
  /** Canonical. */
  readonly value: string
  readonly tlp: Tlp
  readonly class?: RsitType
  /** 0–100. */
  readonly confidence?: number
  readonly validUntil?: string
}

/**
 * A STIX object that is no indicator, as one reader may have it: what it names is there for that reader. Codecs encode nothing else, and
 * `policy/release-object.ts` alone makes it.
 */
export interface ReleasedObject {
  readonly [releasedObject]: true
  /** `<type>--<uuid>`. */
  readonly id: string
  readonly type: string
  readonly version: number
  readonly change: 'published' | 'revised' | 'narrowed' | 'recalled'
  readonly status: 'active' | 'recalled'
  /** Absent when the originator stays anonymous to this reader; then `alias` stands for it. */
  readonly originator?: { readonly id: string; readonly name: string; readonly jurisdiction: string }
  readonly alias?: string
  /** Absent where the type has no such property. */
  readonly created?: string
  readonly modified?: string
  /** When this node made it visible; milliseconds. */
  readonly dateAdded: string
  readonly handling: ReleasedHandling
  /** The STIX 2.1 object as JSON text, TLP 2.0 markings in it; ready for the wire. */
  readonly stix: string
}
