import type { Queries, Transaction } from './database.ts'

/** Lock of whoever takes leaves into the tree: one process of a node at a time. */
const lockKey = 7_834_685

/** Whether this transaction alone may grow the tree; held until its end. */
export async function lockTree({ client }: Transaction): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_xact_lock($1) as locked', [lockKey])
  return rows[0]?.locked === true
}

/** How many leaves the tree has. */
export async function treeSize({ client }: Queries): Promise<number> {
  const { rows } = await client.query<{ size: bigint }>('select coalesce(max(index) + 1, 0) as size from audit_tree')
  return Number(rows[0]?.size ?? 0)
}

/**
 * Committed leaves without a place in the tree, by number; a number that was already placed stays where it is. `offset 0` keeps
 * each look-up one by key: the planner does not know how few are pending, and may read the whole log for them.
 */
export async function pendingLeaves(
  { client }: Queries,
  limit: number,
): Promise<{ readonly id: bigint; readonly text: string }[]> {
  const { rows } = await client.query<{ id: bigint; text: string }>(
    `select p.leaf as id, l.leaf as text from audit_pending p
     cross join lateral (select * from audit_leaf where id = p.leaf offset 0) l
     left join lateral (select true as placed from audit_tree where leaf = p.leaf offset 0) t on true
     where t.placed is null order by p.leaf limit $1`,
    [limit],
  )
  return rows
}

export interface TreeNode {
  readonly level: number
  readonly index: number
  readonly hash: Uint8Array
}

/** Gives leaves the places from `size` on, with the nodes that they complete. */
export async function growTree(
  { client }: Transaction,
  size: number,
  leaves: readonly { readonly id: bigint; readonly hash: Uint8Array }[],
  nodes: readonly TreeNode[],
): Promise<void> {
  const ids = leaves.map(({ id }) => String(id))
  await client.query(
    `insert into audit_tree (index, leaf, hash)
     select $1::bigint + n - 1, leaf, hash from unnest($2::bigint[], $3::bytea[]) with ordinality l (leaf, hash, n)`,
    [size, ids, leaves.map(({ hash }) => hash)],
  )
  await client.query('delete from audit_pending where leaf = any($1::bigint[])', [ids])
  if (nodes.length === 0) return
  await client.query(
    'insert into audit_node (level, index, hash) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])',
    [nodes.map(({ level }) => level), nodes.map(({ index }) => index), nodes.map(({ hash }) => hash)],
  )
}

/** The kept nodes of these spans, leaves as level 0. */
export async function readNodes(
  { client }: Queries,
  spans: readonly { readonly level: number; readonly from: number; readonly to: number }[],
): Promise<TreeNode[]> {
  if (spans.length === 0) return []
  const { rows } = await client.query<{ level: number; index: bigint; hash: Buffer }>(
    `with span as (select * from unnest($1::smallint[], $2::bigint[], $3::bigint[]) s (level, first, beyond))
     select s.level, t.index, t.hash from span s join audit_tree t on t.index >= s.first and t.index < s.beyond
     where s.level = 0
     union all
     select s.level, n.index, n.hash from span s
     join audit_node n on n.level = s.level and n.index >= s.first and n.index < s.beyond where s.level > 0`,
    [spans.map(({ level }) => level), spans.map(({ from }) => from), spans.map(({ to }) => to)],
  )
  return rows.map(({ level, index, hash }) => ({ level, index: Number(index), hash }))
}

/** A signed head of the tree. `note` is the whole signed note. */
export interface StoredCheckpoint {
  readonly size: number
  readonly root: Buffer
  readonly note: string
  readonly at: Date
}

export async function insertCheckpoint(
  { client }: Transaction,
  { size, root, note, at }: StoredCheckpoint,
): Promise<void> {
  await client.query('insert into audit_checkpoint (size, root, note, at) values ($1, $2, $3, $4)', [
    size,
    root,
    note,
    at.toISOString(),
  ])
}

/** The checkpoint of the largest tree, or of exactly this size. */
export async function readCheckpoint({ client }: Queries, size?: number): Promise<StoredCheckpoint | undefined> {
  const { rows } = await client.query<CheckpointRow>(
    `select size, root, note, at from audit_checkpoint where $1::bigint is null or size = $1 order by size desc limit 1`,
    [size ?? null],
  )
  return rows[0] === undefined ? undefined : toCheckpoint(rows[0])
}

/** Checkpoints of trees larger than `after`, by size. */
export async function checkpointsAfter({ client }: Queries, after: number, limit: number): Promise<StoredCheckpoint[]> {
  const { rows } = await client.query<CheckpointRow>(
    'select size, root, note, at from audit_checkpoint where size > $1 order by size limit $2',
    [after, limit],
  )
  return rows.map(toCheckpoint)
}

interface CheckpointRow {
  readonly size: bigint
  readonly root: Buffer
  readonly note: string
  readonly at: Date
}

const toCheckpoint = (row: CheckpointRow): StoredCheckpoint => ({ ...row, size: Number(row.size) })
