import type { ReplySide } from '../domain/reply.ts'
import type { Transaction } from './database.ts'
import { Parameters, permittedHandling, queryVisible, type VisibleTo } from './visible.ts'

/** Until the transaction ends nobody else of an organisation asks for the same: together they stay within a limit. */
export async function askAlone({ client }: Transaction, what: string, organisation: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${what} of ${organisation}`])
}

/** Requests for assistance that an organisation made and nobody answered. */
export const openAssistance = (transaction: Transaction, organisation: string, at: Date): Promise<number> =>
  count(
    transaction,
    `assistance a where a.asker = $1 and a.over_at is null and (a.state = 'accepted' or (a.state = 'asked' and a.due_at > $2))`,
    [organisation, at.toISOString()],
  )

/** Requests of an organisation to be told who a source is that are not decided. */
export const openAttribution = (transaction: Transaction, organisation: string, at: Date): Promise<number> =>
  count(
    transaction,
    `attribution_request r where r.organisation = $1 and r.over_at is null and r.state = 'asked' and r.expires_at > $2`,
    [organisation, at.toISOString()],
  )

/** What the reader's organisation said on one side since the other spoke, as far as the reader may know that it did. */
export async function openWords(transaction: Transaction, visible: VisibleTo, side: ReplySide): Promise<number> {
  const parameters = new Parameters()
  const home = parameters.add(visible.organisation ?? null)
  const mine = side === 'replier' ? 'r.replier' : 'r.originator'
  const body = `select count(*)::int as open from reply r join reply_message m on m.reply = r.id
    where ${mine} = ${home}::text and r.over_at is null and m.side = ${parameters.add(side)}::text
      and m.ordinal > coalesce((select max(o.ordinal) from reply_message o
        where o.reply = r.id and o.side <> m.side and ${permittedHandling(visible, parameters, 'o.handling_id')}), -1)`
  const [row] = await queryVisible<{ open: number }>(transaction, visible, body, parameters)
  return row?.open ?? 0
}

async function count({ client }: Transaction, from: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await client.query<{ open: number }>(`select count(*)::int as open from ${from}`, [...values])
  return rows[0]?.open ?? 0
}
