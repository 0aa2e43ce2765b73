import type { Agreement } from '../domain/agreement.ts'
import type { Caller } from '../domain/caller.ts'
import type { Decision } from '../domain/decision.ts'
import { readerOfAccount, readerOfOrganisation, worldOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import type { Reader } from '../domain/reader.ts'
import { decide } from '../policy/decide.ts'
import { mayExplain } from '../policy/knowing.ts'
import { mayBlock } from '../policy/pap.ts'
import { originatorShown, withoutRelations, withoutSource } from '../policy/release.ts'
import type { Context, Standing } from './context.ts'
import type { ReadInput } from './named-source.ts'
import { findVisible } from './read.ts'
import { record, verb } from './verb.ts'
import { permittedFor } from './visible.ts'

export interface ExplainInput extends ReadInput {
  /** Organisation id as reader; the caller's own when absent. */
  readonly organisation?: string
  /** Account id as reader, of that organisation: RED names people. */
  readonly account?: string
}

export interface Explanation extends Decision {
  readonly id: string
  readonly organisation: string
  readonly account?: string
  readonly purpose: Caller['purpose']
  readonly at: string
  /** Agreements that the decision rested on, whole. */
  readonly agreements: readonly Agreement[]
  /** Whether it may stand in blocking outputs (PAP). */
  readonly mayBlock: boolean
}

/**
 * Which rules decide what a reader sees of an indicator, and why. Answered for one's own organisation as reader, and to the
 * originator about any reader; of what the caller cannot see there is nothing to explain.
 * @throws {Fault} `not_found`, `not_yours`
 */
export const explain = verb(
  'explain',
  async (context: Context, caller: Caller, input: ExplainInput, standing): Promise<Explanation> => {
    const permitted = permittedFor(context, caller, standing)
    const indicator = await findVisible(context, caller, standing, permitted, input)
    const organisation = input.organisation ?? caller.reader.organisation?.id ?? ''
    if (!mayExplain(caller, organisation, indicator.originator)) {
      await context.database.transaction((transaction) =>
        record(transaction, context, caller, standing, {
          action: 'explain',
          decision: 'deny',
          rules: ['explain.own'],
          subject: JSON.stringify({ id: indicator.id, organisation }),
        }),
      )
      throw new Fault('not_yours', 'Only the originator may ask about other readers.', { rule: 'explain.own' })
    }
    const handling = standing.visibility.handling(indicator.handlingId)
    if (handling === undefined) throw new Error('an indicator has a handling that is not known')
    const reader = readerFor(standing, caller, organisation, input.account)
    const at = context.clock()
    const whole = decide(reader, handling, caller.purpose, at, worldOf(standing.directory))
    const told = organisation === caller.reader.organisation?.id ? whole : withoutRelations(whole)
    const decision = originatorShown(caller.reader, handling) ? told : withoutSource(told)
    const named = new Set(decision.rules.flatMap(({ agreement }) => (agreement === undefined ? [] : [agreement])))
    return {
      ...decision,
      id: indicator.id,
      organisation,
      ...(reader.account === undefined ? {} : { account: reader.account }),
      purpose: caller.purpose,
      at: at.toISOString(),
      agreements: standing.directory.agreements.filter(({ id }) => named.has(id)),
      mayBlock: mayBlock(handling),
    }
  },
)

function readerFor(standing: Standing, caller: Caller, organisation: string, account: string | undefined): Reader {
  if (account === undefined) {
    return organisation === caller.reader.organisation?.id
      ? caller.reader
      : readerOfOrganisation(standing.directory, organisation)
  }
  const reader = readerOfAccount(standing.directory, account)
  if (reader === undefined || reader.organisation?.id !== organisation) {
    throw new Fault('invalid_request', 'That account is not one of that organisation.')
  }
  return reader
}
