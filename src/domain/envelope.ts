import type { Handling } from './handling.ts'
import type { Observable } from './observables/observable.ts'
import type { RsitType } from './rsit.ts'
import type { SightingType } from './sighting.ts'

/** What an entry of the feed between nodes says (docs/federation.md). */
export const envelopeKinds = [
  'published',
  'revised',
  'narrowed',
  'recalled',
  'sighted',
  'membership',
  'checkpoint',
] as const
export type EnvelopeKind = (typeof envelopeKinds)[number]

/** An indicator, whole. What its STIX text says (name, labels, times …) is not said again beside it. */
export interface IndicatorContent {
  readonly kind: 'published' | 'revised' | 'narrowed'
  /** The STIX 2.1 indicator object as text. */
  readonly stix: string
  /** Canonical; the first is the indicator's own, the others are its further parts. */
  readonly observables: readonly [Observable, ...Observable[]]
  readonly compound: boolean
  readonly class?: RsitType
  readonly firstSeen?: string
  readonly lastSeen?: string
}

/** The bare form of a version that narrows, for those who had an earlier one and may not have this: let go of it. */
export interface Withdrawal {
  readonly kind: 'narrowed'
}

/** A tombstone. */
export interface Tombstone {
  readonly kind: 'recalled'
  readonly reason: string
}

/** What an organisation, the originator of the envelope, reports of an indicator. */
export interface SightedContent {
  readonly kind: 'sighted'
  readonly of: { readonly originator: string; readonly id: string }
  readonly type: SightingType
  readonly count: number
  readonly firstSeen: string
  readonly lastSeen: string
}

/** An organisation left a community that the sealing node keeps. */
export interface MembershipContent {
  readonly kind: 'membership'
  readonly community: string
  readonly organisation: string
  readonly leftAt: string
}

/** A heartbeat of a node, with the head of its checkpoint log. */
export interface CheckpointContent {
  readonly kind: 'checkpoint'
  /** How many periods the log has: it counts time, never items. */
  readonly size: number
  /** 32 bytes, base64url. */
  readonly root: string
  /** The newest head of its audit log; absent before the first. */
  readonly audit?: {
    /** `name+id+key` (C2SP signed-note). */
    readonly key: string
    /** The signed head (C2SP tlog-checkpoint), whole. */
    readonly note: string
  }
  readonly expiresAt: string
}

export type EnvelopeContent =
  | IndicatorContent
  | Withdrawal
  | Tombstone
  | SightedContent
  | MembershipContent
  | CheckpointContent

/** One version of one thing, as its originating node sealed it. Times are ISO 8601 UTC with milliseconds. */
export interface Envelope<Content extends EnvelopeContent = EnvelopeContent> {
  readonly v: 1
  /** `indicator--`, `sighting--`, `membership--` or `checkpoint--` and a UUID; unique for its originator. */
  readonly id: string
  /** From 1. */
  readonly version: number
  /** The version that this one follows; 0 for the first. */
  readonly previousVersion: number
  /** Organisation id. */
  readonly originator: string
  /** The sealing node's id, a UUID. */
  readonly node: string
  /** The feed epoch of that node, a UUID: another one after a restored backup. */
  readonly epoch: string
  readonly issuedAt: string
  /** Null where there is no content to handle: tombstones, withdrawals, memberships, checkpoints. */
  readonly handling: Handling | null
  readonly content: Content
}

/** Whether it carries an indicator. */
export const isWhole = (envelope: Envelope): envelope is Envelope<IndicatorContent> => 'stix' in envelope.content

/** Whether it is a withdrawal: the form without content of a version under another handling. */
export const isBare = ({ content }: Envelope): boolean => content.kind === 'narrowed' && !('stix' in content)

/** Whether it only takes away: it needs no gap declared and no clock waited for. */
export const onlyNarrows = (envelope: Envelope): boolean =>
  envelope.content.kind === 'recalled' || envelope.content.kind === 'membership' || isBare(envelope)

/** The prefix of ids of what a kind is about. */
export const idPrefixes: Readonly<Record<EnvelopeKind, string>> = {
  published: 'indicator--',
  revised: 'indicator--',
  narrowed: 'indicator--',
  recalled: 'indicator--',
  sighted: 'sighting--',
  membership: 'membership--',
  checkpoint: 'checkpoint--',
}

/** A relay's note that it passed something on. Unsigned: the sender vouches for its own, the others are hearsay. */
export interface Hop {
  /** The relay. */
  readonly node: string
  /** Whom it had it from. */
  readonly from: string
  readonly at: string
}

/** That the sender leaves out versions, since the receiver may not have them or it has not itself. */
export interface Gap {
  /** The last version before the gap; 0 when there is none. */
  readonly from: number
}
