import { and, arrayContains, asc, desc, eq, inArray, isNotNull, isNull, lte, ne, or, type SQL, sql } from 'drizzle-orm'
import type { LegalRequest, LegalScope, LegalState, LegalStep, LegalStepName, Side } from '../domain/legal-request.ts'
import { type HandlingCode, type Offence, preservingInstruments, type Urgency } from '../domain/legal-words.ts'
import type { Queries, Transaction } from './database.ts'
import { legalRequest, legalRequestStep } from './tables/legal.ts'

type Row = typeof legalRequest.$inferSelect

/** Which requests to list. */
export interface LegalRequestFilter {
  /** Whose drafting, or everybody's that were filed (`node`), or those that name an originator and are no secret at `at`. */
  readonly of:
    | { readonly liaison: string }
    | { readonly node: true }
    | { readonly originator: string; readonly at: Date }
  readonly states?: readonly LegalState[]
  /** Those on which this side has not decided. */
  readonly undecidedBy?: Side
  /** Those that were taken back by then, and not confirmed. */
  readonly takenBackBy?: Date
  /** Those of whose packages something was recalled and not confirmed. */
  readonly recalled?: true
  /** Those that ask to keep only. */
  readonly preserving?: true
  /** Those older than this one. */
  readonly before?: { readonly createdAt: Date; readonly id: string }
}

/** One request with its steps. @param lock keeps others from taking a step until the transaction ends */
export async function readLegalRequest(queries: Queries, id: string, lock = false): Promise<LegalRequest | undefined> {
  const query = queries.db.select().from(legalRequest).where(eq(legalRequest.id, id))
  const [row] = await (lock ? query.for('update') : query)
  return row === undefined ? undefined : (await withSteps(queries, [row]))[0]
}

/** The newest first. */
export async function legalRequestsOf(
  queries: Queries,
  filter: readonly LegalRequestFilter[],
  limit: number,
): Promise<LegalRequest[]> {
  if (filter.length === 0) return []
  const rows = await queries.db
    .select()
    .from(legalRequest)
    .where(or(...filter.map(conditionOf)))
    .orderBy(desc(legalRequest.createdAt), desc(legalRequest.id))
    .limit(limit)
  return await withSteps(queries, rows)
}

function conditionOf({
  of,
  states,
  undecidedBy,
  takenBackBy,
  recalled,
  preserving,
  before,
}: LegalRequestFilter): SQL | undefined {
  return and(
    'liaison' in of ? eq(legalRequest.liaison, of.liaison) : ne(legalRequest.state, 'draft'),
    'originator' in of ? namesOriginator(of.originator, of.at) : undefined,
    states === undefined ? undefined : inArray(legalRequest.state, [...states]),
    preserving === undefined ? undefined : inArray(legalRequest.instrument, [...preservingInstruments]),
    undecidedBy === undefined
      ? undefined
      : sql`not exists (select from legal_request_step s where s.request = ${legalRequest.id} and s.side = ${undecidedBy}
          and s.step in ('approve', 'refuse'))`,
    recalled === undefined
      ? undefined
      : sql`exists (select from export e join claw_back c on c.export = e.id and c.confirmed_at is null
          where e.request = ${legalRequest.id} and e.state = 'downloaded')`,
    takenBackBy === undefined
      ? undefined
      : sql`${legalRequest.state} = 'clawed-back' and exists (select from legal_request_step s where s.request = ${legalRequest.id}
          and s.step = 'claw-back' and s.at <= ${takenBackBy.toISOString()}::timestamptz)`,
    before === undefined
      ? undefined
      : sql`(${legalRequest.createdAt}, ${legalRequest.id}) < (${before.createdAt.toISOString()}::timestamptz, ${before.id}::uuid)`,
  )
}

const namesOriginator = (originator: string, at: Date): SQL | undefined =>
  and(
    arrayContains(legalRequest.named, [originator]),
    isNotNull(legalRequest.filedAt),
    or(isNull(legalRequest.confidentialUntil), lte(legalRequest.confidentialUntil, at)),
  )

/** Requests whose time is over and that nobody has said so of. */
export async function overdueLegalRequests(queries: Queries, at: Date, limit: number): Promise<LegalRequest[]> {
  const rows = await queries.db
    .select()
    .from(legalRequest)
    .where(
      and(
        lte(legalRequest.expiresAt, at),
        inArray(legalRequest.state, ['draft', 'filed', 'under-review', 'approved', 'fulfilled']),
      ),
    )
    .orderBy(asc(legalRequest.expiresAt))
    .limit(limit)
    .for('update', { skipLocked: true })
  return await withSteps(queries, rows)
}

