import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { forgetLines } from '../store/export-items.ts'
import { type ExportRow, leftoverExports, readExport, unfetchedExports, updateExport } from '../store/exports.ts'
import { readLegalRequest } from '../store/legal-requests.ts'
import { readEpoch } from '../store/node.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context } from './context.ts'
import { staleItems } from './export-escrow.ts'
import { packageParts } from './export-package.ts'
import { gives, workOf } from './export-work.ts'
import { takeStep } from './legal-step.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** A package on its way. */
export interface Download {
  readonly parts: AsyncIterable<Uint8Array>
  readonly bytes: number
  /** SHA-256, 32 bytes. */
  readonly digest: Buffer
}

/**
 * Gives a package to whoever had it made, once. Everything in it is decided again; that it is given is on the log, and the request
 * fulfilled, before the first byte. Its content is forgotten when it was given.
 * @throws {Fault} `not_found`, `export_not_ready`, `export_outdated`
 */
export const downloadExport = verb(
  'download-export',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<Download> => {
    const row = await readExport(context.database, id)
    if (row === undefined || row.account !== caller.reader.account) throw absent()
    refuseState(row)
    const work = await workOf(context, row).catch((error: unknown) => {
      throw error instanceof Fault ? outdated('The request gives nothing any more.') : error
    })
    const fresh = await context.database.transaction(async (transaction) => {
      // The request first, as whoever takes a step of it does.
      const request = await readLegalRequest(transaction, row.request, true)
      const locked = await readExport(transaction, id, true)
      if (request === undefined || locked === undefined) throw absent()
      refuseState(locked)
      // It may have been taken back since it was looked at.
      if (!gives(request, context.clock())) throw outdated('The request gives nothing any more.')
      if ((await readEpoch(transaction)) !== work.standing.directory.epoch)
        throw new PolicyMoved('the policy epoch moved before a package was given')
      if ((await staleItems(transaction, context, work)) > 0) return undefined
      const at = context.clock()
      await updateExport(transaction, id, { state: 'downloaded', downloadedAt: at, endedAt: at })
      const subject = { export: id, request: request.id, sha256: row.digest?.toString('hex'), items: row.items }
      const act = { ...administrative('download-export', subject), requests: [request.id] }
      await record(transaction, context, work.caller, standing, act)
      if (request.state === 'approved')
        await takeStep(
          transaction,
          context,
          caller,
          standing,
          'download-export',
          request,
          { step: 'fulfil', side: 'liaison', note: '' },
          () => ({ state: 'fulfilled' }),
        )
      return { row: locked, request }
    })
    if (fresh === undefined) {
      await endOutdated(context, id)
      throw outdated('What is in it changed or was taken back since it was made.')
    }
    const { digest, bytes } = fresh.row
    if (digest === null || bytes === null) throw new Error('a package that is ready was not measured')
    return {
      parts: once(context, fresh.row, packageParts(context, fresh.row, fresh.request)),
      bytes: Number(bytes),
      digest,
    }
  },
)

/** Gives the parts, and forgets the content afterwards, whether all of it was taken or not. */
async function* once(context: Context, row: ExportRow, parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* parts
  } finally {
    await context.database.transaction((transaction) => forgetLines(transaction, row.id))
  }
}

function refuseState({ state, fault }: ExportRow): void {
  if (state === 'ready') return
  if (state === 'downloaded') throw outdated('It was fetched, and can be fetched once.')
  if (state === 'outdated') throw outdated('What is in it changed or was taken back since it was made.')
  throw new Fault('export_not_ready', `The export is ${state}${fault === null ? '' : `: ${fault}`}.`)
}

const outdated = (why: string): Fault => new Fault('export_outdated', `${why} Make another export.`)

const endOutdated = (context: Context, id: string): Promise<void> =>
  context.database.transaction(async (transaction) => {
    const row = await readExport(transaction, id, true)
    if (row?.state !== 'ready') return
    await updateExport(transaction, id, { state: 'outdated', endedAt: context.clock() })
    await forgetLines(transaction, id)
  })

/** A package that is on its way so long is not taken any more. */
const leftoverMs = 3_600_000

/** Forgets packages that nobody fetched in time, and what was left of those that were; on the clock. @returns how many were outdated */
export async function forgetPackages(context: Context): Promise<number> {
  const before = new Date(context.clock().getTime() - limits.exportKeptDays * 86_400_000)
  const old = await unfetchedExports(context.database, before, limits.pageRecords)
  for (const { id } of old) await endOutdated(context, id)
  const soon = new Date(context.clock().getTime() - leftoverMs)
  for (const { id } of await leftoverExports(context.database, soon, limits.pageRecords))
    await context.database.transaction((transaction) => forgetLines(transaction, id))
  return old.length
}
