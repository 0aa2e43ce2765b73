import type { Queries, Transaction } from './database.ts'

/** A checkpoint as this node keeps it, its own or another's. */
export interface CheckpointRow {
  /** Leaf hash of the envelope, 32 bytes. */
  readonly digest: Buffer
  readonly node: string
  readonly epoch: string
  readonly size: number
  readonly root: Buffer
  readonly audit?: { readonly key: string; readonly size: number; readonly root: Buffer }
  readonly issuedAt: string
  readonly expiresAt: string
  /** JSON of the envelope, its place and its seal. */
  readonly entry: string
  /** The peer it came from; absent: sealed here. */
  readonly receivedFrom?: string
  readonly proven: boolean
}

interface Row {
  readonly digest: Buffer
  readonly node: string
  readonly epoch: string
  readonly size: number
  readonly root: Buffer
  readonly audit_key: string | null
  readonly audit_size: bigint | null
  readonly audit_root: Buffer | null
  readonly issued_at: Date
  readonly expires_at: Date
  readonly entry: string
  readonly received_from: string | null
  readonly proven: boolean
}

const columns = `digest, node, epoch, size, root, audit_key, audit_size, audit_root, issued_at, expires_at, entry, received_from, proven`

const toCheckpoint = (row: Row): CheckpointRow => ({
  digest: row.digest,
  node: row.node,
  epoch: row.epoch,
  size: row.size,
  root: row.root,
  ...(row.audit_key === null || row.audit_size === null || row.audit_root === null
    ? {}
    : { audit: { key: row.audit_key, size: Number(row.audit_size), root: row.audit_root } }),
  issuedAt: row.issued_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
  entry: row.entry,
  ...(row.received_from === null ? {} : { receivedFrom: row.received_from }),
  proven: row.proven,
})

/** Keeps a checkpoint, once; of its node only the newest ones. @returns whether it is new here */
export async function keepCheckpoint(
  { client }: Transaction,
  row: CheckpointRow,
  at: Date,
  kept: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into checkpoint (${columns}, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (digest) do nothing`,
    [
      ...[row.digest, row.node, row.epoch, row.size, row.root],
      ...[row.audit?.key ?? null, row.audit?.size ?? null, row.audit?.root ?? null],
      ...[row.issuedAt, row.expiresAt, row.entry, row.receivedFrom ?? null, row.proven, at.toISOString()],
    ],
  )
  await client.query(
    `delete from checkpoint where node = $1 and issued_at < (
       select issued_at from checkpoint where node = $1 order by issued_at desc offset $2 limit 1)`,
    [row.node, kept - 1],
  )
  return rowCount === 1
}

/** The newest checkpoints that are kept of a node. */
export async function newestCheckpoints({ client }: Queries, node: string, limit: number): Promise<CheckpointRow[]> {
  const { rows } = await client.query<Row>(
    `select ${columns} from checkpoint where node = $1 and not settled order by issued_at desc, size desc limit $2`,
    [node, limit],
  )
  return rows.map(toCheckpoint)
}

/** Of a node those that it has not shown to extend yet, the oldest first, and the newest that it has. */
export async function toBeProven({ client }: Queries, node: string, limit: number): Promise<CheckpointRow[]> {
  const { rows } = await client.query<Row>(
    `(select ${columns} from checkpoint where node = $1 and not settled and not proven order by at limit $2)
     union all
     (select ${columns} from checkpoint where node = $1 and not settled and proven order by issued_at desc limit 1)`,
    [node, limit - 1],
  )
  return rows.map(toCheckpoint)
}

export async function markProven({ client }: Transaction, digests: readonly Buffer[]): Promise<void> {
  await client.query('update checkpoint set proven = true where digest = any($1::bytea[]) and not proven', [digests])
}

/** What is kept of a node is compared with nothing any more. */
export async function settleCheckpoints({ client }: Transaction, node: string): Promise<void> {
  await client.query('update checkpoint set settled = true where node = $1 and not settled', [node])
}

/** Two checkpoints that no honest node signs both. */
export interface Contradiction {
  readonly kind: 'two_roots' | 'two_audit_roots' | 'audit_key_changed'
  readonly node: string
  readonly size: number
  readonly digests: readonly [Buffer, Buffer]
  readonly entries: readonly [string, string]
}

/** What one checkpoint and all that are kept contradict each other in, one of each kind. */
export async function contradictionsOf({ client }: Queries, digest: Buffer): Promise<Contradiction[]> {
  const { rows } = await client.query<{
    kind: Contradiction['kind']
    node: string
    size: bigint
    mine: Buffer
    other: Buffer
    my_entry: string
    other_entry: string
  }>(
    `select distinct on (kind) kind, a.node, case kind when 'two_roots' then a.size else a.audit_size end as size,
       a.digest as mine, b.digest as other, a.entry as my_entry, b.entry as other_entry
     from checkpoint a join checkpoint b on b.node = a.node and b.digest <> a.digest and not b.settled
     cross join lateral (
       select 'two_roots' as kind where a.epoch = b.epoch and a.size = b.size and a.root <> b.root
       union all select 'two_audit_roots' where a.audit_key = b.audit_key and a.audit_size = b.audit_size and a.audit_root <> b.audit_root
       union all select 'audit_key_changed' where a.audit_key <> b.audit_key
     ) k where a.digest = $1 and not a.settled order by kind, b.issued_at desc`,
    [digest],
  )
  return rows.map(({ kind, node, size, mine, other, my_entry, other_entry }) => ({
    ...{ kind, node, size: Number(size) },
    digests: [mine, other],
    entries: [my_entry, other_entry],
  }))
}

/** Which of these are kept, in hex. */
export async function knownDigests({ client }: Queries, digests: readonly Buffer[]): Promise<Set<string>> {
  const { rows } = await client.query<{ digest: Buffer }>(
    'select digest from checkpoint where digest = any($1::bytea[])',
    [digests],
  )
  return new Set(rows.map(({ digest }) => digest.toString('hex')))
}
