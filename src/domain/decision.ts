/** The rules of the policy, in order. */
export const ruleIds = [
  'own',
  'expired',
  'unknown',
  'tlp.clear',
  'tlp.green',
  'tlp.amber',
  'tlp.amber-strict',
  'tlp.red',
  'jurisdiction.excluded',
  'jurisdiction.agreement',
  'jurisdiction.redact',
  'purpose.le',
] as const
export type RuleId = (typeof ruleIds)[number]

export type Effect = 'permit' | 'redact' | 'deny'

/** What one rule said, with a sentence a person can read. */
export interface RuleFinding {
  readonly id: RuleId
  /** TLP 2.0, an agreement's citation, or the document the rule comes from. */
  readonly source: string
  readonly outcome: Effect
  readonly sentence: string
  /** The agreement the finding rests on. */
  readonly agreement?: string
  /** The legal request the finding rests on. */
  readonly request?: string
}

/** What the reader must do or not do with what was permitted. */
export interface Obligation {
  readonly id: 'tlp' | 'pap' | 'masked' | 'attribution' | 'agreement' | 'request'
  readonly sentence: string
}

/** The answer of the policy for one reader and one handling. */
export interface Decision {
  readonly effect: Effect
  /** The rule that decided: the first refusal, or the last permission that mattered. */
  readonly reason: RuleId
  /** Every rule that was asked, in order, up to and including the first refusal. */
  readonly rules: readonly RuleFinding[]
  readonly obligations: readonly Obligation[]
  /** ISO 8601: the decision may differ from this instant on; absent when time alone cannot change it. */
  readonly expiresAt?: string
}
