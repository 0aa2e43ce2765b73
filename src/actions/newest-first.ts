import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/** Which page of what is listed the newest first. */
export interface PageInput {
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Absent on the last page. */
  readonly next?: string
}

/**
 * A page; its cursor is the id of the last one on the page before.
 * @param known the one with that id, if the reader may have it
 * @param found the newest after that one, so many at most
 * @throws {Fault} `cursor_invalid`
 */
export async function newestFirst<Row extends { readonly id: string }>(
  { before, limit = limits.pageRecordsDefault }: PageInput,
  known: (id: string) => Promise<Row | undefined>,
  found: (last: Row | undefined, limit: number) => Promise<readonly Row[]>,
): Promise<Page<Row>> {
  const last = before === undefined ? undefined : await known(before)
  if (before !== undefined && last === undefined)
    throw new Fault('cursor_invalid', 'This cursor was not given to this reader.')
  const rows = await found(last, limit + 1)
  const items = rows.slice(0, limit)
  const next = rows.length > limit ? items.at(-1)?.id : undefined
  return { items, ...(next === undefined ? {} : { next }) }
}
