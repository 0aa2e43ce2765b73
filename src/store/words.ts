import type { RetentionDuty, WordType } from '../domain/retention.ts'
import type { Queries, Transaction } from './database.ts'
import { Parameters } from './visible.ts'

/** How one kind of what people write is kept: rows `w`, and what was said in each. */
interface Words {
  readonly table: string
  readonly said: { readonly table: string; readonly column: string }
  /** Under what it is. */
  readonly handling: string
  /** Whether nobody is to say something any more. */
  readonly ended: (at: string) => string
  /** Which indicators it is about. */
  readonly about: string
}

const itself = 'select w.originator, w.stix_id'

const words: Readonly<Record<WordType, Words>> = {
  assistance: {
    table: 'assistance',
    said: { table: 'assistance_step', column: 'assistance' },
    handling: 'w.handling_id',
    ended: (at) => `w.state <> 'asked' and (w.state <> 'accepted' or w.due_at <= ${at})`,
    about: 'select r.originator, r.stix_id from assistance_indicator r where r.assistance = w.id',
  },
  reply: {
    table: 'reply',
    said: { table: 'reply_message', column: 'reply' },
    handling: 'w.handling_id',
    ended: () => 'true',
    about: itself,
  },
  'attribution-request': {
    table: 'attribution_request',
    said: { table: 'attribution_request_step', column: 'request' },
    handling: '(select i.handling_id from indicator i where i.originator = w.originator and i.stix_id = w.stix_id)',
    ended: () => `w.state <> 'asked'`,
    about: itself,
  },
}

/** From `${type} w`: those of a duty that are over, by what was last said. */
function overCondition(type: WordType, duty: RetentionDuty, at: Date, parameters: Parameters): string {
  const { said, handling, ended } = words[type]
  const before = new Date(at.getTime() - (duty.afterExpiryDays ?? 0) * 86_400_000).toISOString()
  const quiet = `${parameters.add(before)}::timestamptz`
  return [
    'w.over_at is null',
    `w.created_at <= ${quiet}`,
    ended(quiet),
    `${handling} = any(${parameters.add(duty.handlings)}::integer[])`,
    `not exists (select from ${said.table} s where s.${said.column} = w.id and s.at > ${quiet})`,
  ].join(' and ')
}

/** Ends those of a kind that a duty is about, so many at most: nobody has them any more. @returns their ids */
export async function endWords(
  { client }: Transaction,
  type: WordType,
  duty: RetentionDuty,
  at: Date,
  limit: number,
): Promise<string[]> {
  const parameters = new Parameters()
  const { table } = words[type]
  const { rows } = await client.query<{ id: string }>(
    `update ${table} set over_at = ${parameters.add(at.toISOString())} where id in (
       select w.id from ${table} w where ${overCondition(type, duty, at, parameters)} limit ${parameters.add(limit)} for update skip locked)
     returning id`,
    parameters.values,
  )
  return rows.map(({ id }) => id)
}

/** How many of a kind a duty would end now. */
export async function countWords({ client }: Queries, type: WordType, duty: RetentionDuty, at: Date): Promise<number> {
  const parameters = new Parameters()
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from ${words[type].table} w where ${overCondition(type, duty, at, parameters)}`,
    parameters.values,
  )
  return rows[0]?.count ?? 0
}

/** Ends what was written about indicators that are purged. @param keys STIX uuids, and originators beside them @returns ids */
export async function endWordsAbout(
  { client }: Transaction,
  keys: readonly [uuids: readonly string[], originators: readonly string[]],
  at: Date,
): Promise<string[]> {
  const ended: string[] = []
  for (const table of ['reply', 'attribution_request']) {
    const { rows } = await client.query<{ id: string }>(
      `update ${table} w set over_at = $3 from unnest($1::uuid[], $2::text[]) k (stix_id, originator)
       where w.stix_id = k.stix_id and w.originator = k.originator and w.over_at is null returning w.id`,
      [...keys, at.toISOString()],
    )
    ended.push(...rows.map(({ id }) => id))
  }
  return ended
}

/** Erases what the log was told of what ended, with the salts, and receipts of who asked for it with a key. */
export async function forgetTold({ client }: Transaction, ids: readonly string[]): Promise<void> {
  await client.query(
    `delete from audit_subject where subject ~ '^\\{"(?:assistance|reply|request)":(?:\\{"id":)?"'
       and substring(subject from '^\\{"(?:assistance|reply|request)":(?:\\{"id":)?"([0-9a-f-]{36})"') = any($1::text[])`,
    [ids],
  )
  await client.query(`delete from receipt where starts_with(answer, '{"id":"') and answer = any($1::text[])`, [
    ids.map((id) => JSON.stringify({ id })),
  ])
}

/** Deletes what ended and is about nothing that a hold keeps, so many of a kind at most. @returns how many */
export async function deleteWords({ client }: Transaction, type: WordType, limit: number): Promise<number> {
  const { table, said, about } = words[type]
  const { rows } = await client.query<{ id: string }>(
    `select w.id from ${table} w where w.over_at is not null and not exists (
       select from (${about}) k (originator, stix_id) join escrow e on e.originator = k.originator and e.stix_id = k.stix_id
       join hold h on h.request = e.request and h.ended_at is null)
     limit $1 for update skip locked`,
    [limit],
  )
  if (rows.length === 0) return 0
  const ids = rows.map(({ id }) => id)
  await client.query(`delete from ${said.table} where ${said.column} = any($1::uuid[])`, [ids])
  if (type === 'assistance')
    await client.query('delete from assistance_indicator where assistance = any($1::uuid[])', [ids])
  await client.query(`delete from ${table} where id = any($1::uuid[])`, [ids])
  return ids.length
}
