import type { Tlp } from './tlp.ts'

/** What a partner may be asked to do about indicators. */
export const assistanceKinds = ['takedown', 'preservation', 'information'] as const
export type AssistanceKind = (typeof assistanceKinds)[number]

export const assistanceStates = ['asked', 'accepted', 'declined', 'answered', 'closed', 'withdrawn', 'expired'] as const
export type AssistanceState = (typeof assistanceStates)[number]

export const assistanceSteps = ['ask', 'accept', 'decline', 'answer', 'close', 'withdraw', 'note', 'expire'] as const
export type AssistanceStepName = (typeof assistanceSteps)[number]

/** The two sides, and the clock. */
export type AssistanceSide = 'asker' | 'addressee' | 'clock'

/** Labels that may be given to it: nothing wider than the two organisations. */
export const assistanceTlps = ['amber', 'amber+strict', 'red'] as const satisfies readonly Tlp[]
export type AssistanceTlp = (typeof assistanceTlps)[number]

export interface AssistanceStep {
  readonly step: AssistanceStepName
  readonly side: AssistanceSide
  /** Absent where the clock did it. */
  readonly account?: string
  readonly text: string
  /** ISO 8601. */
  readonly at: string
}

/** One asking, as it is now. */
export interface Assistance {
  readonly id: string
  readonly kind: AssistanceKind
  /** Organisation ids. */
  readonly from: string
  readonly to: string
  readonly state: AssistanceState
  /** Until when it is asked for; ISO 8601. */
  readonly dueAt: string
  /** How many steps were taken: what a change may be based on. */
  readonly version: number
  readonly createdAt: string
}

interface StepFacts {
  readonly by: AssistanceSide | 'both'
  readonly from: readonly AssistanceState[]
  /** Absent where the state stays. */
  readonly to?: AssistanceState
  /** Whether it says something. */
  readonly says: boolean
}

/** Who takes which step, from where, and what becomes of it. */
export const assistanceStepFacts: Readonly<Record<AssistanceStepName, StepFacts>> = {
  ask: { by: 'asker', from: [], to: 'asked', says: true },
  accept: { by: 'addressee', from: ['asked'], to: 'accepted', says: false },
  decline: { by: 'addressee', from: ['asked', 'accepted'], to: 'declined', says: true },
  answer: { by: 'addressee', from: ['accepted', 'answered'], to: 'answered', says: true },
  close: { by: 'asker', from: ['answered'], to: 'closed', says: false },
  withdraw: { by: 'asker', from: ['asked', 'accepted'], to: 'withdrawn', says: false },
  note: { by: 'both', from: ['asked', 'accepted', 'answered'], says: true },
  expire: { by: 'clock', from: ['asked'], to: 'expired', says: false },
}

/** Whether the state has this step. What nobody took up by its time can only be withdrawn, whether the clock has said so or not. */
export function mayTakeAssistanceStep(known: Assistance, step: AssistanceStepName, now: Date): boolean {
  const lapsed = known.state === 'asked' && Date.parse(known.dueAt) <= now.getTime()
  if (lapsed && step !== 'expire' && step !== 'withdraw') return false
  return assistanceStepFacts[step].from.includes(known.state)
}

/** Whether its time is over and nothing was answered. */
export const isOverdue = ({ state, dueAt }: Pick<Assistance, 'state' | 'dueAt'>, now: Date): boolean =>
  (state === 'asked' || state === 'accepted') && Date.parse(dueAt) <= now.getTime()
