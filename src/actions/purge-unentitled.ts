import { publicCaller } from '../domain/caller.ts'
import { worldOf } from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import { readEnvelope } from '../formats/envelope.ts'
import { mayTravel } from '../policy/travelling.ts'
import { letGo } from '../store/let-go.ts'
import { askFromTheBeginning } from '../store/peer-states.ts'
import { forgetQuarantinedContent, quarantinedEntries } from '../store/quarantine.ts'
import { heldUnder, type Unentitled } from '../store/unentitled.ts'
import { endedHandling } from './apply-page.ts'
import { byType } from './by-type.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { ownReaders } from './peer-view.ts'
import { readAside } from './set-aside.ts'
import { record } from './verb.ts'

interface Looked {
  readonly epoch: bigint
  readonly at: number
  readonly mask: Uint8Array
}

/** When this process looked last, under which directory, and what nobody might have. */
const looked = new WeakMap<Context['database'], Looked>()

/**
 * Lets go of the content of what came from other nodes and no organisation at home here may have any more: after a change of the directory,
 * and now and then, since handlings and agreements end by the clock. Its version stays known; when the directory changes again it is asked
 * for again. @returns how many were let go of
 */
export async function purgeUnentitled(context: Context): Promise<number> {
  const standing = await context.policy.current()
  const { directory } = standing
  if (directory.peers.size === 0) return 0
  const at = context.clock().getTime()
  const before = looked.get(context.database)
  const again = before === undefined || Math.abs(at - before.at) >= limits.purgeSeconds * 1000
  if (before?.epoch === directory.epoch && !again) return 0
  const mask = notForUs(context, standing)
  // What nobody might have already was looked for then.
  const more = mask.some((none, id) => none === 1 && before?.mask[id] !== 1)
  const total = more ? await purgeUnder(context, standing, mask) : 0
  looked.set(context.database, { epoch: directory.epoch, at, mask })
  return total
}

async function purgeUnder(context: Context, standing: Standing, mask: Uint8Array): Promise<number> {
  let total = 0
  for (;;) {
    const found = await heldUnder(context.database, mask, limits.batchRecords)
    if (found.length === 0) break
    await purge(context, standing, found)
    total += found.length
  }
  await purgeQuarantine(context, standing)
  return total
}

/** A byte for each handling id, 1 where nobody at home here may read it. */
function notForUs({ clock }: Context, { directory, visibility }: Standing): Uint8Array {
  const at = clock()
  const permits = ownReaders(directory).map((reader) => visibility.permitted(reader, 'defence', at).permit)
  return Uint8Array.from({ length: visibility.size }, (_, id) => (permits.some((permit) => permit.has(id)) ? 0 : 1))
}

async function purge(context: Context, standing: Standing, found: readonly Unentitled[]): Promise<void> {
  const originators = [...new Set(found.map(({ originator }) => originator))]
  const ids = await context.policy.intern(originators.map(endedHandling))
  const handlingOf = new Map(originators.map((originator, n) => [originator, ids[n] ?? 0]))
  await context.database.transaction(async (transaction) => {
    const items = found.map(({ stixId, originator }) => ({
      ...{ stixId, originator, recalled: false, why: 'ended' as const, handlingId: handlingOf.get(originator) ?? 0 },
    }))
    await letGo(transaction, items, context.clock())
    for (const peer of new Set(found.map(({ receivedFrom }) => receivedFrom)))
      await askFromTheBeginning(transaction, peer, standing.directory.epoch)
    const subject = found.map(({ stixId, originator }) => `${stixId} ${originator}`)
    await record(transaction, context, publicCaller, standing, administrative('pull-peer', subject))
  })
}

/** Of what waits only the names stay. */
async function purgeQuarantine(context: Context, { directory }: Standing): Promise<void> {
  const [readers, world, at] = [ownReaders(directory), worldOf(directory), context.clock()]
  for (let after = 0n; ; ) {
    const rows = await quarantinedEntries(context.database, after, limits.reportedTogether)
    const gone = rows.filter(({ entry }) => {
      const envelope = readEnvelope(readAside(entry).envelope)
      return envelope.handling !== null && !mayTravel(readers, byType(envelope, envelope.handling), at, world)
    })
    await forgetQuarantinedContent(
      context.database,
      gone.map(({ id }) => id),
    )
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.id
  }
}
