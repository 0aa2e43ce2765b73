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
  const { rows } = await client.query<Row & Checked & { readonly found: boolean | null }>({
    text: `select s.*, r.* from (${present}) s
     left join lateral (select true as found, b.* from (${body}) b) r on true`,
    values: parameters.values,
    types: plainTypes,
    ...(name === undefined ? {} : { name }),
  })
  return { rows: rows.filter((row) => row.found === true), head: headIn(rows[0], visible) }
}

const present = `select epoch as policy_epoch, (select position from feed_head) as feed_position,
  (select max(id) from handling) as handling_head from policy_state`

/** @throws {PolicyMoved} */
function headIn(found: Checked | undefined, visible: Pick<VisibleTo, 'epoch' | 'handlings'>): number {
  if (found === undefined || found.policy_epoch !== visible.epoch) throw new PolicyMoved('the policy epoch moved')
  // A handling that another process interned a moment ago is not judged yet.
  if (found.handling_head !== null && found.handling_head >= visible.handlings)
    throw new PolicyMoved('there are handlings not judged yet')
  return Number(found.feed_position)
}

export const queryVisible = async <Row extends object>(
  queries: Queries,
  visible: VisibleTo,
  body: string,
  parameters: Parameters,
  name?: string,
): Promise<Row[]> => (await askVisible<Row>(queries, visible, body, parameters, name)).rows

/** Confirms, in one snapshot, that the permission is the one that holds. @returns how far the feed reaches @throws {PolicyMoved} */
export const confirmVisible = async (
  queries: Queries,
  visible: Pick<VisibleTo, 'epoch' | 'handlings'>,
): Promise<number> => headIn(await presentOf(queries), visible)

/** Looks that are not sent yet. */
const unsent = new WeakMap<Queries, Promise<Checked | undefined>>()

/** Whoever asks in one turn of the event loop shares a look: it is sent when all have asked, so it is later than what each has decided. */
function presentOf(queries: Queries): Promise<Checked | undefined> {
  const shared = unsent.get(queries)
  if (shared !== undefined) return shared
  const look = new Promise<Checked | undefined>((resolve, reject) => {
    process.nextTick(() => {
      unsent.delete(queries)
      const statement = { text: present, types: plainTypes, name: 'present' }
      queries.client.query<Checked>(statement).then(({ rows }) => resolve(rows[0]), reject)
    })
  })
  unsent.set(queries, look)
  return look
}

interface Checked {
  readonly policy_epoch: bigint
  readonly feed_position: bigint
  readonly handling_head: number | null
}
