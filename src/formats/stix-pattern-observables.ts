import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable, typeOfStixPath } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { Comparison, Condition, Observation } from './stix-pattern-tree.ts'

export interface PatternObservables {
  /** In the order of the pattern, without repetitions. Empty when the pattern names nothing this node knows. */
  readonly observables: readonly Observable[]
  /** True for one value and nothing else: the pattern says no more than its observable. */
  readonly plain: boolean
}

/**
 * The observables that a pattern looks for: values compared by `=`, `IN` or `ISSUBSET` on a known object path. What is
 * negated, matched by expression or on unknown paths is left out, and then the pattern is not plain.
 * @throws {Fault} `invalid_value`, `refused_type`, `too_many_values`
 */
export function observablesOf(pattern: Observation): PatternObservables {
  const found = new Map<string, Observable>()
  for (const observable of observablesUnder(pattern)) {
    found.set(`${observable.type} ${observable.value}`, observable)
    if (found.size > limits.observablesPerIndicator) {
      throw new Fault('too_many_values', `A pattern may have ${limits.observablesPerIndicator} observables`)
    }
  }
  return { observables: [...found.values()], plain: isPlain(pattern) }
}

function* observablesUnder(node: Observation | Condition): Generator<Observable> {
  if (node.kind === 'comparison') yield* observablesIn(node)
  else if (node.kind === 'observation') yield* observablesUnder(node.condition)
  else if (node.kind === 'qualified') yield* observablesUnder(node.of)
  else if (node.kind !== 'exists') {
    const endpoint = node.kind === 'and' ? endpointAmong(node.parts) : undefined
    if (endpoint !== undefined) yield endpoint.observable
    for (const part of node.parts) if (endpoint?.parts.includes(part) !== true) yield* observablesUnder(part)
  }
}

/** What the node writes for an address or name with a port (`stixComparisons`), as one value again. */
const [hostPath, portPath] = ['network-traffic:dst_ref.value', 'network-traffic:dst_port']
const hosts: ReadonlySet<string> = new Set([
  ...['ipv4-address', 'ipv6-address', 'domain-name', 'hostname', 'onion-address'],
])

/** Of what is joined by AND: a destination and its port, where each is said once. */
function endpointAmong(parts: readonly (Observation | Condition)[]) {
  const about = (path: string) =>
    parts.flatMap((part) => (part.kind === 'comparison' && part.path === path ? part : []))
  const [host, another] = about(hostPath)
  const [port, more] = about(portPath)
  if (host === undefined || port === undefined || another !== undefined || more !== undefined) return undefined
  const [name, number] = [host, port].map(onlyLiteral)
  if (name === undefined || number === undefined || !hosts.has(typeOfStixPath(hostPath, name) ?? '')) return undefined
  const written = `${name.includes(':') ? `[${name}]` : name}:${number}`
  return { observable: parseObservable('host-port', written), parts: [host, port] as readonly unknown[] }
}

/** The value of a comparison for equality with one. */
const onlyLiteral = ({ operator, negated, literals }: Comparison): string | undefined =>
  operator === '=' && !negated && literals.length === 1 ? literals[0]?.text : undefined

function* observablesIn({ path, operator, negated, literals }: Comparison): Generator<Observable> {
  if (negated || (operator !== '=' && operator !== 'IN' && operator !== 'ISSUBSET')) return
  for (const { kind, text } of literals) {
    if (kind !== 'string' && kind !== 'number') continue
    const type = typeOfStixPath(path, text)
    if (type !== undefined) yield parseObservable(type, text)
  }
}

function isPlain(pattern: Observation): boolean {
  if (pattern.kind !== 'observation') return false
  const { condition } = pattern
  if (condition.kind === 'and') return condition.parts.length === 2 && endpointAmong(condition.parts) !== undefined
  if (condition.kind !== 'comparison') return false
  const { operator, negated, literals } = condition
  return !negated && literals.length === 1 && (operator === '=' || operator === 'IN' || operator === 'ISSUBSET')
}
