export const attributionStates = ['asked', 'approved', 'refused', 'withdrawn', 'expired'] as const
/** How far it has come that somebody asks who a source is. */
export type AttributionState = (typeof attributionStates)[number]

/** Who decides: a policy officer of the node, and an approver of the source. */
export const attributionDeciders = ['node', 'source'] as const
export type AttributionDecider = (typeof attributionDeciders)[number]

export type AttributionSide = 'requester' | 'clock' | AttributionDecider

export interface AttributionStep {
  readonly step: 'ask' | 'approve' | 'refuse' | 'withdraw' | 'expire'
  readonly side: AttributionSide
  /** Absent where the clock did it. */
  readonly account?: string
  readonly note: string
  /** ISO 8601. */
  readonly at: string
}

/** A request to be told who the source of an indicator is, as the node keeps it. */
export interface AttributionRequest {
  readonly id: string
  /** Account that asked, and its organisation. */
  readonly account: string
  readonly organisation: string
  /** The source. */
  readonly originator: string
  /** STIX id of the indicator, and what the asker saw in place of the source. */
  readonly indicator: string
  readonly alias: string
  readonly reason: string
  readonly state: AttributionState
  readonly createdAt: string
  /** Until when it can be decided. */
  readonly expiresAt: string
  readonly steps: readonly AttributionStep[]
}

/** What the decisions so far make of it: one refusal is enough, and so are two approvals. */
export function attributionStateOf(steps: readonly AttributionStep[]): AttributionState {
  if (steps.some(({ step }) => step === 'refuse')) return 'refused'
  const approved = (side: AttributionDecider) => steps.some((each) => each.step === 'approve' && each.side === side)
  return attributionDeciders.every(approved) ? 'approved' : 'asked'
}
