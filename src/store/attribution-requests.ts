import type { AttributionDecider, AttributionRequest, AttributionStep } from '../domain/attribution-request.ts'
import type { Queries, Transaction } from './database.ts'

/** Which to list: those of an account, of a source, or all; each part by itself. */
export interface AttributionPart {
  readonly account?: string
  readonly originator?: string
  /** Only those on which this side has not decided. */
  readonly undecidedBy?: AttributionDecider
}

interface Row extends Omit<AttributionRequest, 'indicator' | 'createdAt' | 'expiresAt' | 'steps'> {
  readonly uuid: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

const columns = `r.id, r.account, r.organisation, r.originator, r.stix_id as uuid, r.alias, r.reason, r.state,
  r.created_at as "createdAt", r.expires_at as "expiresAt"`

/** One with its steps. @param lock keeps others from taking a step until the transaction ends */
export async function readAttributionRequest(
  queries: Queries,
  id: string,
  lock = false,
): Promise<AttributionRequest | undefined> {
  const { rows } = await queries.client.query<Row>(
    `select ${columns} from attribution_request r where r.id = $1 and r.over_at is null ${lock ? 'for update' : ''}`,
    [id],
  )
  return (await withSteps(queries, rows))[0]
}

/** The newest first. */
export async function attributionRequestsOf(
  queries: Queries,
  parts: readonly AttributionPart[],
  before: AttributionRequest | undefined,
  limit: number,
): Promise<AttributionRequest[]> {
  if (parts.length === 0) return []
  const values: unknown[] = [limit]
  const value = (each: unknown): string => `$${values.push(each)}`
  const ofPart = ({ account, originator, undecidedBy }: AttributionPart): string => {
    const conditions = ['true']
    if (account !== undefined) conditions.push(`r.account = ${value(account)}`)
    if (originator !== undefined) conditions.push(`r.originator = ${value(originator)}`)
    if (undecidedBy !== undefined)
      conditions.push(`r.state = 'asked' and not exists (select from attribution_request_step s
        where s.request = r.id and s.side = ${value(undecidedBy)})`)
    return `(${conditions.join(' and ')})`
  }
  const wanted = parts.map(ofPart).join(' or ')
  const older =
    before === undefined
      ? ''
      : `and (r.created_at, r.id) < (${value(before.createdAt)}::timestamptz, ${value(before.id)}::uuid)`
  const { rows } = await queries.client.query<Row>(
    `select ${columns} from attribution_request r where r.over_at is null and (${wanted}) ${older}
     order by r.created_at desc, r.id desc limit $1`,
    values,
  )
  return await withSteps(queries, rows)
}

/** Those that can be decided no longer and that nobody has said so of, held by this transaction. */
export async function lapsedAttributionRequests(
  queries: Transaction,
  at: Date,
  limit: number,
): Promise<AttributionRequest[]> {
  const { rows } = await queries.client.query<Row>(
    `select ${columns} from attribution_request r where r.over_at is null and r.state = 'asked' and r.expires_at <= $1
     order by r.expires_at limit $2 for update skip locked`,
    [at.toISOString(), limit],
  )
  return await withSteps(queries, rows)
}

export async function insertAttributionRequest(
  { client }: Transaction,
  uuid: string,
  request: AttributionRequest,
): Promise<void> {
  const { id, account, organisation, originator, alias, reason, state, createdAt, expiresAt } = request
  await client.query(
    `insert into attribution_request (id, account, organisation, originator, stix_id, alias, reason, state, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [id, account, organisation, originator, uuid, alias, reason, state, createdAt, expiresAt],
  )
}

/** Writes the latest step of a request, and what became of it. */
export async function appendAttributionStep(
  { client }: Transaction,
  { id, state, steps }: AttributionRequest,
): Promise<void> {
  const taken = steps.at(-1)
  if (taken === undefined) throw new Error('a request has no step')
  await client.query('update attribution_request set state = $2 where id = $1', [id, state])
  await client.query(
    `insert into attribution_request_step (request, ordinal, step, side, account, note, at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, steps.length - 1, taken.step, taken.side, taken.account ?? null, taken.note, taken.at],
  )
}

async function withSteps({ client }: Queries, rows: readonly Row[]): Promise<AttributionRequest[]> {
  if (rows.length === 0) return []
  const { rows: found } = await client.query<
    Omit<AttributionStep, 'at'> & { request: string; account: string | null; at: Date }
  >(
    `select request, step, side, account, note, at from attribution_request_step
     where request = any($1::uuid[]) order by request, ordinal`,
    [rows.map(({ id }) => id)],
  )
  return rows.map(({ uuid, createdAt, expiresAt, ...row }) => ({
    ...row,
    indicator: `indicator--${uuid}`,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    steps: found
      .filter(({ request }) => request === row.id)
      .map(({ request: _, account, at, ...step }) => ({
        ...step,
        at: at.toISOString(),
        ...(account === null ? {} : { account }),
      })),
  }))
}
