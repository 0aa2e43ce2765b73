import type { Wanted, WideningRequest, WideningSide, WideningState } from '../domain/widening.ts'
import type { Queries, Transaction } from './database.ts'

/** A request, and the handling of its indicator as it is now. */
export interface KeptWidening extends WideningRequest {
  /** Undefined where the indicator is no more. */
  readonly handlingId: number | undefined
  /** Of the last thing that the other node has to be told. */
  readonly sendNumber: number
  readonly sendFailures: number
}

interface Row {
  readonly id: string
  readonly asker: string
  readonly account: string | null
  readonly received_from: string | null
  readonly sent_to: string | null
  readonly originator: string
  readonly stix_id: string
  readonly version: number
  readonly source_shown: boolean
  readonly wanted: string
  readonly reason: string
  readonly state: WideningState
  readonly asked_at: Date
  readonly closed_at: Date | null
  readonly note: string
  readonly widened_version: number | null
  readonly failure: string | null
  readonly send_after: Date | null
  readonly send_number: number
  readonly send_failures: number
  readonly handling_id: number | null
}

const selected = `select w.*, i.handling_id from widening_request w
  left join indicator i on i.originator = w.originator and i.stix_id = w.stix_id and not i.recalled`

/** Keeps others from asking or answering for the same party until the transaction ends. */
export async function lockWidening({ client }: Transaction, party: string): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtext('widening ' || $1))", [party])
}

