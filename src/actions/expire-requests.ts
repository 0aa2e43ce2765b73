import { publicCaller } from '../domain/caller.ts'
import { overdueLegalRequests } from '../store/legal-requests.ts'
import type { Context } from './context.ts'
import { takeStep } from './legal-step.ts'

/** Requests ended by one transaction. */
const batch = 100

/**
 * Says of requests whose time is over that they expired; on the clock. What they gave ended at their instant already.
 * @returns how many
 */
export async function expireRequests(context: Context): Promise<number> {
  const standing = await context.policy.current()
  return await context.database.transaction(async (transaction) => {
    const overdue = await overdueLegalRequests(transaction, context.clock(), batch)
    for (const request of overdue) {
      const step = { step: 'expire', side: 'clock', note: '' } as const
      const change = () => ({ state: 'expired' as const })
      await takeStep(transaction, context, publicCaller, standing, 'close-request', request, step, change)
    }
    return overdue.length
  })
}
