import type { Queries } from '../../src/store/database.ts'

/** What a superuser can do: takes the last leaves of the audit log away, with every head over them. */
export async function rollBack(client: Queries['client']): Promise<void> {
  const { rows } = await client.query<{ size: string }>(
    'select size from audit_checkpoint order by size desc offset 1 limit 1',
  )
  const size = Number(rows[0]?.size)
  await client.query('set session_replication_role = replica')
  await client.query('create temporary table gone as select leaf from audit_tree where index >= $1', [size])
  await client.query('delete from audit_tree where index >= $1', [size])
  await client.query('delete from audit_node where (index + 1) * power(16, level / 4)::bigint > $1', [size])
  await client.query('delete from audit_checkpoint where size > $1', [size])
  await client.query('delete from audit_subject where leaf in (select leaf from gone)')
  await client.query('delete from audit_leaf where id in (select leaf from gone)')
  await client.query('set session_replication_role = default')
}
