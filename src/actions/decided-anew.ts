import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { refusalOf } from '../policy/permissions.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { proveAgain, readerIn, recognise } from './recognise.ts'
import { stillMay } from './verb.ts'

const attempts = 5

/**
 * Does a part of something long with the policy and the caller as they are now, and again when the policy moves under it: what
 * has been read of a stream cannot be read again, so it is not started over as a verb is.
 * @param options `checkedWithRows`: every part comes from rows that are read together with the policy epoch, as for a verb
 * @throws {Fault} `unavailable`, `credentials_invalid`, `role_required`
 */
export async function decidedAnew<T>(
  context: Context,
  caller: Caller,
  name: ActionName,
  work: (standing: Standing, caller: Caller) => Promise<T>,
  options: { readonly checkedWithRows?: true } = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const trusting = options.checkedWithRows === true && attempt === 1
      const standing = await (trusting ? asKnown(context, caller, name) : asOfNow(context, caller, name))
      return await work(standing, await recognise(context, standing, caller))
    } catch (error) {
      if (!(error instanceof PolicyMoved)) throw error
      if (attempt === attempts)
        throw new Fault('unavailable', 'The policy is changing; try again.', { retryAfterSeconds: 1 })
    }
  }
}

async function asOfNow(context: Context, caller: Caller, name: ActionName): Promise<Standing> {
  await stillMay(context, caller, name)
  return await context.policy.current()
}

/** The policy as last known, where the rows confirm it; what it refuses is asked again. @throws {PolicyMoved} */
async function asKnown(context: Context, caller: Caller, name: ActionName): Promise<Standing> {
  await proveAgain(context, caller)
  const standing = await context.policy.known()
  const reader =
    caller.reader.account === undefined ? caller.reader : readerIn(standing.directory, caller.reader.account)
  if (reader === undefined || refusalOf({ ...caller, reader }, name) !== undefined)
    throw new PolicyMoved('refused, as far as is known')
  return standing
}
