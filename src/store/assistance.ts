import type { Assistance, AssistanceStep } from '../domain/assistance.ts'
import type { Queries, Transaction } from './database.ts'
import { type Answer, askVisible, Parameters, permittedHandling, type VisibleTo, visibleCondition } from './visible.ts'

/** One asking with the handlings of both sides. */
export interface StoredAssistance extends Assistance {
  readonly handlingId: number
  readonly answerHandlingId: number
}

/** Which to list, of those of the reader's organisation. */
export interface AssistanceFilter {
  readonly id?: string
  readonly states?: readonly string[]
  /** Only what waits for the organisation. */
  readonly queue?: boolean
  /** Only what was due by then and is not answered. */
  readonly overdueAt?: Date
  readonly before?: { readonly createdAt: string; readonly id: string }
  readonly limit: number
}

/** An indicator that one refers to. */
export interface Reference {
  readonly originator: string
  readonly uuid: string
}

const columns = `a.id, a.kind, a.asker as "from", a.addressee as "to", a.state, a.due_at as "dueAt", a.version,
  a.created_at as "createdAt", a.handling_id as "handlingId", a.answer_handling_id as "answerHandlingId"`

/** Those of the reader's organisation whose asking the reader may have, the newest first. */
export async function assistanceOf(
  queries: Queries,
  visible: VisibleTo,
  { id, states, queue, overdueAt, before, limit }: AssistanceFilter,
): Promise<StoredAssistance[]> {
  const parameters = new Parameters()
  const home = `${parameters.add(visible.organisation ?? null)}::text`
  const conditions = [
    `(a.asker = ${home} or a.addressee = ${home})`,
    permittedHandling(visible, parameters, 'a.handling_id'),
    'a.over_at is null',
  ]
  if (id !== undefined) conditions.push(`a.id = ${parameters.add(id)}::uuid`)
  if (states !== undefined) conditions.push(`a.state = any(${parameters.add(states)}::text[])`)
  if (queue === true)
    conditions.push(
      `((a.addressee = ${home} and a.state in ('asked', 'accepted')) or (a.asker = ${home} and a.state = 'answered'))`,
    )
  if (overdueAt !== undefined)
    conditions.push(
      `a.state in ('asked', 'accepted') and a.due_at <= ${parameters.add(overdueAt.toISOString())}::timestamptz`,
    )
  if (before !== undefined)
    conditions.push(
      `(a.created_at, a.id) < (${parameters.add(before.createdAt)}::timestamptz, ${parameters.add(before.id)}::uuid)`,
    )
  const body = `select ${columns} from assistance a where ${conditions.join(' and ')}
    order by a.created_at desc, a.id desc limit ${parameters.add(limit)}`
  return rowsOf(await askVisible<StoredAssistance>(queries, visible, body, parameters))
}

/** Keeps others from taking a step of it until the transaction ends; of what is not the organisation's nothing is held. */
export async function holdAssistance({ client }: Transaction, organisation: string, id: string): Promise<void> {
  await client.query('select from assistance where id = $1 and (asker = $2 or addressee = $2) for update', [
    id,
    organisation,
  ])
}

/** Its steps, as far as the reader may have them. */
export async function assistanceStepsOf(queries: Queries, visible: VisibleTo, id: string): Promise<AssistanceStep[]> {
  const parameters = new Parameters()
  const body = `select s.step, s.side, s.account, s.text, s.at from assistance_step s
    where s.assistance = ${parameters.add(id)}::uuid and ${permittedHandling(visible, parameters, 's.handling_id')}
    order by s.ordinal`
  const answer = await askVisible<AssistanceStep & { account: string | null }>(queries, visible, body, parameters)
  return rowsOf(answer).map(({ account, ...step }) => ({ ...step, ...(account === null ? {} : { account }) }))
}

/** Notes and answers of one side, for whoever may take steps of it. */
export async function assistanceSaid(
  { client }: Transaction,
  id: string,
  side: AssistanceStep['side'],
): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(
    `select text from assistance_step where assistance = $1 and side = $2 and step in ('note', 'answer')`,
    [id, side],
  )
  return rows.map(({ text }) => text)
}

