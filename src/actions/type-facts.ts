import type { Draft } from '../domain/draft.ts'
import { observableTypes } from '../domain/observables/types.ts'
import type { TypeFacts } from './handling.ts'

/** What the types of a draft's observables say: personal data if any is; a masked form only where one value is all there is. */
export function typeFactsOf({ observables, compound }: Pick<Draft, 'observables' | 'compound'>): TypeFacts {
  const facts = observables.map(({ type }) => observableTypes.get(type))
  return {
    personalData: facts.some((each) => each === undefined || each.personalData),
    maskable: !compound && observables.length === 1 && facts[0]?.maskable === true,
  }
}
