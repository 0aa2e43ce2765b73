import type { DraftFormat } from './draft.ts'
import type { Observable } from './observables/observable.ts'
import type { RsitType } from './rsit.ts'

/** One originator's assertion as this node keeps it. Times are ISO 8601 UTC. */
export interface Indicator {
  readonly originator: string
  /** STIX id, `indicator--<uuid>`; unique per originator. */
  readonly id: string
  readonly version: number
  readonly handlingId: number
  readonly type: string
  readonly value: string
  readonly compound: boolean
  readonly observables: readonly Observable[]
  readonly name?: string
  readonly description?: string
  readonly class?: RsitType
  readonly confidence?: number
  readonly labels: readonly string[]
  readonly asn?: number
  readonly country?: string
  readonly created: string
  readonly modified: string
  readonly validFrom: string
  readonly validUntil?: string
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly recalled: boolean
  /** STIX 2.1 indicator object, ready for the wire. */
  readonly stix: string
  readonly format: DraftFormat
  /** Microseconds; strictly increasing over the node. */
  readonly dateAdded: string
  /** Place in the node's feed. Never shown to readers. */
  readonly position: bigint
}

/** One step in an indicator's life, as `history` tells it. */
export interface IndicatorVersion {
  readonly version: number
  readonly change: 'published' | 'revised' | 'narrowed' | 'recalled'
  readonly modified: string
  readonly dateAdded: string
  readonly handlingId: number
  readonly stix: string
  /** The place that it had in the node's feed. Never shown to readers. */
  readonly position: bigint
}
