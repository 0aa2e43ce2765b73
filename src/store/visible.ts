import type { Queries } from './database.ts'
import { plainTypes } from './plain-types.ts'

/** The policy's permission as SQL can check it: sets of handling ids as bitmaps, true for one policy epoch. */
export interface VisibleTo {
  readonly epoch: bigint
  /** Handlings known when it was decided: ids below this. */
  readonly handlings: number
  /** Handlings whose indicators may be found, as `get_bit` reads them. */
  readonly bitmap: Uint8Array
  /** The reader's own organisation, which also sees what it recalled. */
  readonly organisation: string | undefined
}

/** Thrown when the policy changed between the decision and the query: decide again. Never shown. */
export class PolicyMoved extends Error {
  override readonly name = 'PolicyMoved'
}

/** Collects values and hands out their placeholders. */
export class Parameters {
  readonly values: unknown[] = []

  add(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }
}

/** The condition under which a row of `indicator i` is visible. */
export const visibleCondition = (visible: VisibleTo, parameters: Parameters): string =>
  `${permittedHandling(visible, parameters, 'i.handling_id')}
    and (not i.recalled or (i.originator = ${parameters.add(visible.organisation ?? null)}::text and i.purged_at is null))`

/**
 * The part of it that is about the handling alone: what is recalled is not left out. The bitmap's length is checked first: `get_bit`
 * refuses beyond it.
 */
export function permittedHandling({ bitmap }: VisibleTo, parameters: Parameters, column: string): string {
  const bytes = parameters.add(Buffer.from(bitmap.buffer, bitmap.byteOffset, bitmap.byteLength))
  return `${column} < ${parameters.add(bitmap.length * 8)} and get_bit(${bytes}::bytea, ${column}) = 1`
}

/** How far the log reached in the snapshot of an answer. */
export interface Answer<Row> {
  readonly rows: Row[]
  /** The last position of the feed. */
  readonly head: number
}

/**
 * Runs a query whose condition is {@link visibleCondition}, in the same snapshot as a look at the policy epoch: rows are
 * answered only if the permission is still the one that holds.
 * @param name of the statement, where its text never varies: then it is planned once a connection
 * @throws {PolicyMoved}
 */
export async function askVisible<Row extends object>(
  { client }: Queries,
  visible: Pick<VisibleTo, 'epoch' | 'handlings'>,
  body: string,
  parameters: Parameters,
  name?: string,
): Promise<Answer<Row>> {
  const { rows } = await client.query<Row & Checked>({
    text: `select s.*, r.* from (
       select epoch as policy_epoch, (select position from feed_head) as feed_position,
         (select max(id) from handling) as handling_head
       from policy_state) s
     left join lateral (select true as found, b.* from (${body}) b) r on true`,
    values: parameters.values,
    types: plainTypes,
    ...(name === undefined ? {} : { name }),
  })
  const [first] = rows
  if (first === undefined || first.policy_epoch !== visible.epoch) throw new PolicyMoved('the policy epoch moved')
  // A handling that another process interned a moment ago is not judged yet.
  if (first.handling_head !== null && first.handling_head >= visible.handlings)
    throw new PolicyMoved('there are handlings not judged yet')
  return { rows: rows.filter((row) => row.found === true), head: Number(first.feed_position) }
}

export const queryVisible = async <Row extends object>(
  queries: Queries,
  visible: VisibleTo,
  body: string,
  parameters: Parameters,
  name?: string,
): Promise<Row[]> => (await askVisible<Row>(queries, visible, body, parameters, name)).rows

/** Confirms, in one snapshot, that the permission is the one that holds. @returns how far the feed reaches @throws {PolicyMoved} */
export const confirmVisible = async (queries: Queries, visible: VisibleTo): Promise<number> =>
  (await askVisible(queries, visible, 'select 1 as one where false', new Parameters(), 'confirm')).head

interface Checked {
  readonly policy_epoch: bigint
  readonly feed_position: bigint
  readonly handling_head: number | null
  readonly found: boolean | null
}
