import { Fault } from '../domain/errors.ts'
import {
  type BlocklistFormat,
  blockableTypes,
  hashTypes,
  nameTypes,
  networkTypes,
} from '../formats/blocklists/format.ts'
import type { WantedValues } from '../store/blocklist-values.ts'
import type { Context } from './context.ts'
import { pageFilter, type SearchFilter } from './search-filter.ts'

/** What of a search filter a blocklist can be made by: it holds what is active, and is no place to look for a value. */
export type BlocklistFilter = Omit<SearchFilter, 'status' | 'value' | 'q'>

/** Lists that are there without being saved, and the types of values in each. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  all: blockableTypes,
  domains: nameTypes,
  addresses: networkTypes,
  urls: ['url'],
  hashes: hashTypes,
}

/** The types of a list that is there without being saved; undefined when there is none of that name. */
export const typesOfKind = (name: string): readonly string[] | undefined =>
  Object.hasOwn(kinds, name) ? kinds[name] : undefined

/**
 * What a list takes from the store: types that it, the filter and the format all have. Of an indicator of several values the hashes
 * alone are taken: each of them names the file, where an address or a name is bad only together with the rest.
 */
export function wantedValues(
  context: Context,
  filter: BlocklistFilter,
  types: readonly string[],
  format: BlocklistFormat,
): WantedValues {
  const { type } = filter
  const taken = types.filter((each) => format.takes.includes(each) && (type === undefined || type.includes(each)))
  const { types: _, status: __, ...page } = pageFilter(context, filter)
  return {
    filter: page,
    types: taken,
    alsoOfCompound: taken.filter((each) => (hashTypes as readonly string[]).includes(each)),
  }
}

/** Members that a saved filter may have; other doors check each, this one that there are no others. @throws {Fault} `invalid_request` */
export function checkedFilter(context: Context, filter: BlocklistFilter): BlocklistFilter {
  const { status, value, q } = filter as SearchFilter
  if ([status, value, q].some((each) => each !== undefined))
    throw new Fault('invalid_request', 'A blocklist holds what is active: it has no status, value or q.', {
      position: { pointer: '/filter' },
    })
  // Values that cannot be read are refused now, and not at every reading.
  pageFilter(context, filter)
  return filter
}
