import type { Caller } from '../domain/caller.ts'
import { worldOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { givingStates, type LegalRequest } from '../domain/legal-request.ts'
import type { Grounds } from '../formats/export-handling.ts'
import { decide } from '../policy/decide.ts'
import { decideHeld } from '../policy/escrow.ts'
import type { ExportRow } from '../store/exports.ts'
import { readLegalRequest } from '../store/legal-requests.ts'
import type { Context, Standing } from './context.ts'
import { callerUnder } from './legal-filter.ts'
import { permittedFor } from './visible.ts'

/** Thrown when what is in an export changed under it: it is selected anew. Never shown. */
export class ContentMoved extends Error {
  override readonly name = 'ContentMoved'
}

/** What an export is made of, as it stands now. */
export interface Work {
  readonly row: ExportRow
  readonly request: LegalRequest
  readonly caller: Caller
  readonly standing: Standing
}

/** @throws {Fault} `request_state` when it gives nothing any more */
export async function workOf(context: Context, row: ExportRow): Promise<Work> {
  const standing = await context.policy.current()
  const request = await readLegalRequest(context.database, row.request)
  const caller = request === undefined ? undefined : callerUnder(standing, request)
  if (request === undefined || caller === undefined || !gives(request, context.clock()))
    throw new Fault('request_state', 'The request gives nothing any more.')
  return { row, request, caller, standing }
}

export const gives = (request: LegalRequest, at: Date): boolean =>
  givingStates.includes(request.state) && Date.parse(request.expiresAt) > at.getTime()

/** Handlings that the liaison may have under the request, as bitmaps: whole, and whole or masked. */
export const mayHave = (
  context: Context,
  { caller, standing }: Pick<Work, 'caller' | 'standing'>,
): { readonly whole: Uint8Array; readonly any: Uint8Array } => {
  const { permit, redact } = permittedFor(context, caller, standing)
  return { whole: permit.bytes, any: permit.union(redact).bytes }
}

/** By what a handling is given to this caller. @param hold the hold that it is given from */
export function groundsOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  id: number,
  hold: string | null = null,
): Grounds {
  const handling = standing.visibility.handling(id)
  if (handling === undefined) throw new Error('an item has a handling that is not known')
  const { effect, rules, obligations } = (hold === null ? decide : decideHeld)(
    caller.reader,
    handling,
    caller.purpose,
    context.clock(),
    worldOf(standing.directory),
  )
  return {
    effect,
    rules: rules.map((finding) => finding.id),
    agreements: rules.flatMap(({ agreement }) => (agreement === undefined ? [] : [agreement])),
    obligations: [
      ...obligations.map(({ sentence }) => sentence),
      ...(hold === null
        ? []
        : [`It is a copy preserved under the request ${hold}: it was recalled, or its sharing ended.`]),
    ],
  }
}
