import { publicCaller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { letGo } from '../store/let-go.ts'
import { forgetNonces } from '../store/peer-states.ts'
import { forgetVersions, type Unbelieved, unbelieved } from '../store/unbelieved.ts'
import { endedHandling } from './apply-page.ts'
import type { Context } from './context.ts'
import { keepAside } from './keep-aside.ts'
import { administrative } from './organisations.ts'
import { purgeUnentitled } from './purge-unentitled.ts'
import { retryQuarantined } from './quarantine.ts'
import { record } from './verb.ts'

/**
 * What the clock does for federation, besides taking and giving: what is held of an expelled node, or was sealed with a key that was
 * taken back, is let go of and, for the key, listed; what waited in quarantine is examined again.
 */
export async function tendPeers(context: Context): Promise<void> {
  const { directory } = await context.policy.current()
  if (directory.peers.size === 0) return
  for (;;) {
    const found = await unbelieved(context.database, limits.batchRecords)
    if (found.length === 0) break
    await hide(context, found)
  }
  await purgeUnentitled(context)
  await retryQuarantined(context, publicCaller)
  await forgetNonces(context.database, context.clock())
}

async function hide(context: Context, found: readonly Unbelieved[]): Promise<void> {
  const items = [...new Map(found.map((each) => [`${each.stixId} ${each.originator}`, each])).values()]
  const originators = [...new Set(items.map(({ originator }) => originator))]
  const ids = await context.policy.intern(originators.map(endedHandling))
  const handlingOf = new Map(originators.map((originator, n) => [originator, ids[n] ?? 0]))
  const standing = await context.policy.current()
  const at = context.clock()
  await context.database.transaction(async (transaction) => {
    await letGo(
      transaction,
      items.map(({ stixId, originator }) => ({
        ...{ stixId, originator, recalled: false, why: 'unbelieved' as const },
        handlingId: handlingOf.get(originator) ?? 0,
      })),
      at,
    )
    const revoked = items.filter(({ why }) => why === 'key_revoked')
    for (const peer of new Set(revoked.map((each) => each.peer))) {
      const these = revoked.filter((each) => each.peer === peer)
      await forgetVersions(transaction, these)
      await keepAside(
        transaction,
        peer,
        these.map(({ originator, stixId, version }) => ({
          ...{ originator, item: `indicator--${stixId}`, version, code: 'key_revoked', entry: null, retryAt: null },
          ...{ detail: 'It was here, sealed with a key that was taken back since.', retryVersion: false },
        })),
        at,
      )
    }
    const subject = items.map(({ stixId, why }) => `${stixId} ${why}`)
    await record(transaction, context, publicCaller, standing, administrative('pull-peer', subject))
  })
}
