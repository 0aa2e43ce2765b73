import type { ReplyMessage, ReplySide } from '../domain/reply.ts'
import type { Queries, Transaction } from './database.ts'
import { Parameters, permittedHandling, queryVisible, type VisibleTo } from './visible.ts'

/** One exchange as the node keeps it: with the source. */
export interface StoredReply {
  readonly id: string
  readonly originator: string
  readonly uuid: string
  readonly replier: string
  /** Null where the source was named. */
  readonly alias: string | null
  readonly handlingId: number
  /** Under what the indicator stands now; null where it is not here. */
  readonly presentHandlingId: number | null
  readonly createdAt: string
  /** Who spoke last, of what the reader may have. */
  readonly last: ReplySide | null
}

export interface ReplyFilter {
  readonly id?: string
  /** Only those in which the other spoke last. */
  readonly queue?: boolean
  readonly before?: { readonly createdAt: string; readonly id: string }
  readonly limit: number
}

/** Those of the reader's organisation, on either side, as far as the reader may have them; the newest first. */
export async function repliesOf(
  queries: Queries,
  visible: VisibleTo,
  { id, queue, before, limit }: ReplyFilter,
): Promise<StoredReply[]> {
  const parameters = new Parameters()
  const home = `${parameters.add(visible.organisation ?? null)}::text`
  const conditions = [
    `(r.replier = ${home} or r.originator = ${home})`,
    permittedHandling(visible, parameters, 'r.handling_id'),
    'r.over_at is null',
  ]
  if (id !== undefined) conditions.push(`r.id = ${parameters.add(id)}::uuid`)
  if (before !== undefined)
    conditions.push(
      `(r.created_at, r.id) < (${parameters.add(before.createdAt)}::timestamptz, ${parameters.add(before.id)}::uuid)`,
    )
  if (queue === true) conditions.push(`(l.side = 'source') = (r.replier = ${home})`)
  const body = `select r.id, r.originator, r.stix_id as uuid, r.replier, r.alias, r.handling_id as "handlingId",
      p.handling_id as "presentHandlingId", r.created_at as "createdAt", l.side as last
    from reply r left join indicator p on p.originator = r.originator and p.stix_id = r.stix_id left join lateral (select m.side from reply_message m
      where m.reply = r.id and ${permittedHandling(visible, parameters, 'm.handling_id')}
      order by m.ordinal desc limit 1) l on true
    where ${conditions.join(' and ')} order by r.created_at desc, r.id desc limit ${parameters.add(limit)}`
  const rows = await queryVisible<StoredReply>(queries, visible, body, parameters)
  return rows.map(({ id, originator, uuid, replier, alias, handlingId, presentHandlingId, createdAt, last }) => ({
    ...{ id, originator, uuid, replier, alias, handlingId, presentHandlingId, createdAt, last },
  }))
}

/** What was said, as far as the reader may have it. */
export async function replyMessagesOf(
  queries: Queries,
  visible: VisibleTo,
  id: string,
): Promise<(ReplyMessage & { readonly account: string })[]> {
  const parameters = new Parameters()
  const body = `select m.side as "from", m.account, m.text, m.at from reply_message m
    where m.reply = ${parameters.add(id)}::uuid and ${permittedHandling(visible, parameters, 'm.handling_id')}
    order by m.ordinal`
  const rows = await queryVisible<ReplyMessage & { account: string }>(queries, visible, body, parameters)
  return rows.map(({ from, account, text, at }) => ({ from, account, text, at }))
}

/**
 * Opens the exchange between a replier and a source about one indicator, or finds it; held by this transaction.
 * @returns its id
 */
export async function openReply(
  { client }: Transaction,
  row: Omit<StoredReply, 'last' | 'presentHandlingId'>,
): Promise<string> {
  await client.query(
    `insert into reply (id, originator, stix_id, replier, alias, handling_id, created_at) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (replier, originator, stix_id) where over_at is null do nothing`,
    [row.id, row.originator, row.uuid, row.replier, row.alias, row.handlingId, row.createdAt],
  )
  const { rows } = await client.query<{ id: string }>(
    'select id from reply where replier = $1 and originator = $2 and stix_id = $3 and over_at is null for update',
    [row.replier, row.originator, row.uuid],
  )
  if (rows[0] === undefined) throw new Error('an exchange vanished while it was opened')
  return rows[0].id
}

/** Keeps others from speaking in it until the transaction ends; of what is not the organisation's nothing is held. */
export async function holdReply({ client }: Transaction, organisation: string, id: string): Promise<void> {
  await client.query('select from reply where id = $1 and (replier = $2 or originator = $2) for update', [
    id,
    organisation,
  ])
}

/** Adds to what this transaction holds. */
export async function appendReplyMessage(
  { client }: Transaction,
  id: string,
  { from, account, text, at }: ReplyMessage & { readonly account: string },
  handlingId: number,
): Promise<void> {
  await client.query(
    `insert into reply_message (reply, ordinal, side, account, handling_id, text, at)
     values ($1, (select count(*) from reply_message where reply = $1), $2, $3, $4, $5, $6)`,
    [id, from, account, handlingId, text, at],
  )
}
