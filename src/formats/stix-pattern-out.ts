import { type Observable, type StixComparison, stixComparisons } from '../domain/observables/index.ts'
import { ruleTypes } from './stix-pattern-types.ts'
import { stringLiteral } from './stix-pattern-words.ts'

/** The two members of an indicator that say what it looks for (STIX 2.1 §4.7). */
export interface PatternMembers {
  readonly pattern: string
  readonly pattern_type: string
}

const languageOf = new Map(Object.entries(ruleTypes).map(([language, type]) => [type, language]))

/** The pattern of observables; a rule or pattern that is itself the observable stands as it is, in its own language. */
export function patternMembers(observables: readonly Observable[]): PatternMembers {
  const [first, second] = observables
  if (first !== undefined && second === undefined) {
    if (first.type === 'stix-pattern') return { pattern: first.value, pattern_type: 'stix' }
    const language = languageOf.get(first.type)
    if (language !== undefined) return { pattern: first.value, pattern_type: language }
  }
  return { pattern: patternOf(observables), pattern_type: 'stix' }
}

/**
 * The pattern that looks for all of the observables: those of one kind of object in one observation, different
 * properties joined by AND, several values of one property by OR.
 */
export function patternOf(observables: readonly Observable[]): string {
  const [only, second] = observables
  if (only !== undefined && second === undefined) {
    const [comparison, another] = stixComparisons(only)
    if (another === undefined) return `[${written(comparison)}]`
  }
  const objects = new Map<string, Map<string, string[]>>()
  for (const comparison of observables.flatMap((observable) => stixComparisons(observable))) {
    const { path } = comparison
    const object = path.slice(0, path.indexOf(':'))
    const properties = objects.get(object) ?? new Map<string, string[]>()
    objects.set(object, properties)
    properties.set(path, [...(properties.get(path) ?? []), written(comparison)])
  }
  const observations = [...objects.values()].map((properties) => [...properties.values()].map(anyOf).join(' AND '))
  return observations.map((observation) => `[${observation}]`).join(' AND ')
}

const written = ({ path, value }: StixComparison): string =>
  `${path} = ${typeof value === 'number' ? value : stringLiteral(value)}`

const anyOf = (comparisons: readonly string[]): string =>
  comparisons.length === 1 ? comparisons.join('') : `(${comparisons.join(' OR ')})`
