import { randomUUID } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { type ExportLanguage, type ExportState, openExportStates } from '../domain/export.ts'
import type { LegalRequest } from '../domain/legal-request.ts'
import { preserves } from '../domain/legal-words.ts'
import { limits } from '../domain/limits.ts'
import { knowsLegalRequest, sidesOf } from '../policy/duties.ts'
import type { Queries } from '../store/database.ts'
import { forgetLines } from '../store/export-items.ts'
import { type ExportRow, exportsOf, insertExport, openExports, readExport, updateExport } from '../store/exports.ts'
import { readLegalRequest } from '../store/legal-requests.ts'
import type { Context } from './context.ts'
import { gives } from './export-work.ts'
import { stateFault } from './legal-step.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** A package under a legal request, and how far it is. */
export interface Export {
  readonly id: string
  readonly request: string
  readonly account: string
  readonly state: ExportState
  readonly language: ExportLanguage
  readonly createdAt: string
  /** Indicators in it, and how many of them are written; 0 until it was found what is in it. */
  readonly items: number
  readonly done: number
  readonly masked: number
  /** Why it could not be made. */
  readonly fault?: string
  /** Of the package: SHA-256 (hex), and its length. */
  readonly sha256?: string
  readonly bytes?: number
  readonly readyAt?: string
  readonly downloadedAt?: string
}

export interface StartExportInput {
  /** Id of an approved request of the caller's own. */
  readonly request: string
  /** Of README.txt; `en` when absent. */
  readonly language?: ExportLanguage
  /** An earlier export of the same request: the same content at the same place in the feed, and so the same bytes, or none. */
  readonly again?: string
}

/** Has a package made; it is read until it is ready. @throws {Fault} `not_found`, `request_state` */
export const startExport = verb(
  'start-export',
  async (context: Context, caller: Caller, input: StartExportInput, standing): Promise<Export> => {
    const account = caller.reader.account ?? ''
    return await context.database.transaction(async (transaction) => {
      const request = await readLegalRequest(transaction, input.request, true)
      if (request === undefined || request.liaison !== account) throw absent()
      if (!gives(request, context.clock()) || preserves(request.instrument)) throw stateFault(request, 'export')
      if ((await openExports(transaction, account)) >= limits.exportsPerAccount)
        throw new Fault(
          'request_state',
          `An account has at most ${limits.exportsPerAccount} open exports: fetch or cancel one.`,
        )
      const again = input.again === undefined ? undefined : await readExport(transaction, input.again)
      if (input.again !== undefined && again?.request !== request.id) throw absent()
      const id = randomUUID()
      await insertExport(transaction, {
        id,
        request: request.id,
        account,
        state: 'queued',
        createdAt: context.clock(),
        language: input.language ?? (again?.language as ExportLanguage | undefined) ?? 'en',
        ...(again === undefined ? {} : { again: again.id }),
      })
      const act = { ...administrative('start-export', { export: id, request: request.id }), requests: [request.id] }
      await record(transaction, context, caller, standing, act)
      return shown(await held(transaction, id))
    })
  },
)

/** Exports of one request that the caller drafted, or that the node decides about; the newest first. @throws {Fault} `not_found` */
export const listExports = verb(
  'list-exports',
  async (context: Context, caller: Caller, { request: id }: { readonly request: string }): Promise<Export[]> => {
    const request = await readLegalRequest(context.database, id)
    if (request === undefined || !knowsExports(caller, request, context.clock())) throw absent()
    return (await exportsOf(context.database, [id], limits.pageRecords)).map(shown)
  },
)

/** @throws {Fault} `not_found` */
export const readExportState = verb(
  'read-export',
  async (context: Context, caller: Caller, { id }: { readonly id: string }): Promise<Export> => {
    const row = await readExport(context.database, id)
    const request = row === undefined ? undefined : await readLegalRequest(context.database, row.request)
    if (row === undefined || request === undefined || !knowsExports(caller, request, context.clock())) throw absent()
    return shown(row)
  },
)

/** Ends one that was not fetched: what was written of it goes. @throws {Fault} `not_found`, `export_not_ready` */
export const cancelExport = verb(
  'cancel-export',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<Export> =>
    await context.database.transaction(async (transaction) => {
      const row = await readExport(transaction, id, true)
      if (row === undefined || row.account !== caller.reader.account) throw absent()
      if (!openExportStates.some((state) => state === row.state))
        throw new Fault('export_not_ready', `An export that is ${row.state} cannot be cancelled.`)
      await updateExport(transaction, id, { state: 'cancelled', endedAt: context.clock(), heldUntil: null })
      await forgetLines(transaction, id)
      const act = { ...administrative('cancel-export', { export: id }), requests: [row.request] }
      await record(transaction, context, caller, standing, act)
      return shown(await held(transaction, id))
    }),
)

/** The liaison, and the node's policy officers: an originator learns what of its own was given, and not by this. */
const knowsExports = (caller: Caller, request: LegalRequest, at: Date): boolean =>
  knowsLegalRequest(caller, request, at) &&
  (request.liaison === caller.reader.account || sidesOf(caller, request, at).includes('node'))

async function held(queries: Queries, id: string): Promise<ExportRow> {
  const row = await readExport(queries, id)
  if (row === undefined) throw new Error('an export is not there that was just written')
  return row
}

export const shown = (row: ExportRow): Export => ({
  id: row.id,
  request: row.request,
  account: row.account,
  state: row.state as ExportState,
  language: row.language as ExportLanguage,
  createdAt: row.createdAt.toISOString(),
  items: row.items,
  done: row.done,
  masked: row.masked,
  ...(row.fault === null ? {} : { fault: row.fault }),
  ...(row.digest === null ? {} : { sha256: row.digest.toString('hex') }),
  ...(row.bytes === null ? {} : { bytes: Number(row.bytes) }),
  ...(row.readyAt === null ? {} : { readyAt: row.readyAt.toISOString() }),
  ...(row.downloadedAt === null ? {} : { downloadedAt: row.downloadedAt.toISOString() }),
})
