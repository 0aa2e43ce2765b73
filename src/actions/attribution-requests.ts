import { randomUUID } from 'node:crypto'
import type { ActionName } from '../domain/action-names.ts'
import { type AttributionRequest, type AttributionStep, attributionStateOf } from '../domain/attribution-request.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Released } from '../domain/released.ts'
import {
  attributionRefusal,
  attributionSidesOf,
  attributionStepsShown,
  knowsAttribution,
  sourceDisclosed,
} from '../policy/broker.ts'
import {
  type AttributionPart,
  appendAttributionStep,
  attributionRequestsOf,
  insertAttributionRequest,
  lapsedAttributionRequests,
  readAttributionRequest,
} from '../store/attribution-requests.ts'
import type { Transaction } from '../store/database.ts'
import type { Context, Standing } from './context.ts'
import { refuseDuty } from './legal-step.ts'
import { invalid, prose } from './legal-text.ts'
import { absent } from './read.ts'
import { findSource, type SourceInput } from './sources.ts'
import { record, verb } from './verb.ts'

/** One as the caller may have it. */
export interface AttributionView extends Omit<AttributionRequest, 'originator'> {
  /** For whoever asked, once two people approved. */
  readonly originator?: NonNullable<Released['originator']>
}

export interface AskAttributionInput extends SourceInput {
  readonly reason: string
}

/** Asks to be told who the source of an indicator is. @throws {Fault} `not_found`, `invalid_request` where it is named */
export const askAttribution = verb(
  'ask-attribution',
  async (context: Context, caller: Caller, input: AskAttributionInput, standing): Promise<AttributionView> => {
    const reason = prose(input.reason, '/reason')
    const { indicator, uuid, alias } = await findSource(context, caller, standing, input)
    if (alias === undefined) throw invalid('/indicator', 'Its source is named.')
    const now = context.clock()
    const account = caller.reader.account ?? ''
    const step: AttributionStep = { step: 'ask', side: 'requester', account, note: '', at: now.toISOString() }
    const request: AttributionRequest = {
      ...{ id: randomUUID(), account, organisation: caller.reader.organisation?.id ?? '' },
      ...{ originator: indicator.originator, indicator: indicator.id, alias, reason, state: 'asked' },
      createdAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + limits.attributionDays * 86_400_000).toISOString(),
      steps: [step],
    }
    await context.database.transaction(async (transaction) => {
      await insertAttributionRequest(transaction, uuid, request)
      await take(transaction, context, caller, standing, 'ask-attribution', request)
    })
    return shown(caller, standing, request)
  },
)

