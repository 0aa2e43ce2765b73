import type { Queries } from './database.ts'

/** Keeps what became of what an account sent. @param body JSON text */
export async function keepStatus(
  { client }: Queries,
  status: { readonly id: string; readonly account: string; readonly at: Date; readonly body: string },
): Promise<void> {
  await client.query('insert into collection_status (id, account, at, body) values ($1, $2, $3, $4)', [
    status.id,
    status.account,
    status.at.toISOString(),
    status.body,
  ])
}

/** @returns JSON text; undefined for what somebody else sent, as for what nobody did */
export async function readStatus({ client }: Queries, id: string, account: string): Promise<string | undefined> {
  const { rows } = await client.query<{ body: string }>(
    'select body from collection_status where id = $1 and account = $2',
    [id, account],
  )
  return rows[0]?.body
}

/** @returns how many */
export async function forgetStatuses({ client }: Queries, before: Date): Promise<number> {
  const { rowCount } = await client.query('delete from collection_status where at < $1', [before.toISOString()])
  return rowCount ?? 0
}
