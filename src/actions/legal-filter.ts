import type { Caller } from '../domain/caller.ts'
import { readerUnder } from '../domain/directory.ts'
import type { Handling } from '../domain/handling.ts'
import type { LegalRequest, LegalScope } from '../domain/legal-request.ts'
import { observableType } from '../domain/observables/types.ts'
import { mayLeaveInFiles } from '../policy/disclosure.ts'
import type { PageFilter } from '../store/filters.ts'
import type { VisibleTo } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { readerIn } from './recognise.ts'
import { looksInside, pageFilter, type SearchFilter } from './search-filter.ts'
import { searchKeys } from './search-keys.ts'
import { permittedFor, visibleTo } from './visible.ts'

/** The liaison of a request, acting under it: for law enforcement, with this one request. Undefined when the account is no more. */
export function callerUnder(
  { directory }: Standing,
  { id, liaison }: Pick<LegalRequest, 'id' | 'liaison'>,
): Caller | undefined {
  const reader = readerIn(directory, liaison)
  if (reader === undefined) return undefined
  return {
    reader: readerUnder(directory, reader, id),
    scopes: ['read', 'write'],
    purpose: 'law-enforcement',
    operator: false,
  }
}

/**
 * Request ∩ policy, as the store is asked: what the policy lets the liaison have under this request, of those originators that the scope
 * names and that show themselves to it, narrowed by the rest of the scope.
 */
export function scopeQuery(
  context: Context,
  caller: Caller,
  standing: Standing,
  scope: LegalScope,
): { readonly visible: VisibleTo; readonly filter: PageFilter } {
  const { values, originators } = scope
  const filter = searchOf(scope)
  const keep = (handling: Handling): boolean =>
    originators.includes(handling.originator) && mayLeaveInFiles(caller.reader, handling)
  const by = looksInside(filter) ? 'content' : 'whole'
  return {
    visible: visibleTo(permittedFor(context, caller, standing), standing, caller, by, keep),
    filter: {
      ...pageFilter(context, filter),
      ...(values === undefined ? {} : { valueKeys: values.flatMap((value) => keyOf(value, scope.types)) }),
    },
  }
}

const searchOf = ({ types, classes, countries, asns, network, domain, since, until }: LegalScope): SearchFilter => ({
  ...(types === undefined ? {} : { type: types }),
  ...(classes === undefined ? {} : { class: classes }),
  ...(countries === undefined ? {} : { country: countries }),
  ...(asns === undefined ? {} : { asn: asns }),
  ...(network === undefined ? {} : { network }),
  ...(domain === undefined ? {} : { domain }),
  ...(since === undefined ? {} : { since }),
  ...(until === undefined ? {} : { until }),
})

function keyOf(value: string, types: readonly string[] | undefined): Buffer[] {
  const type = types?.length === 1 ? { type: [observableType(types[0] ?? '').id] } : {}
  const { valueKey } = searchKeys({ value, ...type })
  return valueKey === undefined ? [] : [valueKey]
}