export interface ListAttributionInput {
  /** Only what waits for the caller's decision. */
  readonly queue?: boolean
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface AttributionPage {
  readonly items: readonly AttributionView[]
  /** Absent on the last page. */
  readonly next?: string
}

/** Those in which the caller has a part, the newest first. None of them says who a source is: reading one does. */
export const listAttribution = verb(
  'list-attribution',
  async (context: Context, caller: Caller, input: ListAttributionInput, standing): Promise<AttributionPage> => {
    const { queue = false, before, limit = limits.pageRecordsDefault } = input
    const last = before === undefined ? undefined : await readAttributionRequest(context.database, before)
    if (before !== undefined && (last === undefined || !knowsAttribution(caller, last)))
      throw new Fault('cursor_invalid', 'This cursor was not given to this reader.')
    const found = await attributionRequestsOf(context.database, partsOf(caller, queue), last, limit + 1)
    const page = found.slice(0, limit)
    const next = found.length > limit ? page.at(-1)?.id : undefined
    const items = page.map((each) => {
      const { originator: _, ...listed } = shown(caller, standing, each)
      return listed
    })
    return { items, ...(next === undefined ? {} : { next }) }
  },
)

/** One; who the source is, if that is the caller's to know. @throws {Fault} `not_found` */
export const readAttribution = verb(
  'read-attribution',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<AttributionView> => {
    const request = await readAttributionRequest(context.database, id)
    if (request === undefined || !knowsAttribution(caller, request)) throw absent()
    const view = shown(caller, standing, request)
    // On the log before anybody is told.
    await context.database.transaction((transaction) =>
      leave(transaction, context, caller, standing, 'read-attribution', {
        request: id,
        told: view.originator !== undefined,
      }),
    )
    return view
  },
)

export interface AttributionStepInput {
  readonly id: string
  readonly note?: string
}

/** Approves it, for the node or for the source. @throws {Fault} `not_found`, `request_state`, `separation_of_duties`, `not_yours` */
export const approveAttribution = decision('approve-attribution', 'approve')

/** Refuses it, and says why. @throws {Fault} as {@link approveAttribution}, `invalid_request` */
export const refuseAttribution = decision('refuse-attribution', 'refuse')

/** Whoever asked wants it no more. @throws {Fault} `not_found`, `request_state` */
export const withdrawAttribution = verb(
  'withdraw-attribution',
  async (context: Context, caller: Caller, input: AttributionStepInput, standing): Promise<AttributionView> => {
    const note = noteOf(input, false)
    return await context.database.transaction(async (transaction) => {
      const known = await readAttributionRequest(transaction, input.id, true)
      if (known === undefined || known.account !== caller.reader.account) throw absent()
      refuseState(known, context.clock())
      const at = context.clock().toISOString()
      const step: AttributionStep = { step: 'withdraw', side: 'requester', account: known.account, note, at }
      const taken: AttributionRequest = { ...known, state: 'withdrawn', steps: [...known.steps, step] }
      await take(transaction, context, caller, standing, 'withdraw-attribution', taken)
      return shown(caller, standing, taken)
    })
  },
)

function decision(action: ActionName, step: 'approve' | 'refuse') {
  return verb(
    action,
    async (context: Context, caller: Caller, input: AttributionStepInput, standing): Promise<AttributionView> => {
      const note = noteOf(input, step === 'refuse')
      const outcome = await context.database.transaction(async (transaction) => {
        const known = await readAttributionRequest(transaction, input.id, true)
        if (known === undefined || !knowsAttribution(caller, known)) throw absent()
        const open = attributionSidesOf(caller, known).filter((side) => known.steps.every((each) => each.side !== side))
        const refusals = open.map((side) => attributionRefusal(caller, known, side))
        const side = open.find((_, n) => refusals[n] === undefined)
        const [mine = 'node'] = attributionSidesOf(caller, known)
        const [refusal = attributionRefusal(caller, known, mine)] = refusals
        if (side === undefined && refusal !== undefined) return { refusal }
        if (side === undefined) throw new Fault('request_state', 'This side has decided already.')
        refuseState(known, context.clock())
        const { account } = caller.reader
        const at = context.clock().toISOString()
        const steps = [...known.steps, { step, side, note, at, ...(account === undefined ? {} : { account }) }]
        const taken: AttributionRequest = { ...known, steps, state: attributionStateOf(steps) }
        await take(transaction, context, caller, standing, action, taken)
        return { view: shown(caller, standing, taken) }
      })
      if ('view' in outcome) return outcome.view
      await refuseDuty(context, caller, standing, action, outcome.refusal, input.id)
      throw absent()
    },
  )
}

/** @throws {Fault} `request_state` */
function refuseState({ state, expiresAt }: AttributionRequest, now: Date): void {
  if (state !== 'asked' || Date.parse(expiresAt) <= now.getTime())
    throw new Fault('request_state', `A request that is ${state}, and ends at ${expiresAt}, is not decided any more.`)
}

const noteOf = ({ note = '' }: AttributionStepInput, required: boolean): string =>
  note.trim() === '' && !required ? '' : prose(note, '/note')

/** What the caller may have by each of its parts. */
function partsOf({ reader, operator }: Caller, queue: boolean): AttributionPart[] {
  const parts: AttributionPart[] = queue ? [] : [{ account: reader.account ?? '' }]
  if (operator && reader.roles.includes('policy-officer')) parts.push(queue ? { undecidedBy: 'node' } : {})
  if (reader.roles.includes('approver'))
    parts.push({ originator: reader.organisation?.id ?? '', ...(queue ? { undecidedBy: 'source' as const } : {}) })
  return parts
}

function shown(caller: Caller, { directory }: Standing, request: AttributionRequest): AttributionView {
  const { originator: id, ...plain } = request
  const steps = attributionStepsShown(caller, request)
  if (!sourceDisclosed(caller, request)) return { ...plain, steps }
  const { name = id, jurisdiction = '' } = directory.organisations.get(id) ?? {}
  return { ...plain, steps, originator: { id, name, jurisdiction } }
}

/** Writes the latest step of a request and its leaf, or neither. */
async function take(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  request: AttributionRequest,
): Promise<void> {
  await appendAttributionStep(transaction, request)
  // Whoever took the step may read what its leaf was about: who the source is must not stand there.
  const { originator: _, ...told } = request
  await leave(transaction, context, caller, standing, action, { request: { ...told, steps: request.steps.slice(-1) } })
}

/** Which request it was stands in the subject alone. */
const leave = (
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  subject: object,
): Promise<void> =>
  record(transaction, context, caller, standing, {
    ...{ action, decision: 'permit', rules: [`action.${action}`] },
    subject: JSON.stringify(subject),
  })

/** Requests ended by one transaction. */
const batch = 100

/** Says of what nobody decided in its time that it expired; on the clock. @returns how many */
export async function expireAttributionRequests(context: Context): Promise<number> {
  const standing = await context.policy.current()
  return await context.database.transaction(async (transaction) => {
    const lapsed = await lapsedAttributionRequests(transaction, context.clock(), batch)
    for (const known of lapsed) {
      const step: AttributionStep = { step: 'expire', side: 'clock', note: '', at: context.clock().toISOString() }
      const taken: AttributionRequest = { ...known, state: 'expired', steps: [...known.steps, step] }
      await take(transaction, context, publicCaller, standing, 'withdraw-attribution', taken)
    }
    return lapsed.length
  })
}