/** @param sendAfter from when the other node is to be told @returns false where the same was asked before and is not answered */
export async function insertWidening(
  { client }: Transaction,
  request: WideningRequest,
  sendAfter?: Date,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into widening_request (id, asker, account, received_from, sent_to, originator, stix_id, version, source_shown, wanted, reason,
       state, asked_at, closed_at, send_after)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict do nothing`,
    [
      ...[request.id, request.asker, request.account ?? null, request.receivedFrom ?? null, request.sentTo ?? null],
      ...[request.originator, request.indicator.slice(prefix.length), request.version, request.sourceShown],
      ...[JSON.stringify(request.wanted), request.reason, request.state, request.askedAt, request.closedAt ?? null],
      sendAfter?.toISOString() ?? null,
    ],
  )
  return rowCount === 1
}

const prefix = 'indicator--'

/** @param lock keeps others from closing it until the transaction ends */
export async function wideningById({ client }: Queries, id: string, lock = false): Promise<KeptWidening | undefined> {
  const { rows } = await client.query<Row>(`${selected} where w.id = $1${lock ? ' for update of w' : ''}`, [id])
  return rows[0] && kept(rows[0])
}

export interface WideningFilter {
  /** Account that asked. */
  readonly account: string
  /** Organisation that is asked; absent: only what the account asked. */
  readonly originator?: string
  readonly side?: WideningSide
  readonly states?: readonly WideningState[]
  /** UUID of an indicator. */
  readonly indicator?: string
  readonly before?: { readonly askedAt: string; readonly id: string }
}

/** The newest first. */
export async function wideningPage({ client }: Queries, of: WideningFilter, limit: number): Promise<KeptWidening[]> {
  const { rows } = await client.query<Row>(
    `${selected}
     where (($3::text is distinct from 'received' and w.account = $1)
         or ($3::text is distinct from 'asked' and w.originator = $2 and w.sent_to is null))
       and ($4::text[] is null or w.state = any ($4)) and ($5::uuid is null or w.stix_id = $5)
       and ($6::timestamptz is null or (w.asked_at, w.id) < ($6::timestamptz, $7::uuid))
     order by w.asked_at desc, w.id desc limit $8`,
    [
      ...[of.account, of.originator ?? null, of.side ?? null, of.states ?? null, of.indicator ?? null],
      ...[of.before?.askedAt ?? null, of.before?.id ?? null, limit],
    ],
  )
  return rows.map(kept)
}

/** What an organisation asked here and is not answered, and what it asked since. */
export async function askedBy(
  { client }: Queries,
  asker: string,
  since: Date,
): Promise<{ readonly open: number; readonly recent: number }> {
  const { rows } = await client.query<{ open: number; recent: number }>(
    `select (count(*) filter (where state = 'open'))::int as open, (count(*) filter (where asked_at > $2))::int as recent
     from widening_request where asker = $1 and account is not null and (state = 'open' or asked_at > $2)`,
    [asker, since.toISOString()],
  )
  return rows[0] ?? { open: 0, recent: 0 }
}

/** What came from a peer and is not answered. */
export async function openFromPeer({ client }: Queries, peer: string): Promise<number> {
  const { rows } = await client.query<{ open: number }>(
    `select count(*)::int as open from widening_request where received_from = $1 and state = 'open'`,
    [peer],
  )
  return rows[0]?.open ?? 0
}

/** What came from a peer since then in the name of one asker, and was withdrawn. */
export async function withdrawnFromPeer(
  { client }: Queries,
  peer: string,
  asker: string,
  since: Date,
): Promise<number> {
  const { rows } = await client.query<{ withdrawn: number }>(
    `select count(*)::int as withdrawn from widening_request
     where asker = $2 and asked_at > $3 and received_from = $1 and state = 'withdrawn'`,
    [peer, asker, since.toISOString()],
  )
  return rows[0]?.withdrawn ?? 0
}

export interface Closing {
  readonly state: WideningState
  readonly at: Date
  readonly note?: string
  readonly widenedVersion?: number
  readonly failure?: string
  /** Tells the other node. */
  readonly tell?: boolean
}

export async function closeWidening({ client }: Queries, id: string, closing: Closing): Promise<void> {
  await client.query(
    `update widening_request set state = $2, closed_at = $3, note = $4, widened_version = $5, failure = $6,
       send_after = case when $7 then $3::timestamptz end, send_number = send_number + 1, send_failures = 0
     where id = $1`,
    [
      ...[id, closing.state, closing.at.toISOString(), closing.note ?? '', closing.widenedVersion ?? null],
      ...[closing.failure ?? null, closing.tell === true],
    ],
  )
}

/** Ends what nobody answered: who asked from another node is told. @returns ids */
export async function lapseWidening({ client }: Transaction, before: Date, at: Date, limit: number): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `update widening_request set state = 'lapsed', closed_at = $2, send_number = send_number + 1, send_failures = 0,
       send_after = case when received_from is not null then $2::timestamptz end
     where id in (select id from widening_request where state = 'open' and asked_at <= $1 order by asked_at limit $3 for update skip locked)
     returning id`,
    [before.toISOString(), at.toISOString(), limit],
  )
  return rows.map(({ id }) => id)
}

/** Takes what other nodes have to be told now; another process takes it after the lease if this one dies. */
export async function claimOutgoing(
  { client }: Queries,
  at: Date,
  lease: Date,
  limit: number,
): Promise<KeptWidening[]> {
  const { rows } = await client.query<Row>(
    `update widening_request w set send_after = $2
     where w.id in (select id from widening_request where send_after <= $1 order by send_after limit $3 for update skip locked)
     returning w.*, null::integer as handling_id`,
    [at.toISOString(), lease.toISOString(), limit],
  )
  return rows.map(kept)
}

/** The other node was told the last there was to tell, or will not be. */
export async function toldWidening({ client }: Queries, { id, sendNumber }: KeptWidening): Promise<void> {
  await client.query(
    'update widening_request set send_after = null, send_failures = 0 where id = $1 and send_number = $2',
    [id, sendNumber],
  )
}

/** It could not be told: to be tried again. */
export async function postponeWidening(
  { client }: Queries,
  { id, sendNumber }: KeptWidening,
  until: Date,
): Promise<void> {
  await client.query(
    `update widening_request set send_after = $3, send_failures = send_failures + 1 where id = $1 and send_number = $2`,
    [id, sendNumber, until.toISOString()],
  )
}

const kept = (row: Row): KeptWidening => ({
  id: row.id,
  asker: row.asker,
  ...(row.account === null ? {} : { account: row.account }),
  ...(row.received_from === null ? {} : { receivedFrom: row.received_from }),
  ...(row.sent_to === null ? {} : { sentTo: row.sent_to }),
  originator: row.originator,
  indicator: `${prefix}${row.stix_id}`,
  version: row.version,
  sourceShown: row.source_shown,
  wanted: JSON.parse(row.wanted) as Wanted,
  reason: row.reason,
  state: row.state,
  askedAt: row.asked_at.toISOString(),
  ...(row.closed_at === null ? {} : { closedAt: row.closed_at.toISOString() }),
  note: row.note,
  ...(row.widened_version === null ? {} : { widenedVersion: row.widened_version }),
  ...(row.failure === null ? {} : { failure: row.failure }),
  waiting: row.send_after !== null,
  handlingId: row.handling_id ?? undefined,
  sendNumber: row.send_number,
  sendFailures: row.send_failures,
})
