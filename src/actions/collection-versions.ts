import type { Dated } from './collection-filling.ts'
import type { Shown, StixSource } from './collection-sources.ts'

/** Which versions of an object: `last` alone where nothing is said. */
export interface Versions {
  readonly last: boolean
  readonly first: boolean
  readonly all: boolean
  /** ISO 8601 with milliseconds. */
  readonly times: readonly string[]
}

export const lastVersion: Versions = { last: true, first: false, all: false, times: [] }

export const isLastAlone = ({ first, all, times }: Versions): boolean => !first && !all && times.length === 0

/** What of these is a version that is asked for. */
export async function fitting(
  sources: readonly StixSource[],
  items: readonly Dated[],
  versions: Versions,
): Promise<Dated[]> {
  if (versions.all) return [...items]
  const first = new Set<Shown>()
  if (versions.first) {
    for (const source of sources) {
      const own = items.filter(({ shown: { id } }) => source.types.includes(id.slice(0, id.indexOf('--'))))
      for (const one of await source.firstOf(own.map(({ shown }) => shown))) first.add(one)
    }
  }
  return items.filter(
    ({ shown }) =>
      (versions.last && shown.kind !== 'replaced') || versions.times.includes(shown.version) || first.has(shown),
  )
}
