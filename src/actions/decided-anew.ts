import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { recognise } from './recognise.ts'
import { stillMay } from './verb.ts'

const attempts = 5

/**
 * Does a part of something long with the policy and the caller as they are now, and again when the policy moves under it: what
 * has been read of a stream cannot be read again, so it is not started over as a verb is.
 * @throws {Fault} `unavailable`, `credentials_invalid`, `role_required`
 */
export async function decidedAnew<T>(
  context: Context,
  caller: Caller,
  name: ActionName,
  work: (standing: Standing, caller: Caller) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    await stillMay(context, caller, name)
    const standing = await context.policy.current()
    try {
      return await work(standing, await recognise(context, standing, caller))
    } catch (error) {
      if (!(error instanceof PolicyMoved)) throw error
      if (attempt === attempts)
        throw new Fault('unavailable', 'The policy is changing; try again.', { retryAfterSeconds: 1 })
    }
  }
}
