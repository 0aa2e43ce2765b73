import type { Queries } from './database.ts'

/** The log's rows as an auditor reads them: page by page, in one snapshot, whatever else the database says of them. */

/** A place of the tree with the leaf that should be there. `id` is the leaf's number; the rest is absent where the leaf is. */
export interface PlaceRow {
  readonly index: number
  readonly id: bigint
  readonly hash: Buffer
  readonly leaf?: {
    readonly text: string
    readonly at: Date
    readonly action: string
    readonly actor: string | null
    readonly organisation: string | null
    readonly decision: string
    readonly receipt: string | null
    readonly requests: readonly string[] | null
  }
  /** Bytes of what it is about; absent when that was erased. */
  readonly subjectBytes?: number
}

/** The places from `from` on, in order. */
export async function placesFrom({ client }: Queries, from: number, limit: number): Promise<PlaceRow[]> {
  const { rows } = await client.query<{
    index: bigint
    id: bigint
    hash: Buffer
    there: boolean
    text: string
    at: Date
    action: string
    actor: string | null
    organisation: string | null
    decision: string
    receipt: string | null
    requests: string[] | null
    subject_bytes: number | null
  }>(
    `select t.index, t.leaf as id, t.hash, l.id is not null as there, l.leaf as text, l.at, l.action, l.actor, l.organisation,
       l.decision, l.receipt, l.requests::text[] as requests, octet_length(s.subject) as subject_bytes
     from (select * from audit_tree where index >= $1 order by index limit $2) t
     left join lateral (select * from audit_leaf where id = t.leaf offset 0) l on true
     left join lateral (select * from audit_subject where leaf = t.leaf offset 0) s on true order by t.index`,
    [from, limit],
  )
  return rows.map(({ index, id, hash, there, subject_bytes, ...leaf }) => ({
    ...{ index: Number(index), id, hash },
    ...(there ? { leaf } : {}),
    ...(subject_bytes === null ? {} : { subjectBytes: subject_bytes }),
  }))
}

/** What these leaves are about, by number; erased ones are not there. */
export async function subjectsOf(
  { client }: Queries,
  leaves: readonly bigint[],
): Promise<Map<bigint, { readonly salt: Buffer; readonly subject: string }>> {
  const { rows } = await client.query<{ leaf: bigint; salt: Buffer; subject: string }>(
    'select leaf, salt, subject from audit_subject where leaf = any($1::bigint[])',
    [leaves.map(String)],
  )
  return new Map(rows.map(({ leaf, ...rest }) => [leaf, rest]))
}

/** The largest number that a leaf has, and how many inner nodes and pending leaves there are. */
export async function logExtent({
  client,
}: Queries): Promise<{ readonly lastId: bigint; readonly nodes: number; readonly pending: number }> {
  const { rows } = await client.query<{ last_id: bigint; nodes: bigint; pending: bigint }>(
    `select coalesce((select max(id) from audit_leaf), 0) as last_id, (select count(*) from audit_node) as nodes,
       (select count(*) from audit_pending) as pending`,
  )
  const [row] = rows
  return { lastId: row?.last_id ?? 0n, nodes: Number(row?.nodes ?? 0), pending: Number(row?.pending ?? 0) }
}

/** Leaves numbered above `after` up to `upTo` that are neither in the tree nor waiting for a place. */
export async function strangersBetween({ client }: Queries, after: bigint, upTo: bigint): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `select l.id from audit_leaf l where l.id > $1 and l.id <= $2
       and not exists (select from audit_tree t where t.leaf = l.id)
       and not exists (select from audit_pending p where p.leaf = l.id) order by l.id`,
    [String(after), String(upTo)],
  )
  return rows.map(({ id }) => id)
}

/** Numbers that wait for a place though their leaf is gone, or has one: at most `limit`. */
export async function impossiblePending({ client }: Queries, limit: number): Promise<bigint[]> {
  const { rows } = await client.query<{ leaf: bigint }>(
    `select p.leaf from audit_pending p where not exists (select from audit_leaf l where l.id = p.leaf)
       or exists (select from audit_tree t where t.leaf = p.leaf) order by p.leaf limit $1`,
    [limit],
  )
  return rows.map(({ leaf }) => leaf)
}

/** Texts by their digest (hex), as far as they are there; whether they fit it is for the caller to see. */
export async function basesOf({ client }: Queries, digests: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await client.query<{ digest: string; body: string }>(
    `select encode(b.digest, 'hex') as digest, b.body from unnest($1::text[]) wanted (digest)
     join audit_basis b on b.digest = decode(wanted.digest, 'hex')`,
    [digests],
  )
  return new Map(rows.map(({ digest, body }) => [digest, body]))
}

/** Texts of handlings by their id. */
export async function handlingBodies({ client }: Queries, ids: readonly number[]): Promise<Map<number, string>> {
  const { rows } = await client.query<{ id: number; body: string }>(
    'select id, body from handling where id = any($1::int[])',
    [ids],
  )
  return new Map(rows.map(({ id, body }) => [id, body]))
}
