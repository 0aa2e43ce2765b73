import type { Queries } from './database.ts'

/** The policy's permission as SQL can check it: sets of handling ids as bitmaps, true for one policy epoch. */
export interface VisibleTo {
  readonly epoch: bigint
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

/** The condition under which a row of `indicator i` is visible. The bitmap's length is checked first: `get_bit` refuses beyond it. */
export function visibleCondition({ bitmap, organisation }: VisibleTo, parameters: Parameters): string {
  const bytes = parameters.add(Buffer.from(bitmap.buffer, bitmap.byteOffset, bitmap.byteLength))
  return `i.handling_id < ${bitmap.length * 8} and get_bit(${bytes}::bytea, i.handling_id) = 1
    and (not i.recalled or i.originator = ${parameters.add(organisation ?? null)}::text)`
}

/**
 * Runs a query whose condition is {@link visibleCondition}, in the same snapshot as a look at the policy epoch: rows are
 * answered only if the permission is still the one that holds.
 * @throws {PolicyMoved}
 */
export async function queryVisible<Row extends object>(
  { client }: Queries,
  visible: VisibleTo,
  body: string,
  parameters: Parameters,
): Promise<Row[]> {
  const { rows } = await client.query<Row & { policy_epoch: bigint; found: boolean | null }>(
    `select s.epoch as policy_epoch, r.* from (select epoch from policy_state) s
     left join lateral (select true as found, b.* from (${body}) b) r on true`,
    parameters.values,
  )
  const [first] = rows
  if (first === undefined || first.policy_epoch !== visible.epoch) throw new PolicyMoved('the policy epoch moved')
  return rows.filter((row) => row.found === true)
}
