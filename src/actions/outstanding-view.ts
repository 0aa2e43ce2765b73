import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { originatorShown } from '../policy/release.ts'
import type { NotConfirmed, OutstandingRow } from '../store/outstanding-recalls.ts'
import { stixIdOf } from '../store/rows.ts'
import type { Context, Standing } from './context.ts'
import { peerHandlings } from './peer-view.ts'
import { type NamedNode, nodeNames } from './provenance.ts'

/** A node that was given an indicator, and has not confirmed what takes it back. */
export interface UnconfirmedNode {
  readonly node: NamedNode
  /** The last version that it was given. */
  readonly version: number
  /** Whether it was given what takes it back: otherwise it has not asked since. */
  readonly told: boolean
  /** The last version that it said it stored; 0 for none. */
  readonly storedVersion: number
  /** Why it did not apply what it was given, where it said so. */
  readonly refused?: string
}

/** A recall or a narrower version that not every node has confirmed that has something to let go of. */
export interface OutstandingRecall {
  /** STIX id. */
  readonly id: string
  /** Absent where it stays anonymous to the caller. */
  readonly originator?: string
  readonly version: number
  /** Whether it is gone for good: otherwise it was narrowed. */
  readonly recalled: boolean
  /** Since when other nodes can be told. */
  readonly since: string
  /** From then on it is overdue. */
  readonly dueAt: string
  readonly overdue: boolean
  readonly overdueSeconds: number
  readonly nodes: readonly UnconfirmedNode[]
}

/** What was sealed until then is overdue by now. */
export const dueBy = (context: Context): Date =>
  new Date(context.clock().getTime() - limits.recallOverdueSeconds * 1000)

/** What of each is still to be let go of, and by whom. */
export function shownRecalls(
  context: Context,
  caller: Caller,
  standing: Standing,
  rows: readonly OutstandingRow[],
): OutstandingRecall[] {
  const named = nodeNames(context, caller, standing)
  const mayHave = entitled(context, standing)
  return rows.flatMap((row) => {
    const letsGo = (each: NotConfirmed) =>
      row.recalled || each.bare || row.narrowed || !mayHave(each.peer, row.handlingId)
    const nodes = row.notConfirmed.filter(letsGo).map(
      (each): UnconfirmedNode => ({
        node: named(each.peer),
        version: each.version,
        told: each.version >= row.version,
        storedVersion: each.stored,
        ...(each.refused === null ? {} : { refused: each.refused }),
      }),
    )
    return nodes.length === 0 ? [] : [{ ...termsOf(context, caller, standing, row), nodes }]
  })
}

function termsOf(
  context: Context,
  { reader }: Caller,
  { visibility }: Standing,
  row: OutstandingRow,
): Omit<OutstandingRecall, 'nodes'> {
  const now = row.handlingId === null ? undefined : visibility.handling(row.handlingId)
  const own = row.originator === reader.organisation?.id
  // What was named when it went out may be anonymous by now.
  const named = own || (now !== undefined && originatorShown(reader, now))
  const lateMs = dueBy(context).getTime() - row.at.getTime()
  return {
    id: stixIdOf(row.stixId),
    ...(named ? { originator: row.originator } : {}),
    ...{ version: row.version, recalled: row.recalled },
    since: row.at.toISOString(),
    dueAt: new Date(row.at.getTime() + limits.recallOverdueSeconds * 1000).toISOString(),
    overdue: lateMs >= 0,
    overdueSeconds: Math.max(0, Math.floor(lateMs / 1000)),
  }
}

/** Whether a peer may have what stands under a handling now: then it has nothing to let go of, unless it was narrowed. */
function entitled(context: Context, standing: Standing) {
  const views = new Map<string, Uint8Array>()
  return (id: string, handlingId: number | null): boolean => {
    const peer = standing.directory.peers.get(id)
    if (peer === undefined || handlingId === null) return false
    const view = views.get(id) ?? peerHandlings(context, standing, peer)
    views.set(id, view)
    return view[handlingId] === 1
  }
}
