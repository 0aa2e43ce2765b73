import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Indicator } from '../domain/indicator.ts'
import { ownById } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { findVisible } from './read.ts'
import { record } from './verb.ts'
import { permittedFor } from './visible.ts'

/**
 * The caller's own indicator with this id. Only the originator changes what it published: somebody else's that the caller can
 * see is refused and recorded, one that it cannot see is not there.
 * @throws {Fault} `not_found`, `originator_only`
 */
export async function findOwn(
  context: Context,
  caller: Caller,
  standing: Standing,
  id: string,
  action: ActionName,
): Promise<Indicator> {
  const own = await ownById(context.database, caller.reader.organisation?.id ?? '', uuidOf(id) ?? nobody)
  if (own !== undefined) return own
  await findVisible(context, caller, standing, permittedFor(context, caller, standing), { id })
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, { action, decision: 'deny', rules: ['own'], subject: id }),
  )
  throw new Fault('originator_only', 'Only the originator may change or recall it.', { rule: 'own' })
}

const nobody = '00000000-0000-0000-0000-000000000000'
