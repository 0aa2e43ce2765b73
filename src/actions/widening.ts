import { randomUUID } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { homeOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { strictness } from '../domain/tlp.ts'
import type { ShownWidening, Wanted, WideningRequest, WideningSide, WideningState } from '../domain/widening.ts'
import type { JsonObject } from '../formats/json-text.ts'
import { readWanted } from '../formats/widening.ts'
import { originatorShown } from '../policy/release.ts'
import { shownWidening, sideOf } from '../policy/widening.ts'
import {
  askedBy,
  closeWidening,
  insertWidening,
  type KeptWidening,
  lockWidening,
  wideningById,
  wideningPage,
} from '../store/widening.ts'
import type { Context, Standing } from './context.ts'
import { resolveAudience } from './handling.ts'
import { uuidOf } from './ids.ts'
import type { ReadInput } from './named-source.ts'
import { absent, findVisible } from './read.ts'
import { record, verb } from './verb.ts'
import { permittedFor } from './visible.ts'
import { checkReason } from './widening-reason.ts'

export interface AskWideningInput extends ReadInput {
  readonly wanted: Wanted
  readonly reason: string
}

/**
 * Asks the originator of an indicator that the caller may see to let others have it. Nothing is widened by asking.
 * @throws {Fault} `not_found` as for what never existed, `invalid_request`, `invalid_handling`, `audience_unknown`, `already_exists`,
 * `originator_unreachable`, `rate_limited`
 */
export const askWidening = verb(
  'ask-widening',
  async (context: Context, caller: Caller, input: AskWideningInput, standing): Promise<ShownWidening> => {
    const { directory, visibility } = standing
    const permitted = permittedFor(context, caller, standing)
    const { id, originator, version, handlingId, recalled } = await findVisible(
      context,
      caller,
      standing,
      permitted,
      input,
    )
    const handling = visibility.handling(handlingId)
    const asker = caller.reader.organisation?.id ?? ''
    if (handling === undefined || (recalled && originator !== asker)) throw absent()
    if (originator === asker) throw new Fault('invalid_request', 'It is your own: revise it.')
    const wanted = checkWanted(caller, standing, handling, input.wanted)
    const reason = checkReason(input.reason)
    const sourceShown = originatorShown(caller.reader, handling)
    const home = homeOf(directory, originator)
    // Of an anonymous source it is not told where it is: then the request waits.
    if (home !== undefined && home.state !== 'active' && sourceShown)
      throw new Fault('originator_unreachable', 'Nothing goes to the node of its originator at present.')
    const at = context.clock()
    const request: WideningRequest = {
      ...{ id: randomUUID(), asker, account: caller.reader.account ?? '', originator, indicator: id, version },
      ...(home === undefined ? {} : { sentTo: home.id }),
      ...{ sourceShown, wanted, reason, state: 'open', askedAt: at.toISOString(), note: '' },
      waiting: home !== undefined,
    }
    await context.database.transaction(async (transaction) => {
      await lockWidening(transaction, asker)
      refuseOverCap(await askedBy(transaction, asker, new Date(at.getTime() - dayMs)))
      if (!(await insertWidening(transaction, request, home === undefined ? undefined : at)))
        throw new Fault(
          'already_exists',
          'Your organisation asked for this indicator already, and is not answered yet.',
        )
      await record(transaction, context, caller, standing, {
        action: 'ask-widening',
        decision: 'permit',
        rules: [],
        subject: JSON.stringify({ request: request.id, id, version, wanted, reason }),
      })
    })
    return shownWidening(caller.reader, 'asked', request, handling)
  },
)

const dayMs = 86_400_000

/** By what the asker sees, and nothing else: who has it already is not for him to learn. */
function checkWanted(caller: Caller, { directory }: Standing, seen: Handling, said: Wanted): Wanted {
  const wanted = readWanted(said as JsonObject)
  resolveAudience(directory, caller, wanted.audience ?? [], '', [])
  if (wanted.tlp !== undefined && strictness(wanted.tlp) >= strictness(seen.tlp))
    throw new Fault(
      'invalid_handling',
      `It is TLP:${seen.tlp.toUpperCase()}: ask for a wider label, or leave it out.`,
      {
        position: { pointer: '/wanted/tlp' },
      },
    )
  return wanted
}

function refuseOverCap({ open, recent }: { readonly open: number; readonly recent: number }): void {
  if (open >= limits.wideningOpen)
    throw new Fault(
      'rate_limited',
      `An organisation has at most ${limits.wideningOpen} requests open: withdraw some.`,
      {
        retryAfterSeconds: 3_600,
      },
    )
  if (recent >= limits.wideningPerDay)
    throw new Fault('rate_limited', `An organisation asks at most ${limits.wideningPerDay} times a day.`, {
      retryAfterSeconds: 3_600,
    })
}

export interface ListWideningInput {
  readonly side?: WideningSide
  readonly state?: readonly WideningState[]
  /** STIX id. */
  readonly indicator?: string
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface WideningPage {
  readonly items: readonly ShownWidening[]
  /** Absent on the last page. */
  readonly next?: string
}

/** What the caller's account asked, and what its organisation is asked: the newest first. @throws {Fault} `cursor_invalid` */
export const listWidening = verb(
  'list-widening',
  async (context: Context, caller: Caller, input: ListWideningInput, standing): Promise<WideningPage> => {
    const { limit = limits.pageRecordsDefault, side, state, indicator, before } = input
    const last = before === undefined ? undefined : await wideningById(context.database, before)
    if (before !== undefined && (last === undefined || sideOf(caller, last) === undefined))
      throw new Fault('cursor_invalid', 'This cursor was not given to this reader.')
    const filter = {
      account: caller.reader.account ?? '',
      ...(caller.reader.organisation === undefined ? {} : { originator: caller.reader.organisation.id }),
      ...(side === undefined ? {} : { side }),
      ...(state === undefined ? {} : { states: state }),
      ...(indicator === undefined ? {} : { indicator: uuidOf(indicator) ?? nobody }),
      ...(last === undefined ? {} : { before: last }),
    }
    const found = await wideningPage(context.database, filter, limit + 1)
    const page = found.slice(0, limit)
    const items = page.flatMap((each) => shown(caller, standing, each) ?? [])
    const next = found.length > limit ? page.at(-1)?.id : undefined
    return { items, ...(next === undefined ? {} : { next }) }
  },
)

const nobody = '00000000-0000-0000-0000-000000000000'

/** @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's to know */
export const readWidening = verb(
  'read-widening',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<ShownWidening> => {
    const request = await wideningById(context.database, id)
    const found = request && shown(caller, standing, request)
    if (found === undefined) throw absent()
    return found
  },
)

/** Asks no more. @throws {Fault} `not_found`, `request_state` */
export const withdrawWidening = verb(
  'withdraw-widening',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<ShownWidening> => {
    await context.database.transaction(async (transaction) => {
      const request = await wideningById(transaction, id, true)
      if (request === undefined || sideOf(caller, request) !== 'asked') throw absent()
      refuseClosed(request)
      const tell = request.sentTo !== undefined
      await closeWidening(transaction, id, { state: 'withdrawn', at: context.clock(), tell })
      await record(transaction, context, caller, standing, {
        action: 'withdraw-widening',
        decision: 'permit',
        rules: [],
        subject: JSON.stringify({ request: id, id: request.indicator }),
      })
    })
    return await wideningNow(context, caller, standing, id)
  },
)

/** @throws {Fault} `request_state` */
export function refuseClosed({ state }: WideningRequest): void {
  if (state !== 'open') throw new Fault('request_state', `This request is ${state}.`)
}

export async function wideningNow(
  context: Context,
  caller: Caller,
  standing: Standing,
  id: string,
): Promise<ShownWidening> {
  const request = await wideningById(context.database, id)
  const found = request && shown(caller, standing, request)
  if (found === undefined) throw new Error('a request to widen is gone')
  return found
}

function shown(caller: Caller, { visibility }: Standing, request: KeptWidening): ShownWidening | undefined {
  const side = sideOf(caller, request)
  const { handlingId } = request
  if (side === undefined) return undefined
  const now = handlingId === undefined ? undefined : visibility.handling(handlingId)
  return shownWidening(caller.reader, side, request, now)
}
