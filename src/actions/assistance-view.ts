import type { AssistanceTlp } from '../domain/assistance.ts'
import { type Assistance, type AssistanceStep, isOverdue } from '../domain/assistance.ts'
import type { Caller } from '../domain/caller.ts'
import { assistanceReferencesOf, assistanceStepsOf, type StoredAssistance } from '../store/assistance.ts'
import type { Queries, Transaction } from '../store/database.ts'
import type { Context, Standing } from './context.ts'
import { permittedFor, visibleTo } from './visible.ts'

/** One in a list. */
export interface AssistanceSummary extends Assistance {
  readonly tlp: AssistanceTlp
  readonly overdue: boolean
}

/** One whole, as its reader may have it. */
export interface AssistanceView extends AssistanceSummary {
  /** Account ids that RED reaches. */
  readonly people?: readonly string[]
  readonly personalData: boolean
  /** STIX ids of what it refers to, as far as the reader sees it. */
  readonly indicators: readonly string[]
  readonly steps: readonly (Omit<AssistanceStep, 'side'> & { readonly organisation?: string })[]
}

/** Words have no masked form: only what is permitted whole counts. */
export const wordsVisibleTo = (context: Context, caller: Caller, standing: Standing) =>
  visibleTo(permittedFor(context, caller, standing), standing, caller, 'content')

/** Ids of indicators are told to whoever sees them, masked or not. */
export const referencesVisibleTo = (context: Context, caller: Caller, standing: Standing) =>
  visibleTo(permittedFor(context, caller, standing), standing, caller, 'whole')

export function summaryOf(context: Context, standing: Standing, stored: StoredAssistance): AssistanceSummary {
  const { handlingId, answerHandlingId: _, ...plain } = stored
  const tlp = handlingOf(standing, handlingId).tlp as AssistanceTlp
  return { ...plain, tlp, overdue: isOverdue(plain, context.clock()) }
}

export async function viewOf(
  queries: Queries | Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  stored: StoredAssistance,
): Promise<AssistanceView> {
  const { people, personalData } = handlingOf(standing, stored.handlingId)
  const steps = await assistanceStepsOf(queries, wordsVisibleTo(context, caller, standing), stored.id)
  const uuids = await assistanceReferencesOf(queries, referencesVisibleTo(context, caller, standing), stored.id)
  return {
    ...summaryOf(context, standing, stored),
    ...(people.length === 0 ? {} : { people }),
    personalData,
    indicators: uuids.map((uuid) => `indicator--${uuid}`),
    steps: steps.map(({ side, ...step }) => ({
      ...step,
      ...(side === 'clock' ? {} : { organisation: side === 'asker' ? stored.from : stored.to }),
    })),
  }
}

function handlingOf({ visibility }: Standing, id: number) {
  const handling = visibility.handling(id)
  if (handling === undefined) throw new Error('what was asked has a handling that is not known')
  return handling
}
