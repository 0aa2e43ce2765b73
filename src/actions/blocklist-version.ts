import { keyedDigest } from '../auth/digests.ts'
import { Remembered } from '../auth/remembered.ts'
import { type Expiries, expiriesOf, type WantedValues } from '../store/blocklist-values.ts'
import { confirmVisible, type VisibleTo } from '../store/visible.ts'
import type { Context } from './context.ts'

/** Lists whose next expiry is remembered. */
const remembered = 1_000

/** When lists change by themselves, as found by an earlier request: asked again once that has passed. */
export class BlocklistExpiries {
  readonly #known = new Remembered<Expiries>(remembered)

  async of(base: string, at: Date, find: () => Promise<Expiries>): Promise<Expiries> {
    const known = this.#known.get(base)
    if (known !== undefined && (known.next ?? Number.POSITIVE_INFINITY) > at.getTime()) return known
    const found = await find()
    this.#known.set(base, found)
    return found
  }
}

/**
 * Confirms the permission, and that the column knows the feed as far as it reached then: what is read of a list afterwards is at least
 * as new as a version made of the column now.
 * @throws {PolicyMoved}
 */
export async function settled(context: Context, visible: VisibleTo): Promise<void> {
  if ((await confirmVisible(context.database, visible)) > context.column.now.head) await context.column.catchUp()
}

/**
 * Names the state of a list for one reader: for every handling in it where the feed last touched that handling, what is asked for, the
 * warninglists, and the last expiry. All of it is about what the reader sees, so what it may not see changes nothing; keyed, since
 * positions count what others publish. It may change where the list does not; never the other way round. For what is {@link settled}.
 * @throws {PolicyMoved}
 */
export async function blocklistVersion(
  context: Context,
  visible: VisibleTo,
  asked: { readonly name: string; readonly extension: string; readonly wanted: WantedValues },
  warninglists: bigint,
): Promise<string> {
  const {
    filter: { at, ...filter },
    types,
  } = asked.wanted
  const changes: number[] = []
  for (let id = 0; id < visible.bitmap.length * 8; id++) {
    const change = ((visible.bitmap[id >> 3] ?? 0) >> (id & 7)) % 2 === 1 ? context.column.now.changedAt(id) : 0
    if (change > 0) changes.push(id, change)
  }
  const parts = [context.node.feedEpoch, asked.name, asked.extension, types, filter, String(warninglists), changes]
  const base = keyedDigest(context.node.cursorKey, `blocklist|${JSON.stringify(parts)}`)
  const { last } = await context.expiries.of(base, new Date(at), () =>
    expiriesOf(context.database, visible, asked.wanted),
  )
  return keyedDigest(context.node.cursorKey, `blocklist|${base}|${last ?? ''}`)
}
