import { actions } from '../../actions/index.ts'
import { readConstituencies } from '../../actions/organisations.ts'
import { readWarnings } from '../../actions/warninglists.ts'
import type { Account } from '../../domain/account.ts'
import type { ConstituencyEntry, Organisation } from '../../domain/organisation.ts'
import type { Released } from '../../domain/released.ts'
import type { Warning } from '../../domain/warninglist.ts'
import type { Asked } from './asked.ts'

type Queries = readonly { readonly obj: Pick<Organisation, 'id'> }[]

/**
 * Edges that ask the node: mercurius gathers them over a page, so that each organisation is asked about once. Not cached beyond
 * that: a mutation between two fields of one request may change the answer.
 */
export const loaders = {
  Indicator: {
    warnings: {
      loader: (queries: readonly { readonly obj: Released }[], { context, caller }: Asked): Promise<Warning[][]> =>
        readWarnings(context, caller, { indicators: queries.map(({ obj }) => obj) }),
      opts: { cache: false },
    },
  },
  Organisation: {
    constituency: {
      loader: (queries: Queries, { context, caller }: Asked): Promise<ConstituencyEntry[][]> =>
        readConstituencies(context, caller, { organisations: queries.map(({ obj }) => obj.id) }),
      opts: { cache: false },
    },
    accounts: {
      loader: (queries: Queries, { context, caller }: Asked): Promise<(Account[] | Error)[]> =>
        each(queries, (organisation) => actions['list-accounts'](context, caller, { organisation })),
      opts: { cache: false },
    },
  },
} as const

/** An error in place of an item is the error of that item's field, and of no other. */
const each = <T>(queries: Queries, ask: (organisation: string) => Promise<T>): Promise<(T | Error)[]> =>
  Promise.all(queries.map(({ obj }) => ask(obj.id).catch((error: Error) => error)))
