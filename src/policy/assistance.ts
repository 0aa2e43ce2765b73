import type { AssistanceSide, AssistanceStepName, AssistanceTlp } from '../domain/assistance.ts'
import { assistanceStepFacts } from '../domain/assistance.ts'
import type { Caller } from '../domain/caller.ts'
import { canonicalHandling, type Handling } from '../domain/handling.ts'
import type { Refusal } from './permissions.ts'

/**
 * What one of the two says is under: the other is its whole audience. Law enforcement is never reached by it: a unit asks by a legal
 * request, and is not asked here.
 * @param people account ids that RED reaches
 */
export const assistanceHandling = (
  author: string,
  other: string,
  tlp: AssistanceTlp,
  people: readonly string[],
  personalData: boolean,
): Handling =>
  canonicalHandling({
    originator: author,
    tlp,
    pap: 'green',
    organisations: [other],
    communities: [],
    people: tlp === 'red' ? people : [],
    lawEnforcement: 'never',
    personalData,
    maskable: false,
    attribution: 'named',
  })

/**
 * On whose part the caller reads or acts; undefined for everybody but the two organisations. AMBER would let clients of the
 * addressee have it: asking is between two.
 */
export function assistanceSideOf(
  { reader }: Caller,
  { from, to }: { readonly from: string; readonly to: string },
): Exclude<AssistanceSide, 'clock'> | undefined {
  const home = reader.organisation?.id
  if (home === undefined) return undefined
  return home === from ? 'asker' : home === to ? 'addressee' : undefined
}

/** Why this side does not take this step; undefined where it may. */
export function assistanceStepRefusal(step: AssistanceStepName, side: AssistanceSide): Refusal | undefined {
  const { by } = assistanceStepFacts[step]
  if (by === 'both' || by === side) return undefined
  const sentence = by === 'asker' ? 'Only whoever asked may do this.' : 'Only whoever was asked may do this.'
  return { code: 'not_yours', rule: 'assistance.side', sentence }
}
