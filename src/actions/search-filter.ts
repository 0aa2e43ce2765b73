import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import type { Tlp } from '../domain/tlp.ts'
import { knowsCommunity } from '../policy/knowing.ts'
import { originatorShown } from '../policy/release.ts'
import type { PageFilter } from '../store/filters.ts'
import type { Context } from './context.ts'
import { searchKeys } from './search-keys.ts'
import type { Territory } from './territory.ts'

/** What to find; members join by AND, items of a member by OR. */
export interface SearchFilter {
  readonly type?: readonly string[]
  /** A value exactly, in any accepted spelling; defanged too. */
  readonly value?: string
  /** A substring of value or name. */
  readonly q?: string
  readonly tlp?: readonly Tlp[]
  /** RSIT classes or types. */
  readonly class?: readonly string[]
  readonly country?: readonly string[]
  readonly asn?: readonly number[]
  /** CIDR: what lies in it. */
  readonly network?: string
  /** A domain and everything under it. */
  readonly domain?: string
  readonly originator?: readonly string[]
  readonly community?: readonly string[]
  /** ISO 8601, on `dateAdded`: since (inclusive), until (exclusive). */
  readonly since?: string
  readonly until?: string
  /** 0–100. */
  readonly minConfidence?: number
  readonly status?: readonly ('active' | 'expired' | 'recalled')[]
  /** What concerns the caller's own organisation, by what it answers for. */
  readonly constituency?: boolean
}

/** Whether it looks at parts of the value: what is masked must then not be found, or the search itself would tell the value. */
export const looksInside = ({ q, network, domain, asn, country, constituency }: SearchFilter): boolean =>
  [q, network, domain, asn, country].some((each) => each !== undefined) || constituency === true

/** What the filter asks of the handling narrows the bitmap, so the store need not know of it. */
export function handlingFilter(caller: Caller, filter: SearchFilter): ((handling: Handling) => boolean) | undefined {
  const { tlp, originator, community } = filter
  if (tlp === undefined && originator === undefined && community === undefined) return undefined
  // A community one does not know finds nothing, as one that does not exist.
  const known = community?.filter((id) => knowsCommunity(caller, id))
  return (handling) =>
    (tlp === undefined || tlp.includes(handling.tlp)) &&
    (originator === undefined ||
      (originator.includes(handling.originator) && originatorShown(caller.reader, handling))) &&
    (known === undefined || known.some((id) => handling.communities.includes(id)))
}

/** @param territory where the filter asks for what concerns the caller's organisation */
export function pageFilter(context: Context, filter: SearchFilter, territory?: Territory): PageFilter {
  const { q, country, asn, since, until, minConfidence, status } = filter
  return {
    ...searchKeys(filter),
    ...(q === undefined ? {} : { text: q }),
    ...(country === undefined ? {} : { countries: country.map((code) => code.toUpperCase()) }),
    ...(asn === undefined ? {} : { asns: asn }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(minConfidence === undefined ? {} : { minConfidence }),
    ...(status === undefined || status.length === 0 ? {} : { status }),
    ...(territory === undefined ? {} : { territory }),
    at: context.clock().toISOString(),
  }
}
