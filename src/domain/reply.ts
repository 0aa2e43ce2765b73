/** What a reader of an indicator and its source say to each other through the node (ADR 35). */
export interface Reply {
  readonly id: string
  /** STIX id of what it is about. */
  readonly indicator: string
  /** What the replier knows of the source: an alias, or an organisation id where it is named. */
  readonly source: string
  /** Organisation id. */
  readonly replier: string
  readonly createdAt: string
  /** Whether the last word is the other's. */
  readonly waiting: boolean
}

export type ReplySide = 'replier' | 'source'

export interface ReplyMessage {
  readonly from: ReplySide
  /** Absent where the source stays anonymous to the reader. */
  readonly account?: string
  readonly text: string
  /** ISO 8601. */
  readonly at: string
}
