import type { Caller } from '../domain/caller.ts'
import { worldOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Reader } from '../domain/reader.ts'
import { decide } from '../policy/decide.ts'
import { withoutRelations } from '../policy/release.ts'
import { type Reference, referable } from '../store/assistance.ts'
import { referencesVisibleTo } from './assistance-view.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { invalid } from './legal-text.ts'
import { record } from './verb.ts'

/** What is said must reach whom it is said to: otherwise the first rule against it is told. @throws {Fault} `assistance_refused` */
export async function refuseUnseen(
  context: Context,
  caller: Caller,
  standing: Standing,
  reader: Reader,
  handling: Handling,
  pointer?: string,
): Promise<void> {
  const decision = decide(reader, handling, caller.purpose, context.clock(), worldOf(standing.directory))
  // A reference is an id, which a masked indicator has, too; words have no masked form.
  if (decision.effect === 'permit' || (pointer !== undefined && decision.effect === 'redact')) return
  const { reason, rules } = withoutRelations(decision)
  const why = rules.find(({ id }) => id === reason)?.sentence ?? 'It does not reach that organisation.'
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, {
      action: 'ask-assistance',
      decision: 'deny',
      rules: [reason],
      subject: JSON.stringify({ handling }),
    }),
  )
  const position = pointer === undefined ? {} : { position: { pointer } }
  throw new Fault('assistance_refused', why, { rule: reason, ...position })
}

/**
 * What it refers to. What the caller does not see is not there. Of its own, the caller may know who sees it (`explain`), and what the
 * other does not see is refused. Of somebody else's it may not: whether the other sees it changes nothing here, and is decided when it reads.
 */
export async function referencesOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  readers: readonly Reader[],
  ids: readonly string[],
): Promise<Reference[]> {
  const uuids = ids.map((id) => uuidOf(id) ?? nobody)
  if (uuids.length === 0 || uuids.length > limits.assistanceIndicators)
    throw invalid('/indicators', `It is about 1 to ${limits.assistanceIndicators} indicators.`)
  const visible = await referable(context.database, referencesVisibleTo(context, caller, standing), [...new Set(uuids)])
  const found = new Map<string, Reference>()
  for (const [n, uuid] of uuids.entries()) {
    const pointer = `/indicators/${n}`
    const one = visible.get(uuid)
    if (one === undefined)
      throw new Fault('reference_unknown', 'This indicator is not known here, or not to you.', {
        position: { pointer },
      })
    if (one.originator === caller.reader.organisation?.id) {
      if (one.recalled) throw new Fault('already_recalled', 'This indicator was recalled.', { position: { pointer } })
      const handling = standing.visibility.handling(one.handlingId)
      if (handling === undefined) throw new Error('an indicator has a handling that is not known')
      for (const reader of readers) await refuseUnseen(context, caller, standing, reader, handling, pointer)
    }
    found.set(uuid, { originator: one.originator, uuid })
  }
  return [...found.values()]
}

const nobody = '00000000-0000-0000-0000-000000000000'
