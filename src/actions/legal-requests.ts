import { randomUUID } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { type LegalRequest, type LegalState, type LegalStep, mayFollow } from '../domain/legal-request.ts'
import { urgencies } from '../domain/legal-words.ts'
import { limits } from '../domain/limits.ts'
import { filingRefusal, knowsLegalRequest, shownTo } from '../policy/duties.ts'
import {
  appendLegalStep,
  type LegalRequestFilter,
  legalRequestsOf,
  readLegalRequest,
  writeLegalRequest,
} from '../store/legal-requests.ts'
import type { Context } from './context.ts'
import { recordStep, refuseDuty, stateFault } from './legal-step.ts'
import { type LegalRequestInput, parseLegalRequest } from './legal-text.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** Begins a request: the liaison's alone until it is filed. @throws {Fault} `invalid_request`, `separation_of_duties` */
export const draftRequest = verb(
  'draft-request',
  async (context: Context, caller: Caller, input: LegalRequestInput, standing): Promise<LegalRequest> => {
    await refuseDuty(context, caller, standing, 'draft-request', filingRefusal(caller))
    const now = context.clock()
    const account = caller.reader.account ?? ''
    const step: LegalStep = { step: 'draft', side: 'liaison', account, note: '', at: now.toISOString() }
    const request: LegalRequest = {
      ...parseLegalRequest(input, caller, standing, now),
      id: randomUUID(),
      liaison: account,
      state: 'draft',
      consents: [],
      createdAt: now.toISOString(),
      steps: [step],
    }
    await context.database.transaction(async (transaction) => {
      const drafts = await legalRequestsOf(
        transaction,
        [{ of: { liaison: account }, states: ['draft'] }],
        limits.legalDraftsPerAccount,
      )
      if (drafts.length >= limits.legalDraftsPerAccount)
        throw new Fault(
          'request_state',
          `An account has at most ${limits.legalDraftsPerAccount} drafts: file or withdraw one.`,
        )
      await writeLegalRequest(transaction, request, now)
      await appendLegalStep(transaction, request.id, 0, step)
      await recordStep(transaction, context, caller, standing, 'draft-request', request, step)
    })
    return request
  },
)

/** Says a draft anew, whole. @throws {Fault} `not_found`, `invalid_request`, `request_state` */
export const amendRequest = verb(
  'amend-request',
  async (
    context: Context,
    caller: Caller,
    { id, ...input }: LegalRequestInput & { readonly id: string },
    standing,
  ): Promise<LegalRequest> => {
    const now = context.clock()
    return await context.database.transaction(async (transaction) => {
      const known = await readLegalRequest(transaction, id, true)
      if (known === undefined || known.liaison !== caller.reader.account) throw absent()
      if (!mayFollow(known.state, 'amend')) throw stateFault(known, 'amend')
      const step: LegalStep = {
        step: 'amend',
        side: 'liaison',
        account: known.liaison,
        note: '',
        at: now.toISOString(),
      }
      const { state, consents, createdAt, liaison, steps } = known
      const said = parseLegalRequest(input, caller, standing, now)
      const request = { ...said, id, liaison, state, consents, createdAt, steps: [...steps, step] }
      await writeLegalRequest(transaction, request, now)
      await appendLegalStep(transaction, id, steps.length, step)
      await recordStep(transaction, context, caller, standing, 'amend-request', request, step)
      return request
    })
  },
)

export interface ListRequestsInput {
  readonly state?: readonly LegalState[]
  /** Only what waits for the caller: drafts and approvals for a liaison, what is undecided for the others. The most urgent first. */
  readonly queue?: boolean
  /** Only what was taken back and not confirmed in time. */
  readonly overdue?: boolean
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface LegalRequestPage {
  readonly items: readonly LegalRequest[]
  /** Absent on the last page. */
  readonly next?: string
}

/** What the caller has a part in, the newest first. */
export const listRequests = verb(
  'list-requests',
  async (context: Context, caller: Caller, input: ListRequestsInput): Promise<LegalRequestPage> => {
    const at = context.clock()
    const { limit = limits.pageRecordsDefault } = input
    const last = input.before === undefined ? undefined : await readLegalRequest(context.database, input.before)
    if (input.before !== undefined && (last === undefined || !knowsLegalRequest(caller, last, at)))
      throw new Fault('cursor_invalid', 'This cursor was not given to this reader.')
    const before = last === undefined ? undefined : { createdAt: new Date(last.createdAt), id: last.id }
    const filters = partsOf(caller, at, input.queue === true).map((part) => ({
      ...part,
      ...(input.state === undefined ? {} : { states: within(part.states, input.state) }),
      ...(input.overdue === true ? { takenBackBy: new Date(at.getTime() - limits.legalConfirmHours * 3_600_000) } : {}),
      ...(before === undefined ? {} : { before }),
    }))
    const found = await legalRequestsOf(context.database, filters, limit + 1)
    const page = found.slice(0, limit)
    const next = found.length > limit ? page.at(-1)?.id : undefined
    const items = page.map((each) => shownTo(caller, each, at))
    return { items: input.queue === true ? byUrgency(items) : items, ...(next === undefined ? {} : { next }) }
  },
)

/** @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's to know */
export const readRequest = verb(
  'read-request',
  async (context: Context, caller: Caller, { id }: { readonly id: string }): Promise<LegalRequest> => {
    const at = context.clock()
    const request = await readLegalRequest(context.database, id)
    if (request === undefined || !knowsLegalRequest(caller, request, at)) throw absent()
    return shownTo(caller, request, at)
  },
)

/** What the caller may have by each of its parts. */
export function partsOf({ reader, operator }: Caller, at: Date, queue: boolean): LegalRequestFilter[] {
  const home = reader.organisation?.id ?? ''
  const parts: LegalRequestFilter[] = [
    {
      of: { liaison: reader.account ?? '' },
      ...(queue ? { states: ['draft', 'approved', 'clawed-back'] as const } : {}),
    },
  ]
  if (queue) parts.push({ of: { liaison: reader.account ?? '' }, recalled: true })
  if (operator && reader.roles.includes('policy-officer'))
    parts.push({ of: { node: true }, ...(queue ? { states: ['filed', 'under-review'], undecidedBy: 'node' } : {}) })
  if (reader.roles.includes('approver'))
    parts.push({
      of: { originator: home, at },
      ...(queue
        ? { states: ['filed', 'under-review', 'approved', 'fulfilled'], undecidedBy: `originator:${home}` as const }
        : {}),
    })
  return parts
}

const within = (some: readonly LegalState[] | undefined, asked: readonly LegalState[]): readonly LegalState[] =>
  asked.filter((state) => some === undefined || some.includes(state))

const byUrgency = (items: readonly LegalRequest[]): LegalRequest[] =>
  [...items].sort(
    (a, b) => urgencies.indexOf(b.urgency) - urgencies.indexOf(a.urgency) || (a.expiresAt < b.expiresAt ? -1 : 1),
  )
