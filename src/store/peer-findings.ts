import type { FindingKind } from '../domain/checkpoint.ts'
import type { Queries, Transaction } from './database.ts'

export interface FindingRow {
  /** Whose log it is. */
  readonly node: string
  readonly kind: FindingKind
  readonly detail: string
  /** The peer whose answer brought it. */
  readonly seenFrom: string
  readonly at: Date
  readonly settledAt: Date | null
}

export interface NewFinding extends Omit<FindingRow, 'settledAt'> {
  readonly digests: readonly Buffer[]
  readonly entries: readonly string[]
}

/** Writes a finding down, once. @returns whether it is new */
export async function keepFinding({ client }: Transaction, finding: NewFinding): Promise<boolean> {
  const { node, kind, detail, seenFrom, at, digests, entries } = finding
  const { rowCount } = await client.query(
    `insert into peer_finding (node, kind, detail, digests, entries, seen_from, at) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (node, kind, digests) do nothing`,
    [
      ...[
        node,
        kind,
        detail,
        digests
          .map((digest) => digest.toString('hex'))
          .sort()
          .join(' '),
      ],
      ...[JSON.stringify(entries), seenFrom, at.toISOString()],
    ],
  )
  return rowCount === 1
}

/** What was found of a peer's logs, and of this node's by that peer; the newest first. */
export async function findingsOf(
  { client }: Queries,
  peer: string,
  self: string,
  limit: number,
): Promise<FindingRow[]> {
  const { rows } = await client.query<
    Omit<FindingRow, 'seenFrom' | 'settledAt'> & { seen_from: string; settled_at: Date | null }
  >(
    `select node, kind, detail, seen_from, at, settled_at from peer_finding
     where node = $1 or (node = $2 and seen_from = $1) order by id desc limit $3`,
    [peer, self, limit],
  )
  return rows.map(({ seen_from: seenFrom, settled_at: settledAt, ...row }) => ({ ...row, seenFrom, settledAt }))
}

/** What is not settled of a node's logs: the evidence, as it is passed on. */
export async function openEvidence({ client }: Queries, node: string, limit: number): Promise<string[]> {
  const { rows } = await client.query<{ entries: string }>(
    'select entries from peer_finding where node = $1 and settled_at is null order by id desc limit $2',
    [node, limit],
  )
  return rows.flatMap(({ entries }) => JSON.parse(entries) as string[])
}

/** An operator has looked at what was found of a peer, and of this node by it. */
export async function settleFindings({ client }: Transaction, peer: string, self: string, at: Date): Promise<void> {
  await client.query(
    `update peer_finding set settled_at = $3 where settled_at is null and (node = $1 or (node = $2 and seen_from = $1))`,
    [peer, self, at.toISOString()],
  )
}
