import type { ActionName } from '../domain/action-names.ts'
import type { AttributionRequest } from '../domain/attribution-request.ts'
import type { Caller } from '../domain/caller.ts'
import type { Released } from '../domain/released.ts'
import { attributionStepsShown, sourceDisclosed } from '../policy/broker.ts'
import { appendAttributionStep } from '../store/attribution-requests.ts'
import type { Transaction } from '../store/database.ts'
import type { Context, Standing } from './context.ts'
import { record } from './verb.ts'

/** One as the caller may have it. */
export interface AttributionView extends Omit<AttributionRequest, 'originator'> {
  /** For whoever asked, once two people approved. */
  readonly originator?: NonNullable<Released['originator']>
}

export function attributionView(caller: Caller, { directory }: Standing, request: AttributionRequest): AttributionView {
  const { originator: id, ...plain } = request
  const steps = attributionStepsShown(caller, request)
  if (!sourceDisclosed(caller, request)) return { ...plain, steps }
  const { name = id, jurisdiction = '' } = directory.organisations.get(id) ?? {}
  return { ...plain, steps, originator: { id, name, jurisdiction } }
}

/** Writes the latest step of a request and its leaf, or neither. */
export async function takeAttributionStep(
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
  await leaveAttribution(transaction, context, caller, standing, action, {
    request: { ...told, steps: request.steps.slice(-1) },
  })
}

/** Which request it was stands in the subject alone. */
export const leaveAttribution = (
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
