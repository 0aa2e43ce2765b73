import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { disclosuresOf } from '../store/exports.ts'
import type { Context } from './context.ts'
import { verb } from './verb.ts'

/** That a package with indicators of one's organisation was fetched. */
export interface Disclosure {
  readonly export: string
  readonly request: string
  /** Of the liaison. */
  readonly organisation: string
  readonly requestingJurisdiction: string
  readonly instrument: string
  readonly offence: string
  readonly downloadedAt: string
  /** Indicators of one's organisation in it, and of them recalled since. */
  readonly items: number
  readonly recalled: number
}

/** What of the caller's organisation was given under legal requests, the newest first; not while a request is confidential. */
export const listDisclosures = verb(
  'list-disclosures',
  async (
    context: Context,
    caller: Caller,
    { limit = limits.pageRecordsDefault }: { readonly limit?: number },
    { directory },
  ): Promise<Disclosure[]> => {
    const home = caller.reader.organisation?.id ?? ''
    const found = await disclosuresOf(context.database, home, context.clock(), limit)
    return found.map(({ account, downloadedAt, ...each }) => ({
      ...each,
      organisation: directory.accounts.get(account)?.organisation ?? '',
      downloadedAt: downloadedAt.toISOString(),
    }))
  },
)
