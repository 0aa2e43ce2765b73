import type { Jurisdiction } from './jurisdiction.ts'
import type { HandlingCode, Offence, Urgency } from './legal-words.ts'

/** What a request covers; members join by AND, items of a member by OR. Originators, and something that narrows: never empty. */
export interface LegalScope {
  /** Organisation ids: whose indicators. */
  readonly originators: readonly string[]
  readonly types?: readonly string[]
  /** Values exactly, in any accepted spelling. */
  readonly values?: readonly string[]
  /** RSIT classes or types. */
  readonly classes?: readonly string[]
  readonly countries?: readonly string[]
  readonly asns?: readonly number[]
  /** CIDR: what lies in it. */
  readonly network?: string
  /** A domain and everything under it. */
  readonly domain?: string
  /** ISO 8601, on `dateAdded`: since (inclusive), until (exclusive). */
  readonly since?: string
  readonly until?: string
}

/** What a liaison says when it drafts one. */
export interface LegalRequestText {
  readonly instrument: string
  /** Of the order or treaty: article, docket, date. */
  readonly citation: string
  /** Who issued it. */
  readonly authority: string
  readonly caseReference: string
  readonly offence: Offence
  readonly requestingJurisdiction: Jurisdiction
  readonly facts: string
  readonly necessity: string
  readonly scope: LegalScope
  readonly handlingCode?: HandlingCode
  readonly urgency: Urgency
  /** ISO 8601. From then on it gives nothing. */
  readonly expiresAt: string
  /** ISO 8601. Until then originators are not told of it. */
  readonly confidentialUntil?: string
}

export const legalStates = [
  'draft',
  'filed',
  'under-review',
  'approved',
  'refused',
  'fulfilled',
  'closed',
  'expired',
  'withdrawn',
  'clawed-back',
] as const
export type LegalState = (typeof legalStates)[number]

export const legalSteps = [
  'draft',
  'amend',
  'file',
  'review',
  'approve',
  'refuse',
  'withdraw',
  'close',
  'note',
  'expire',
  'fulfil',
  'claw-back',
  'confirm',
] as const
export type LegalStepName = (typeof legalSteps)[number]

/** What whoever could decide for both names. */
export const decidingSides = ['node', 'originator'] as const
export type DecidingSide = (typeof decidingSides)[number]

/** On whose part a step was taken: `liaison`, `node`, `clock`, or the id of an originator as `originator:<id>`. */
export type Side = 'liaison' | 'node' | 'clock' | `originator:${string}`

export interface LegalStep {
  readonly step: LegalStepName
  readonly side: Side
  /** Absent where the clock did it. */
  readonly account?: string
  readonly note: string
  /** ISO 8601. */
  readonly at: string
}

export interface LegalRequest extends LegalRequestText {
  readonly id: string
  /** Account that drafted it, and alone reads under it. */
  readonly liaison: string
  readonly state: LegalState
  /** Originators that consent to what they give on request. */
  readonly consents: readonly string[]
  readonly createdAt: string
  readonly filedAt?: string
  readonly approvedAt?: string
  /** The request of preservation whose hold it goes on with. */
  readonly renews?: string
  readonly steps: readonly LegalStep[]
}

/** From which states a step may be taken. What is over stays over, and can still be annotated. */
const takenFrom: Readonly<Record<LegalStepName, readonly LegalState[]>> = {
  draft: [],
  amend: ['draft'],
  file: ['draft'],
  review: ['filed'],
  approve: ['filed', 'under-review', 'approved', 'fulfilled'],
  refuse: ['filed', 'under-review', 'approved', 'fulfilled'],
  withdraw: ['draft', 'filed', 'under-review', 'approved'],
  close: ['approved', 'fulfilled'],
  note: legalStates,
  expire: ['draft', 'filed', 'under-review', 'approved', 'fulfilled'],
  fulfil: ['approved'],
  'claw-back': ['approved', 'fulfilled', 'closed', 'expired'],
  // Nothing but the liaison's word ends what was taken back.
  confirm: ['clawed-back'],
}

export const mayFollow = (state: LegalState, step: LegalStepName): boolean => takenFrom[step].includes(state)

/** States in which a request gives something, until it expires. */
export const givingStates: readonly LegalState[] = ['approved', 'fulfilled']

/** The last word of each side that has decided. */
export function decisionsOf(steps: readonly LegalStep[]): ReadonlyMap<Side, LegalStep> {
  const decisions = new Map<Side, LegalStep>()
  for (const step of steps) if (step.step === 'approve' || step.step === 'refuse') decisions.set(step.side, step)
  return decisions
}

/** Originators in the scope whose last word was consent, sorted. */
export function consentsOf(scope: LegalScope, steps: readonly LegalStep[]): string[] {
  const decisions = decisionsOf(steps)
  return scope.originators.filter((id) => decisions.get(`originator:${id}`)?.step === 'approve').sort()
}

/**
 * What a request under review has become by the decisions so far. The node's word is needed, and that of one originator at least
 * where any of them gives something on request; whoever has not consented is not covered.
 * @param asked originators in the scope whose consent matters
 */
export function stateAfterDecisions(
  scope: LegalScope,
  steps: readonly LegalStep[],
  asked: readonly string[],
): 'under-review' | 'approved' | 'refused' {
  const decisions = decisionsOf(steps)
  const of = (id: string) => decisions.get(`originator:${id}`)?.step
  if (decisions.get('node')?.step === 'refuse') return 'refused'
  if (scope.originators.every((id) => of(id) === 'refuse')) return 'refused'
  if (decisions.get('node')?.step !== 'approve') return 'under-review'
  return asked.length === 0 || asked.some((id) => of(id) === 'approve') ? 'approved' : 'under-review'
}

/** Whether originators are told of it at this instant. */
export const isConfidential = ({ confidentialUntil }: Pick<LegalRequest, 'confidentialUntil'>, at: Date): boolean =>
  confidentialUntil !== undefined && at.getTime() < Date.parse(confidentialUntil)
