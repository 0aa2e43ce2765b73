import type { ActionName } from '../domain/action-names.ts'
import { type AttributionRequest, type AttributionStep, attributionStateOf } from '../domain/attribution-request.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { attributionRefusal, attributionSidesOf, knowsAttribution } from '../policy/broker.ts'
import { lapsedAttributionRequests, readAttributionRequest } from '../store/attribution-requests.ts'
import { type AttributionView, attributionView, takeAttributionStep } from './attribution-view.ts'
import type { Context } from './context.ts'
import { refuseDuty } from './legal-step.ts'
import { prose } from './legal-text.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

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
      await takeAttributionStep(transaction, context, caller, standing, 'withdraw-attribution', taken)
      return attributionView(caller, standing, taken)
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
        await takeAttributionStep(transaction, context, caller, standing, action, taken)
        return { view: attributionView(caller, standing, taken) }
      })
      if ('view' in outcome) return outcome.view
      await refuseDuty(context, caller, standing, action, outcome.refusal, { request: input.id })
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
      await takeAttributionStep(transaction, context, publicCaller, standing, 'withdraw-attribution', taken)
    }
    return lapsed.length
  })
}
