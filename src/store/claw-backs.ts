import type { Queries, Transaction } from './database.ts'

/** An indicator of a package that was fetched, recalled since. */
export interface ClawBackRow {
  readonly export: string
  readonly ordinal: number
  readonly request: string
  readonly account: string
  readonly originator: string
  readonly stixId: string
  readonly version: number
  readonly recalledAt: Date
  readonly confirmedAt: Date | null
  readonly note: string | null
}

/** Whose: what an account fetched, everybody's, or what is of one originator and under no request that is a secret at `at`. */
export type ClawBacksOf =
  | { readonly account: string }
  | { readonly node: true }
  | { readonly originator: string; readonly at: Date }

export interface ClawBackFilter {
  /** Each may be met. */
  readonly of: readonly ClawBacksOf[]
  readonly confirmed: boolean
  /** Recalled by then. */
  readonly recalledBy?: Date
  readonly limit: number
}

const rows = `select c.export, c.ordinal, e.request, e.account, x.originator, x.stix_id as "stixId", x.version,
    c.recalled_at as "recalledAt", c.confirmed_at as "confirmedAt", c.note
  from claw_back c
  join export e on e.id = c.export and e.state = 'downloaded'
  join export_item x on x.export = c.export and x.ordinal = c.ordinal
  join legal_request r on r.id = e.request`

/** The first to be recalled first. */
export async function clawBacksOf({ client }: Queries, filter: ClawBackFilter): Promise<ClawBackRow[]> {
  const values: unknown[] = [filter.confirmed, filter.recalledBy?.toISOString() ?? null, filter.limit]
  const place = (value: unknown): string => `$${values.push(value)}`
  const parts = filter.of.map((of) => {
    if ('account' in of) return `e.account = ${place(of.account)}`
    if ('node' in of) return 'true'
    const secret = `r.confidential_until is null or r.confidential_until <= ${place(of.at.toISOString())}::timestamptz`
    return `(x.originator = ${place(of.originator)} and (${secret}))`
  })
  const found = await client.query<ClawBackRow>(
    `${rows} where (c.confirmed_at is not null) = $1 and ($2::timestamptz is null or c.recalled_at <= $2)
     and (${parts.join(' or ') || 'false'}) order by c.recalled_at, c.export, c.ordinal limit $3`,
    values,
  )
  return found.rows
}

/** Those of an export that wait, locked; of these ids alone where some are named. */
export async function openClawBacks(
  { client }: Transaction,
  id: string,
  uuids: readonly string[] | undefined,
): Promise<ClawBackRow[]> {
  const found = await client.query<ClawBackRow>(
    `${rows} where c.export = $1 and c.confirmed_at is null and ($2::uuid[] is null or x.stix_id = any($2))
     order by c.ordinal for update of c`,
    [id, uuids ?? null],
  )
  return found.rows
}

export async function confirmClawBacks(
  { client }: Transaction,
  id: string,
  ordinals: readonly number[],
  { at, by, note }: { readonly at: Date; readonly by: string; readonly note: string },
): Promise<void> {
  await client.query(
    `update claw_back set confirmed_at = $3, confirmed_by = $4, note = $5 where export = $1 and ordinal = any($2::integer[])`,
    [id, ordinals, at.toISOString(), by, note],
  )
}
