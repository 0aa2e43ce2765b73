import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable, typeOfStixPath } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { Comparison, Condition, Observation } from './stix-pattern-tree.ts'

export interface PatternObservables {
  /** In the order of the pattern, without repetitions. Empty when the pattern names nothing this node knows. */
  readonly observables: readonly Observable[]
  /** True for one comparison with one value and nothing else: the pattern says no more than its observable. */
  readonly plain: boolean
}

/**
 * The observables that a pattern looks for: values compared by `=`, `IN` or `ISSUBSET` on a known object path. What is
 * negated, matched by expression or on unknown paths is left out, and then the pattern is not plain.
 * @throws {Fault} `invalid_value`, `refused_type`, `too_many_values`
 */
export function observablesOf(pattern: Observation): PatternObservables {
  const found = new Map<string, Observable>()
  for (const comparison of comparisonsOf(pattern)) {
    for (const observable of observablesIn(comparison)) found.set(`${observable.type} ${observable.value}`, observable)
    if (found.size > limits.observablesPerIndicator) {
      throw new Fault('too_many_values', `A pattern may have ${limits.observablesPerIndicator} observables`)
    }
  }
  return { observables: [...found.values()], plain: isPlain(pattern) }
}

function* comparisonsOf(node: Observation | Condition): Generator<Comparison> {
  if (node.kind === 'comparison') yield node
  else if (node.kind === 'observation') yield* comparisonsOf(node.condition)
  else if (node.kind === 'qualified') yield* comparisonsOf(node.of)
  else if (node.kind !== 'exists') for (const part of node.parts) yield* comparisonsOf(part)
}

function* observablesIn({ path, operator, negated, literals }: Comparison): Generator<Observable> {
  if (negated || (operator !== '=' && operator !== 'IN' && operator !== 'ISSUBSET')) return
  for (const { kind, text } of literals) {
    if (kind !== 'string' && kind !== 'number') continue
    const type = typeOfStixPath(path, text)
    if (type !== undefined) yield parseObservable(type, text)
  }
}

function isPlain(pattern: Observation): boolean {
  if (pattern.kind !== 'observation' || pattern.condition.kind !== 'comparison') return false
  const { operator, negated, literals } = pattern.condition
  return !negated && literals.length === 1 && (operator === '=' || operator === 'IN' || operator === 'ISSUBSET')
}
