import type { ActionName } from '../domain/action-names.ts'
import {
  type Assistance,
  type AssistanceStep,
  type AssistanceStepName,
  assistanceStepFacts,
  mayTakeAssistanceStep,
} from '../domain/assistance.ts'
import type { Caller } from '../domain/caller.ts'
import { publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { assistanceSideOf, assistanceStepRefusal } from '../policy/assistance.ts'
import type { Refusal } from '../policy/permissions.ts'
import {
  appendAssistanceStep,
  assistanceOf,
  assistanceSaid,
  holdAssistance,
  lapsedAssistance,
  type StoredAssistance,
} from '../store/assistance.ts'
import type { Transaction } from '../store/database.ts'
import { type AssistanceView, viewOf, wordsVisibleTo } from './assistance-view.ts'
import type { Context, Standing } from './context.ts'
import { prose } from './legal-text.ts'
import { absent } from './read.ts'
import { refuseTooMuchSaid } from './said-enough.ts'
import { record, verb } from './verb.ts'

export interface AssistanceStepInput {
  readonly id: string
  readonly text?: string
  /** The version that it is based on; any when absent. */
  readonly version?: number
}

/** Says that it will be done. @throws {Fault} `not_found`, `not_yours`, `assistance_state`, `version_conflict` */
export const acceptAssistance = stepOf('accept-assistance', 'accept')

/** Says that it will not be done, and why. @throws {Fault} as {@link acceptAssistance}, `invalid_request` */
export const declineAssistance = stepOf('decline-assistance', 'decline')

/** Says what was done; there may be several answers. @throws {Fault} as {@link declineAssistance} */
export const answerAssistance = stepOf('answer-assistance', 'answer')

/** Says that the answer was taken. @throws {Fault} as {@link acceptAssistance} */
export const closeAssistance = stepOf('close-assistance', 'close')

/** Says that it is not asked for any more. @throws {Fault} as {@link acceptAssistance} */
export const withdrawAssistance = stepOf('withdraw-assistance', 'withdraw')

/** Says something more, on either side. @throws {Fault} as {@link declineAssistance} */
export const annotateAssistance = stepOf('annotate-assistance', 'note')

function stepOf(action: ActionName, step: AssistanceStepName) {
  return verb(
    action,
    async (context: Context, caller: Caller, input: AssistanceStepInput, standing): Promise<AssistanceView> => {
      const { text: said = '' } = input
      const text = said.trim() === '' && !assistanceStepFacts[step].says ? '' : prose(said, '/text')
      const home = caller.reader.organisation?.id ?? ''
      const outcome = await context.database.transaction(async (transaction) => {
        await holdAssistance(transaction, home, input.id)
        const visible = wordsVisibleTo(context, caller, standing)
        const [known] = await assistanceOf(transaction, visible, { id: input.id, limit: 1 })
        const side = known === undefined ? undefined : assistanceSideOf(caller, known)
        if (known === undefined || side === undefined) throw absent()
        const refusal = assistanceStepRefusal(step, side)
        if (refusal !== undefined) return refusal
        if (input.version !== undefined && input.version !== known.version)
          throw new Fault('version_conflict', `It is at version ${known.version} now.`)
        const account = caller.reader.account ?? ''
        const at = context.clock().toISOString()
        const taken = await take(transaction, context, caller, standing, action, known, {
          step,
          side,
          account,
          text,
          at,
        })
        return { view: await viewOf(transaction, context, caller, standing, taken) }
      })
      if ('view' in outcome) return outcome.view
      return await refuse(context, caller, standing, action, input.id, outcome)
    },
  )
}

async function take(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  known: StoredAssistance,
  step: AssistanceStep,
): Promise<StoredAssistance> {
  if (!mayTakeAssistanceStep(known, step.step, context.clock())) throw stateFault(known, step.step)
  if (step.step === 'note' || step.step === 'answer')
    refuseTooMuchSaid([...(await assistanceSaid(transaction, known.id, step.side)), step.text])
  const { to: state = known.state } = assistanceStepFacts[step.step]
  const taken: StoredAssistance = { ...known, state, version: known.version + 1 }
  const handlingId = step.side === 'addressee' ? known.answerHandlingId : known.handlingId
  await appendAssistanceStep(transaction, taken, step, handlingId)
  // Which asking it was stands in the subject alone: leaves of the two sides must not lead from one to the other.
  await record(transaction, context, caller, standing, {
    action,
    decision: 'permit',
    rules: ['assistance.two'],
    subject: JSON.stringify({ assistance: taken, step }),
  })
  return taken
}

async function refuse(
  context: Context,
  caller: Caller,
  standing: Standing,
  action: ActionName,
  id: string,
  { code, rule, sentence }: Refusal,
): Promise<never> {
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, {
      ...{ action, decision: 'deny', rules: [rule] },
      subject: JSON.stringify({ assistance: id }),
    }),
  )
  throw new Fault(code, sentence, { rule })
}

const stateFault = ({ state, dueAt }: Assistance, step: string): Fault =>
  new Fault('assistance_state', `What is ${state}, and due at ${dueAt}, has no step "${step}".`)

/** Askings ended by one transaction. */
const batch = 100

/** Says of what nobody took up by its time that it expired; on the clock. @returns how many */
export async function expireAssistance(context: Context): Promise<number> {
  const standing = await context.policy.current()
  return await context.database.transaction(async (transaction) => {
    const lapsed = await lapsedAssistance(transaction, context.clock(), batch)
    for (const known of lapsed) {
      const at = context.clock().toISOString()
      const step: AssistanceStep = { step: 'expire', side: 'clock', text: '', at }
      await take(transaction, context, publicCaller, standing, 'close-assistance', known, step)
    }
    return lapsed.length
  })
}
