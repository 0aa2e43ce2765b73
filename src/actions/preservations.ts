import { randomUUID } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import type { LegalRequest, LegalStep } from '../domain/legal-request.ts'
import { preserves } from '../domain/legal-words.ts'
import { limits } from '../domain/limits.ts'
import { filingRefusal, sidesOf } from '../policy/duties.ts'
import { countHeld, type HoldRow, holdsOf } from '../store/holds.ts'
import {
  appendLegalStep,
  legalRequestsOf,
  readLegalRequest,
  renewalsOf,
  writeLegalRequest,
} from '../store/legal-requests.ts'
import type { Context } from './context.ts'
import { gives } from './export-work.ts'
import type { StepInput } from './legal-decisions.ts'
import { partsOf } from './legal-requests.ts'
import { recordStep, refuseDuty, stateFault } from './legal-step.ts'
import { parseLegalRequest, prose } from './legal-text.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** What a request of preservation keeps. */
export interface Preservation {
  readonly request: string
  readonly liaison: string
  readonly instrument: string
  readonly caseReference: string
  /** `filling`: approved, not copied yet. `failed`: it covers too much, and keeps a part. */
  readonly state: PreservationState
  readonly from: string
  readonly until: string
  /** It ends within {@link limits.holdNoticeDays} days, and nothing approved goes on with it. */
  readonly ending: boolean
  /** Indicators kept, as far as the caller may know of them; and of them recalled since. */
  readonly items: number
  readonly recalled: number
  readonly renews?: string
  /** The approved request that goes on with it. */
  readonly renewedBy?: string
  readonly fault?: string
  readonly endedAt?: string
}

export const preservationStates = ['filling', 'held', 'failed', 'ended'] as const
export type PreservationState = (typeof preservationStates)[number]

export interface ListPreservationsInput {
  /** Only those that end soon. */
  readonly ending?: boolean
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

/** What is kept under requests in which the caller has a part; the newest request first, or the first to end. */
export const listPreservations = verb(
  'list-preservations',
  async (context: Context, caller: Caller, input: ListPreservationsInput): Promise<Preservation[]> => {
    const at = context.clock()
    const parts = partsOf(caller, at, false).map((part) => ({ ...part, preserving: true as const }))
    const requests = await legalRequestsOf(context.database, parts, limits.pageRecords)
    const ids = requests.map(({ id }) => id)
    const holds = new Map((await holdsOf(context.database, ids)).map((hold) => [hold.request, hold]))
    const renewals = await renewalsOf(context.database, ids)
    const whole = requests.filter((each) => knowsAll(caller, each, at)).map(({ id }) => id)
    const home = caller.reader.organisation?.id ?? ''
    const counts = new Map([
      ...(await countHeld(context.database, ids, home)),
      ...(await countHeld(context.database, whole, null)),
    ])
    const all = requests.flatMap((request) => {
      const hold = holds.get(request.id)
      if (hold === undefined) return []
      const { fault: _, ...known } = shown(request, hold, counts.get(request.id), renewals.get(request.id), at)
      if (whole.includes(request.id)) return [{ ...known, ...(hold.fault === null ? {} : { fault: hold.fault }) }]
      // That it failed, and why, tells how much there is of others; that nothing of its own is held, an originator sees.
      return [known.state === 'failed' ? { ...known, state: 'filling' as const } : known]
    })
    const wanted = input.ending === true ? all.filter(({ ending }) => ending) : all
    if (input.ending === true) wanted.sort((a, b) => (a.until < b.until ? -1 : 1))
    return wanted.slice(0, input.limit ?? limits.pageRecordsDefault)
  },
)

/** The liaison and the node know all that is kept; an originator what is its own. */
const knowsAll = (caller: Caller, request: LegalRequest, at: Date): boolean =>
  caller.reader.account === request.liaison || sidesOf(caller, request, at).includes('node')

function shown(
  { id, liaison, instrument, caseReference, renews }: LegalRequest,
  hold: HoldRow,
  counts: { readonly items: number; readonly recalled: number } | undefined,
  renewedBy: string | undefined,
  at: Date,
): Preservation {
  const soon = at.getTime() + limits.holdNoticeDays * 86_400_000
  const { endedAt, filledAt, fault } = hold
  const over = endedAt ?? (hold.endsAt <= at ? hold.endsAt : undefined)
  return {
    ...{ request: id, liaison, instrument, caseReference },
    state: over !== undefined ? 'ended' : fault !== null ? 'failed' : filledAt === null ? 'filling' : 'held',
    from: hold.beganAt.toISOString(),
    until: hold.endsAt.toISOString(),
    ending: over === undefined && renewedBy === undefined && hold.endsAt.getTime() <= soon,
    items: counts?.items ?? 0,
    recalled: counts?.recalled ?? 0,
    ...(renews === undefined ? {} : { renews }),
    ...(renewedBy === undefined ? {} : { renewedBy }),
    ...(fault === null ? {} : { fault }),
    ...(over === undefined ? {} : { endedAt: over.toISOString() }),
  }
}

export interface RenewInput extends StepInput {
  /** ISO 8601: when the next one ends. */
  readonly expiresAt: string
}

/**
 * Asks to keep on: a request with the same words and scope, handed in at once, that needs its two approvals as any other. Approved while
 * the earlier hold stands, its hold goes on with what that one has.
 * @throws {Fault} `not_found`, `request_state`, `invalid_request`, `separation_of_duties`
 */
export const renewRequest = verb(
  'renew-request',
  async (context: Context, caller: Caller, input: RenewInput, standing): Promise<LegalRequest> => {
    await refuseDuty(context, caller, standing, 'renew-request', filingRefusal(caller))
    const now = context.clock()
    const account = caller.reader.account ?? ''
    const note = input.note === undefined || input.note.trim() === '' ? '' : prose(input.note, '/note')
    return await context.database.transaction(async (transaction) => {
      const known = await readLegalRequest(transaction, input.id, true)
      if (known === undefined || known.liaison !== account) throw absent()
      if (!preserves(known.instrument) || !gives(known, now)) throw stateFault(known, 'renew')
      const { confidentialUntil, ...words } = known
      const secret = confidentialUntil !== undefined && Date.parse(confidentialUntil) > now.getTime()
      const said = { ...words, expiresAt: input.expiresAt, ...(secret ? { confidentialUntil } : {}) }
      const step = (word: 'draft' | 'file'): LegalStep => ({
        ...{ step: word, side: 'liaison', account, note: word === 'file' ? note : '', at: now.toISOString() },
      })
      const steps = [step('draft'), step('file')]
      const request: LegalRequest = {
        ...parseLegalRequest(said, caller, standing, now),
        ...{ id: randomUUID(), liaison: account, state: 'filed', consents: [], renews: known.id, steps },
        createdAt: now.toISOString(),
        filedAt: now.toISOString(),
      }
      await writeLegalRequest(transaction, request, now)
      for (const [n, each] of steps.entries()) {
        await appendLegalStep(transaction, request.id, n, each)
        await recordStep(transaction, context, caller, standing, 'renew-request', request, each)
      }
      return request
    })
  },
)
