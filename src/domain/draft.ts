import type { Position, RecordFault } from './errors.ts'
import type { HandlingInput } from './handling.ts'
import type { AttributePart, Kept } from './misp-event.ts'
import type { Observable } from './observables/observable.ts'
import type { RsitType } from './rsit.ts'

/**
 * What a codec makes of one record: everything about the indicator except who may see it by the publisher's defaults,
 * who published it and when. Times are ISO 8601 UTC.
 */
export interface Draft {
  readonly position: Position
  /** STIX id as received; absent when the input has none (the node then derives one from originator and value). */
  readonly id?: string
  /** STIX `modified` as received: the version. Absent when the input has no versions (then content decides). */
  readonly modified?: string
  readonly created?: string
  /** The observable it is about; the first is the indicator's own value, the rest are its other parts. */
  readonly observables: readonly [Observable, ...Observable[]]
  /** True when the observables are parts of a pattern that cannot be masked or reduced to one value. */
  readonly compound: boolean
  readonly name?: string
  readonly description?: string
  /** STIX pattern as received; absent when the node writes it from the observables. */
  readonly pattern?: string
  readonly patternType?: string
  readonly class?: RsitType
  /** 0–100, STIX 2.1 confidence. */
  readonly confidence?: number
  readonly labels: readonly string[]
  readonly validFrom?: string
  readonly validUntil?: string
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly revoked?: boolean
  /**
   * Of an event: what was found about its observables (class, family, report …). Other findings about the same ones are other
   * indicators, and of several events of one finding the latest stands (ADR 21). Absent on everything that is no event.
   */
  readonly finding?: string
  /** Of MISP: the attributes of an event that it is made of. */
  readonly parts?: readonly AttributePart[]
  readonly handling: HandlingInput
  /** The record exactly as received (UTF-8 text of the STIX object, MISP attribute, CSV line …). */
  readonly received: string
  /** Of a STIX object: what `received` says, as it was read. */
  readonly object?: Readonly<Record<string, unknown>>
  readonly format: DraftFormat
}

export const draftFormats = [
  'puente',
  'stix',
  'misp',
  'csv',
  'cap',
  'shadowserver',
  'intelmq',
  'n6',
  'openioc',
] as const
export type DraftFormat = (typeof draftFormats)[number]

/** What a codec makes of a STIX object that is no indicator. Times are ISO 8601 UTC. */
export interface ObjectDraft {
  readonly position: Position
  /** `<type>--<uuid>`. */
  readonly id: string
  readonly type: string
  readonly created?: string
  /** The version; absent where the type has none (then the content decides). */
  readonly modified?: string
  readonly revoked?: boolean
  readonly personalData: boolean
  readonly handling: HandlingInput
  /** The object exactly as received. */
  readonly received: string
  /** It stands beside a draft of the same record, which is the one that is counted. */
  readonly beside?: true
  /** Read for those that refer to it: without a label of its own it is not kept, and that is no fault. */
  readonly background?: true
}

/**
 * What a decoder yields: a draft, an object (ADR 23), a fault at its position, or what is kept beside indicators (ADR 24). One bad record
 * never stops a stream.
 */
export type Decoded =
  | { readonly draft: Draft }
  | { readonly object: ObjectDraft }
  | { readonly fault: RecordFault }
  | { readonly kept: Kept }
