import type { Envelope } from './envelope.ts'
import type { Handling } from './handling.ts'

/** Why an envelope was not applied; `docs/federation.md` has a row for each. A code is for ever. */
export const refusalCodes = [
  // size and form
  'too_large',
  'malformed',
  'form_unknown',
  'handling_invalid',
  'red_travels_not',
  // seal and path
  'seal_invalid',
  'path_invalid',
  'seal_mismatch',
  // the originating node and its key
  'node_unknown',
  'node_expelled',
  'node_suspended',
  'key_unknown',
  'key_not_yet_valid',
  'key_revoked',
  'key_revoked_later',
  // who may say it
  'originator_not_homed',
  'community_not_kept',
  // for whom, and by which way
  'loop',
  'hops_invalid',
  'destination',
  'target_unknown',
  // versions
  'issued_in_future',
  'version_outdated',
  'version_conflict',
  'version_jump',
  'epoch_conflict',
  'equivocation',
  // tombstones
  'recalled',
  // our own policy
  'policy_failed',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

/** What an envelope does where it is applied. */
export type Effect = 'indicator' | 'withdrawal' | 'tombstone' | 'sighting' | 'membership' | 'checkpoint'

export interface Applied {
  readonly outcome: 'applied' | 'narrowed'
  readonly effect: Effect
  readonly envelope: Envelope
  /** Leaf hash of the exact bytes (RFC 6962), 32 bytes. */
  readonly digest: Buffer
  /** What is to be kept to here: the sealed handling, or a narrower one. Null where there is no content. */
  readonly handling: Handling | null
}

/** What was applied before. It changes nothing, and is no fault of anybody. */
export interface Known {
  readonly outcome: 'known'
}

/** What an envelope was called, by its own word: unproven where it was refused before its seal was good. */
export type Named = Pick<Envelope, 'node' | 'originator' | 'id' | 'version'>

/** Authentic, and not to be applied now: kept with its bytes, and examined again by time, after another version, or by the operator. */
export interface Quarantined {
  readonly outcome: 'quarantined'
  readonly code: RefusalCode
  readonly detail: string
  readonly retry: { readonly at: string } | 'version' | 'target' | 'operator'
  readonly about?: Named
}

/** Never to be applied. Of `destination` nothing is kept but what it was called. */
export interface Refused {
  readonly outcome: 'refused'
  readonly code: RefusalCode
  readonly detail: string
  /** Absent where it could not be read. */
  readonly about?: Named
}

export type Verdict = Applied | Known | Quarantined | Refused

export const refused = (code: RefusalCode, detail: string): Refused => ({ outcome: 'refused', code, detail })

export const quarantined = (code: RefusalCode, detail: string, retry: Quarantined['retry']): Quarantined => ({
  outcome: 'quarantined',
  code,
  detail,
  retry,
})
