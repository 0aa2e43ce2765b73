import type { Handling } from './handling.ts'
import type { Tlp } from './tlp.ts'

/** What people write to each other about indicators: it ends, where indicators expire. */
export const wordTypes = ['assistance', 'reply', 'attribution-request'] as const
export type WordType = (typeof wordTypes)[number]

/**
 * For how long something is kept after its sharing ended or it was recalled. What is absent matches everything; the first rule that
 * matches counts, and what no rule matches is kept.
 */
export interface RetentionRule {
  readonly tlp?: readonly Tlp[]
  /** Types of indicators and STIX objects, `misp-event`, and those of what people write to each other. */
  readonly types?: readonly string[]
  readonly personalData?: boolean
  /** Days; at least one of the two. */
  readonly afterExpiryDays?: number
  readonly afterRecallDays?: number
}

/** A rule as it is asked of rows: under which handlings, of which types, and of which not since an earlier rule has them. */
export interface RetentionDuty {
  /** Place of the rule, from 0. */
  readonly rule: number
  /** Handlings under which it goes so long after a recall; that many days. */
  readonly handlings: readonly number[]
  readonly afterRecallDays?: number
  /** Words under one of them go so many days after they ended. */
  readonly afterExpiryDays?: number
  /** Those of them whose sharing ended long enough ago. */
  readonly over: readonly number[]
  readonly types?: readonly string[]
  readonly notTypes: readonly string[]
}

const dayMs = 86_400_000

/** What the rules ask for at this instant. @param handlings by id; those that nobody knows are passed over */
export function dutiesOf(
  rules: readonly RetentionRule[],
  handlings: Iterable<readonly [id: number, handling: Handling]>,
  at: Date,
): RetentionDuty[] {
  // Handlings that the same rules match are asked for together.
  const groups = new Map<string, (readonly [number, Handling])[]>()
  for (const each of handlings) {
    const matching = rules.flatMap((rule, n) => (matches(rule, each[1]) ? [n] : []))
    if (matching.length === 0) continue
    const key = matching.join(' ')
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  return [...groups].flatMap(([key, group]) => dutiesOfGroup(rules, key.split(' ').map(Number), group, at))
}

const matches = ({ tlp, personalData }: RetentionRule, handling: Handling): boolean =>
  (tlp === undefined || tlp.includes(handling.tlp)) &&
  (personalData === undefined || personalData === handling.personalData)

function dutiesOfGroup(
  rules: readonly RetentionRule[],
  matching: readonly number[],
  group: readonly (readonly [number, Handling])[],
  at: Date,
): RetentionDuty[] {
  const duties: RetentionDuty[] = []
  const taken: string[] = []
  for (const rule of matching) {
    const { types, afterExpiryDays, afterRecallDays } = rules[rule] ?? {}
    const over = group.filter(([, handling]) => isOver(handling, afterExpiryDays, at)).map(([id]) => id)
    duties.push({
      rule,
      handlings: group.map(([id]) => id),
      over,
      notTypes: [...taken],
      ...(types === undefined ? {} : { types }),
      ...(afterRecallDays === undefined ? {} : { afterRecallDays }),
      ...(afterExpiryDays === undefined ? {} : { afterExpiryDays }),
    })
    // Nothing is left for the rules after one that has every type.
    if (types === undefined) break
    taken.push(...types)
  }
  return duties
}

const isOver = ({ expiresAt }: Handling, days: number | undefined, at: Date): boolean =>
  days !== undefined && expiresAt !== undefined && Date.parse(expiresAt) + days * dayMs <= at.getTime()

/** The kinds of words that a duty is about; none where it counts from a recall alone. */
export const wordsOf = ({ types, notTypes, afterExpiryDays }: RetentionDuty): WordType[] =>
  afterExpiryDays === undefined
    ? []
    : wordTypes.filter((type) => (types === undefined || types.includes(type)) && !notTypes.includes(type))