/** UUIDs of what it refers to, as far as the reader sees it. */
export async function assistanceReferencesOf(queries: Queries, visible: VisibleTo, id: string): Promise<string[]> {
  const parameters = new Parameters()
  const body = `select r.stix_id as uuid from assistance_indicator r
    join indicator i on i.originator = r.originator and i.stix_id = r.stix_id
    where r.assistance = ${parameters.add(id)}::uuid and ${visibleCondition(visible, parameters)} order by r.ordinal`
  return rowsOf(await askVisible<{ uuid: string }>(queries, visible, body, parameters)).map(({ uuid }) => uuid)
}

/** Of each id the visible indicator that a reading by it would answer with: the reader's own first, then the newest. */
export async function referable(
  queries: Queries,
  visible: VisibleTo,
  uuids: readonly string[],
): Promise<ReadonlyMap<string, Reference & { readonly handlingId: number; readonly recalled: boolean }>> {
  const parameters = new Parameters()
  const condition = visibleCondition(visible, parameters)
  const body = `select i.originator, i.stix_id as uuid, i.handling_id as "handlingId", i.recalled
    from unnest(${parameters.add(uuids)}::uuid[]) wanted (id)
    cross join lateral (select * from indicator i where i.stix_id = wanted.id and ${condition}
      order by (i.originator = ${parameters.add(visible.organisation ?? null)}::text) desc nulls last, i.position desc limit 1) i`
  const answer = await askVisible<Reference & { handlingId: number; recalled: boolean }>(
    queries,
    visible,
    body,
    parameters,
  )
  return new Map(rowsOf(answer).map((row) => [row.uuid, row]))
}

export async function insertAssistance(
  { client }: Transaction,
  row: StoredAssistance,
  references: readonly Reference[],
): Promise<void> {
  await client.query(
    `insert into assistance (id, kind, asker, addressee, state, due_at, version, created_at, handling_id, answer_handling_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...[row.id, row.kind, row.from, row.to, row.state, row.dueAt, row.version, row.createdAt],
      ...[row.handlingId, row.answerHandlingId],
    ],
  )
  await client.query(
    `insert into assistance_indicator (assistance, ordinal, originator, stix_id)
     select $1, ordinal, originator, stix_id
     from unnest($2::text[], $3::uuid[]) with ordinality r (originator, stix_id, ordinal)`,
    [row.id, references.map(({ originator }) => originator), references.map(({ uuid }) => uuid)],
  )
}

/** Adds a step as the latest, and says what it made of the asking. */
export async function appendAssistanceStep(
  { client }: Transaction,
  { id, state, version }: Assistance,
  step: AssistanceStep,
  handlingId: number,
): Promise<void> {
  await client.query('update assistance set state = $2, version = $3 where id = $1', [id, state, version])
  await client.query(
    `insert into assistance_step (assistance, ordinal, step, side, account, handling_id, text, at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, version - 1, step.step, step.side, step.account ?? null, handlingId, step.text, step.at],
  )
}

/** What nobody took up by its time, held by this transaction. */
export async function lapsedAssistance({ client }: Transaction, at: Date, limit: number): Promise<StoredAssistance[]> {
  const { rows } = await client.query<StoredAssistance & { dueAt: Date; createdAt: Date }>(
    `select ${columns} from assistance a where a.over_at is null and a.state = 'asked' and a.due_at <= $1 order by a.due_at limit $2
     for update skip locked`,
    [at.toISOString(), limit],
  )
  return rows.map(({ dueAt, createdAt, ...row }) => ({
    ...row,
    dueAt: (dueAt as Date).toISOString(),
    createdAt: (createdAt as Date).toISOString(),
  }))
}

/** The rows without what they were checked by. */
const rowsOf = <Row extends object>({ rows }: Answer<Row>): Row[] =>
  rows.map((row) => {
    const { policy_epoch: _, feed_position: __, handling_head: ___, found: ____, ...plain } = row as Row & Checked
    return plain as unknown as Row
  })

interface Checked {
  readonly policy_epoch: unknown
  readonly feed_position: unknown
  readonly handling_head: unknown
  readonly found: unknown
}
