import type { Queries } from './database.ts'

/** How far ahead of what is written the logs' partitions are made: as many rows as one partition holds. */
const rowsAhead = 10_000_000

/** Makes the partitions that the feed and the audit log will need next; does nothing where they are there. */
export async function ensurePartitions({ client }: Queries): Promise<void> {
  await client.query(
    `select ensure_partitions('feed', (select position from feed_head) + $1::bigint),
       ensure_partitions('audit_leaf', coalesce((select max(id) from audit_leaf), 0) + $1::bigint)`,
    [rowsAhead],
  )
}
