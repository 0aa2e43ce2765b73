import type { LawEnforcementUse } from './handling.ts'
import type { Jurisdiction } from './jurisdiction.ts'
import type { Tlp } from './tlp.ts'

/** What a reader asks an originator for; at least one member. */
export interface Wanted {
  /** Another label, less strict than the one that the reader sees. */
  readonly tlp?: Tlp
  /** Organisation ids and `community:<id>`, beside those that have it. */
  readonly audience?: readonly string[]
  readonly releasableTo?: readonly Jurisdiction[]
  readonly lawEnforcement?: LawEnforcementUse
}

/** `lapsed`: nobody answered in time. `failed`: the originator's node did not take it. */
export const wideningStates = ['open', 'accepted', 'refused', 'withdrawn', 'lapsed', 'failed'] as const
export type WideningState = (typeof wideningStates)[number]

/** Whether the caller asked, or is of the organisation that is asked. */
export const wideningSides = ['asked', 'received'] as const
export type WideningSide = (typeof wideningSides)[number]

/** A request to widen an indicator, as this node keeps it. Times are ISO 8601 UTC. */
export interface WideningRequest {
  readonly id: string
  /** Organisation that asks. */
  readonly asker: string
  /** Its account, where it asked here. */
  readonly account?: string
  /** Node that it came from, where that is another. */
  readonly receivedFrom?: string
  /** Node at which the originator is at home, where that is another. */
  readonly sentTo?: string
  readonly originator: string
  /** STIX id of the indicator. */
  readonly indicator: string
  /** The version that the asker saw. */
  readonly version: number
  /** Whether the asker was told who the originator is. */
  readonly sourceShown: boolean
  readonly wanted: Wanted
  readonly reason: string
  readonly state: WideningState
  readonly askedAt: string
  readonly closedAt?: string
  readonly note: string
  /** The version that widened it. */
  readonly widenedVersion?: number
  /** Why the originator's node did not take it. */
  readonly failure?: string
  /** Whether the other node has still to be told the last of it. */
  readonly waiting: boolean
}

/** A request as one of its two sides may have it. */
export interface ShownWidening {
  readonly id: string
  readonly side: WideningSide
  readonly indicator: string
  readonly version: number
  /** Absent where the originator stays anonymous to the asker. */
  readonly originator?: string
  readonly asker: string
  readonly wanted: Wanted
  readonly reason: string
  readonly state: WideningState
  readonly askedAt: string
  readonly closedAt?: string
  /** What the originator said. */
  readonly note?: string
  readonly widenedVersion?: number
  /** Whether the other side's node was told the last of it; absent where that would tell of an anonymous source. */
  readonly delivered?: boolean
  readonly failure?: string
}

/** What one node tells another of a request: what is asked there, or that it is asked no more. */
export interface WideningAsked {
  readonly kind: 'request'
  readonly id: string
  readonly indicator: string
  readonly originator: string
  readonly version: number
  readonly asker: string
  readonly wanted: Wanted
  readonly reason: string
  readonly withdrawn: boolean
}

/** What the originator's node answers. */
export interface WideningAnswered {
  readonly kind: 'answer'
  readonly id: string
  readonly outcome: 'accepted' | 'refused' | 'lapsed'
  readonly note: string
  readonly version?: number
}

export type WideningMessage = WideningAsked | WideningAnswered

/** Why a node does not take such a message. */
export const wideningRefusals = ['asker_not_homed', 'unknown', 'invalid'] as const

/** What became of it at the other node: `busy` is to be tried again. */
export interface TakenWidening {
  readonly id: string
  readonly outcome: 'taken' | 'known' | 'busy' | 'refused'
  readonly code?: (typeof wideningRefusals)[number]
}
