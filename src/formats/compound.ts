import type { Observable } from '../domain/observables/observable.ts'

/** Of several values of one thing, those that name it best come first: strong hashes, weaker ones, then the rest. */
const precedence = ['sha256', 'sha512', 'sha1', 'md5']

/** Without repetitions, in a stable order: the first is the value an indicator goes by. */
export function mainFirst(observables: readonly Observable[]): readonly Observable[] {
  const distinct = new Map(observables.map((observable) => [`${observable.type} ${observable.value}`, observable]))
  return [...distinct.values()].sort((a, b) => rank(a) - rank(b))
}

const rank = ({ type }: Observable): number => {
  const found = precedence.indexOf(type)
  return found === -1 ? precedence.length : found
}
