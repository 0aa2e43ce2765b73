import type { Draft } from '../domain/draft.ts'
import { observableTypes } from '../domain/observables/types.ts'
import type { TypeFacts } from './handling.ts'

/** What the types of a draft's observables say: personal data if any is; a masked form only where one value is all there is. */
export function typeFactsOf({ observables, compound }: Pick<Draft, 'observables' | 'compound'>): TypeFacts {
  let personalData = false
  for (const { type } of observables) personalData ||= observableTypes.get(type)?.personalData ?? true
  const maskable = !compound && observables.length === 1 && observableTypes.get(observables[0].type)?.maskable === true
  return { personalData, maskable }
}
