import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { partsDepth } from '../policy/composed.ts'
import { type PartsReader, ShownParts } from '../policy/parts-shown.ts'
import type { Database, Queries, Transaction } from '../store/database.ts'
import { partsUnder } from '../store/object-parts.ts'
import type { Context, Standing } from './context.ts'
import { permittedFor } from './visible.ts'

/** What the caller may have of what objects are made of. @param keep narrows it by handling */
export function partsReader(
  context: Context,
  caller: Caller,
  standing: Standing,
  keep: (handling: Handling) => boolean = () => true,
): PartsReader {
  const { permit, redact } = permittedFor(context, caller, standing)
  const kept = (id: number): boolean => {
    const handling = standing.visibility.handling(id)
    return handling !== undefined && keep(handling)
  }
  return {
    objects: (id) => permit.has(id) && kept(id),
    indicators: (id) => (permit.has(id) || redact.has(id)) && kept(id),
    organisation: caller.reader.organisation?.id,
  }
}

/**
 * Several statements that see the same: what is hidden now must not be told by what was there a moment before, and a part that moved under
 * a handling that is not judged yet is noticed by the statement that asks for the policy.
 */
export const inSnapshot = <T>(database: Database, work: (queries: Transaction) => Promise<T>): Promise<T> =>
  database.transaction(work, 'isolation level repeatable read read only')

/**
 * What is needed to say of each row which of its references are there, read level by level. It looks at so many parts at once: rows that
 * name more are asked apart, and of one that does alone what is beyond is not there.
 * @param queries one snapshot
 * @param idsOf the references that are asked @param depth how far parts of parts are followed from the row
 */
export async function partsOfRows<Row>(
  queries: Queries,
  reader: PartsReader,
  rows: readonly Row[],
  idsOf: (row: Row) => readonly string[],
  depth: number,
): Promise<readonly { readonly row: Row; readonly parts: ShownParts }[]> {
  const parts = new ShownParts(reader)
  const whole = await gather(queries, parts, rows.flatMap(idsOf), depth)
  if (whole || rows.length <= 1) return rows.map((row) => ({ row, parts }))
  const half = rows.length >> 1
  return [
    ...(await partsOfRows(queries, reader, rows.slice(0, half), idsOf, depth)),
    ...(await partsOfRows(queries, reader, rows.slice(half), idsOf, depth)),
  ]
}

/** Which of these ids name something that the reader's organisation has published, or that it may see. */
export async function idsKnown(
  database: Database,
  reader: PartsReader,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const depth = partsDepth + 1
  const judged = await inSnapshot(database, (queries) => partsOfRows(queries, reader, ids, (id) => [id], depth))
  return new Set(judged.flatMap(({ row: id, parts }) => (parts.isKnown(id, reader.organisation, depth) ? [id] : [])))
}

/** @returns false when there was more to look at than is looked at together */
async function gather(queries: Queries, parts: ShownParts, roots: readonly string[], depth: number): Promise<boolean> {
  const asked = new Set<string>()
  let next = new Set(roots)
  let named = next.size
  for (let level = depth; level >= 0 && next.size > 0; level--) {
    for (const id of next) asked.add(id)
    const found = new Set<string>()
    for await (const rows of partsUnder(queries, [...next])) {
      for (const row of rows) {
        parts.add(row)
        // Of what is hidden itself, or lies at the end, nobody asks what it is made of.
        if (level === 0 || !parts.isPermitted(row)) continue
        named += row.needs.length + row.about.length
        for (const id of [...row.needs, ...row.about]) if (!asked.has(id)) found.add(id)
      }
      if (named > limits.objectPartsTogether) return false
    }
    next = found
  }
  return true
}
