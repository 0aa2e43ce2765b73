import type { Position } from './errors.ts'
import type { HandlingInput } from './handling.ts'
import type { Released, ReleasedHandling } from './released.ts'

/** What a MISP event says of itself, as it is kept. Names are MISP's (misp-core-format). */
export interface EventBody {
  readonly info: string
  /** `YYYY-MM-DD`. */
  readonly date?: string
  /** 1 high … 4 undefined. */
  readonly threatLevel?: number
  /** 0 initial, 1 ongoing, 2 complete. */
  readonly analysis?: number
  readonly published?: boolean
  /** Seconds since 1970. */
  readonly publishTimestamp?: number
  readonly extends?: string
  /** Whoever made the event, by its own words. */
  readonly creator?: { readonly name: string; readonly uuid?: string }
  /** Names of tags, without those about handling. */
  readonly tags: readonly string[]
}

/** The frame of a MISP object, without its attributes. */
export interface ObjectBody {
  readonly name: string
  readonly metaCategory?: string
  readonly description?: string
  readonly templateUuid?: string
  readonly templateVersion?: string
  readonly comment?: string
  readonly timestamp?: number
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly references: readonly {
    readonly uuid: string
    readonly to: string
    readonly type: string
    readonly comment?: string
  }[]
}

/** An attribute that is no indicator: a comment, a link, a size. */
export interface ContextBody {
  readonly type: string
  readonly category?: string
  readonly relation?: string
  readonly value: string
  readonly comment?: string
  readonly toIds: boolean
  readonly timestamp?: number
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly tags: readonly string[]
}

/** What MISP calls an attribute that is an indicator, or a part of one. Nothing of its content: that is the indicator's. */
export interface AttributeFacts {
  readonly type: string
  readonly category?: string
  readonly relation?: string
  readonly toIds: boolean
  /** Which of the indicator's observables it holds. */
  readonly values: readonly number[]
}

/** Where in an event something stands. */
interface Place {
  /** UUID of the event. */
  readonly event: string
  /** UUID of the object around it. */
  readonly object?: string
  /** Order within the event. */
  readonly ordinal: number
}

export interface AttributePart extends Place {
  /** Absent when the input has none: the node then derives one. */
  readonly uuid?: string
  readonly facts: AttributeFacts
}

/** What a codec makes of an event beside indicators; each has a handling of its own. */
export type Kept =
  | {
      readonly kind: 'event'
      readonly position: Position
      readonly handling: HandlingInput
      readonly uuid: string
      /** ISO 8601. */
      readonly modified?: string
      readonly body: EventBody
    }
  | (Place & {
      readonly kind: 'object'
      readonly position: Position
      readonly handling: HandlingInput
      readonly uuid: string
      readonly body: ObjectBody
    })
  | (Place & {
      readonly kind: 'context'
      readonly position: Position
      readonly handling: HandlingInput
      readonly uuid?: string
      readonly personalData: boolean
      readonly deleted: boolean
      readonly body: ContextBody
    })

/** Frames and context as they are kept with their event, and the event itself. */
export type KeptOf<Kind extends Kept['kind']> = Extract<Kept, { readonly kind: Kind }>

declare const releasedEvent: unique symbol

/**
 * An event as one reader may have it: `policy/release-event.ts` alone makes it. What the reader may not see is not in it, and does
 * not count.
 */
export interface ReleasedEvent {
  readonly [releasedEvent]: true
  readonly uuid: string
  readonly originator?: NonNullable<Released['originator']>
  readonly alias?: string
  readonly handling: ReleasedHandling
  readonly body: EventBody
  /** ISO 8601: when the event, or something of it that the reader may see, was changed last. */
  readonly modified: string
  readonly objects: readonly { readonly uuid: string; readonly handling: ReleasedHandling; readonly body: ObjectBody }[]
  /** Of the event itself: what it was read in; a change may be held to it. Told to nobody. */
  readonly revision: string
  readonly attributes: readonly ReleasedAttribute[]
  /** True where there is more of it that the reader may see than is read at once. */
  readonly cut?: true
}

export type ReleasedAttribute = { readonly uuid: string; readonly object?: string } & (
  | { readonly indicator: Released; readonly facts: AttributeFacts }
  | { readonly context: ContextBody; readonly handling: ReleasedHandling; readonly revision: string }
)