/** Which approved request goes on with the hold of which. */
export async function renewalsOf({ db }: Queries, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .select({ id: legalRequest.id, renews: legalRequest.renews })
    .from(legalRequest)
    .where(and(inArray(legalRequest.renews, [...ids]), inArray(legalRequest.state, ['approved', 'fulfilled'])))
  return new Map(rows.flatMap(({ id, renews }) => (renews === null ? [] : [[renews, id] as const])))
}

/** Writes a request as it is now: new, or in place of what it was. */
export async function writeLegalRequest({ db }: Transaction, request: LegalRequest, at: Date): Promise<void> {
  const row = {
    ...fieldsOf(request),
    updatedAt: at,
  }
  await db
    .insert(legalRequest)
    .values({ ...row, id: request.id })
    .onConflictDoUpdate({ target: legalRequest.id, set: row })
}

export async function appendLegalStep(
  { db }: Transaction,
  request: string,
  ordinal: number,
  step: LegalStep,
): Promise<void> {
  await db.insert(legalRequestStep).values({
    request,
    ordinal,
    account: step.account ?? null,
    step: step.step,
    side: step.side,
    note: step.note,
    at: new Date(step.at),
  })
}

const fieldsOf = (request: LegalRequest): Omit<Row, 'id' | 'updatedAt'> => ({
  liaison: request.liaison,
  instrument: request.instrument,
  citation: request.citation,
  authority: request.authority,
  caseReference: request.caseReference,
  offence: request.offence,
  requestingJurisdiction: request.requestingJurisdiction,
  facts: request.facts,
  necessity: request.necessity,
  scope: JSON.stringify(request.scope),
  named: [...request.scope.originators],
  originators: [...request.consents],
  handlingCode: request.handlingCode ?? null,
  urgency: request.urgency,
  confidentialUntil: dateOf(request.confidentialUntil),
  state: request.state,
  approvedAt: dateOf(request.approvedAt),
  expiresAt: new Date(request.expiresAt),
  createdAt: new Date(request.createdAt),
  filedAt: dateOf(request.filedAt),
  renews: request.renews ?? null,
})

const dateOf = (instant: string | undefined): Date | null => (instant === undefined ? null : new Date(instant))

async function withSteps({ db }: Queries, rows: readonly Row[]): Promise<LegalRequest[]> {
  if (rows.length === 0) return []
  const steps = await db
    .select()
    .from(legalRequestStep)
    .where(
      inArray(
        legalRequestStep.request,
        rows.map(({ id }) => id),
      ),
    )
    .orderBy(asc(legalRequestStep.request), asc(legalRequestStep.ordinal))
  const of = new Map<string, LegalStep[]>(rows.map(({ id }) => [id, []]))
  for (const step of steps) of.get(step.request)?.push(toStep(step))
  return rows.map((row) => toRequest(row, of.get(row.id) ?? []))
}

const toRequest = (row: Row, steps: readonly LegalStep[]): LegalRequest => ({
  id: row.id,
  liaison: row.liaison,
  state: row.state as LegalState,
  instrument: row.instrument,
  citation: row.citation,
  authority: row.authority,
  caseReference: row.caseReference,
  offence: row.offence as Offence,
  requestingJurisdiction: row.requestingJurisdiction,
  facts: row.facts,
  necessity: row.necessity,
  scope: JSON.parse(row.scope) as LegalScope,
  ...(row.handlingCode === null ? {} : { handlingCode: row.handlingCode as HandlingCode }),
  urgency: row.urgency as Urgency,
  expiresAt: row.expiresAt.toISOString(),
  ...(row.confidentialUntil === null ? {} : { confidentialUntil: row.confidentialUntil.toISOString() }),
  consents: row.originators,
  createdAt: row.createdAt.toISOString(),
  ...(row.filedAt === null ? {} : { filedAt: row.filedAt.toISOString() }),
  ...(row.approvedAt === null ? {} : { approvedAt: row.approvedAt.toISOString() }),
  ...(row.renews === null ? {} : { renews: row.renews }),
  steps,
})

const toStep = (row: typeof legalRequestStep.$inferSelect): LegalStep => ({
  step: row.step as LegalStepName,
  side: row.side as Side,
  ...(row.account === null ? {} : { account: row.account }),
  note: row.note,
  at: row.at.toISOString(),
})
