import type { Caller } from '../domain/caller.ts'
import { worldOf } from '../domain/directory.ts'
import { limits } from '../domain/limits.ts'
import { readEnvelope } from '../formats/envelope.ts'
import { decide } from '../policy/decide.ts'
import { addCounts } from '../store/peer-states.ts'
import {
  dropQuarantined as dropRows,
  dueAgain,
  keepQuarantined,
  type QuarantineRow,
  quarantined,
  quarantinedById,
} from '../store/quarantine.ts'
import { applyNotices, internNoticeHandlings } from './apply-notices.ts'
import { applyJudged, internHandlings } from './apply-page.ts'
import { byType } from './by-type.ts'
import type { Context, Standing } from './context.ts'
import { openEntries } from './enter-page.ts'
import { judgePage } from './judge-page.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { readAside } from './set-aside.ts'
import { record, verb } from './verb.ts'

/** Something of a peer that was not applied. */
export interface QuarantinedItem {
  readonly id: string
  readonly peer: string
  /** As the entry says; absent where it could not be read. */
  readonly originator?: string
  readonly item?: string
  readonly version?: number
  /** Why, as docs/federation.md lists it. */
  readonly code: string
  readonly detail: string
  readonly at: string
  /** Whether it may be examined again; otherwise only its name is kept. */
  readonly releasable: boolean
  /** When that happens by itself. */
  readonly retryAt?: string
  /** The exact text of the envelope, where it is kept, one thing was asked for, and the caller may have what is in it. */
  readonly envelope?: string
}

export interface QuarantineInput {
  readonly peer?: string
  readonly code?: string
  /** The id of the last one of the page before. */
  readonly after?: string
  readonly limit?: number
}

/** What was not applied, the oldest first. */
export const listQuarantine = verb(
  'list-quarantine',
  async (
    context: Context,
    _caller: Caller,
    { after, limit, peer, code }: QuarantineInput,
  ): Promise<QuarantinedItem[]> =>
    (
      await quarantined(context.database, {
        ...(peer === undefined ? {} : { peer }),
        ...(code === undefined ? {} : { code }),
        ...(after === undefined ? {} : { after: BigInt(after) }),
        limit: limit ?? limits.pageRecordsDefault,
      })
    ).map((row) => shown(row)),
)

/**
 * One of them, with the exact text of the envelope where it is kept and the caller may have what is in it: who keeps the node in order
 * reads what its organisation may read, and nothing more. @throws {Fault} `not_found`
 */
export const readQuarantined = verb(
  'read-quarantined',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<QuarantinedItem> => {
    const row = await quarantinedById(context.database, BigInt(id))
    if (row === undefined) throw absent()
    const envelope = row.entry === null ? undefined : readAside(row.entry).envelope
    if (envelope === undefined || !mayHave(context, caller, standing, envelope)) return shown(row)
    await context.database.transaction((transaction) =>
      record(transaction, context, caller, standing, administrative('read-quarantined', { id })),
    )
    return { ...shown(row), envelope }
  },
)

/** What takes away has no content to keep from anybody. */
function mayHave(context: Context, { reader, purpose }: Caller, { directory }: Standing, text: string): boolean {
  const envelope = readEnvelope(text)
  if (envelope.handling === null) return true
  return (
    decide(reader, byType(envelope, envelope.handling), purpose, context.clock(), worldOf(directory)).effect ===
    'permit'
  )
}

export const releaseOutcomes = ['applied', 'known', 'quarantined', 'refused'] as const

/** What became of something that was examined again. */
export interface Released {
  readonly id: string
  readonly outcome: (typeof releaseOutcomes)[number]
  readonly code?: string
}

/**
 * Examines one again, by the present directory and clock, and applies it if it may be: no check is left out. What may not is kept or, if
 * it never can be, by name alone. @throws {Fault} `not_found`
 */
export const releaseQuarantined = verb(
  'release-quarantined',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<Released> => {
    const row = await quarantinedById(context.database, BigInt(id))
    if (row === undefined || row.entry === null) throw absent()
    const outcome = await examineAgain(context, standing, row, caller)
    return { id, ...outcome }
  },
)

/** Drops one for good. @throws {Fault} `not_found` */
export const dropQuarantined = verb(
  'drop-quarantined',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<void> => {
    await context.database.transaction(async (transaction) => {
      if ((await dropRows(transaction, [BigInt(id)])) === 0) throw absent()
      await record(transaction, context, caller, standing, administrative('drop-quarantined', { id }))
    })
  },
)

async function examineAgain(
  context: Context,
  standing: Standing,
  row: QuarantineRow,
  caller: Caller,
): Promise<Omit<Released, 'id'>> {
  const sender = standing.directory.peers.get(row.peer)
  if (sender === undefined || row.entry === null) throw absent()
  const entry = readAside(row.entry)
  const entries = await openEntries(standing, { seals: [entry.jws], entries: [entry] })
  const judged = await judgePage(context, standing, sender, entries)
  const handlings = await internHandlings(context, judged.effective)
  const noticeHandlings = await internNoticeHandlings(context, judged.notices)
  const [tally] = judged.tallies
  const [aside] = judged.aside
  await context.database.transaction(async (transaction) => {
    const at = context.clock()
    await dropRows(transaction, [row.id])
    await applyJudged(context, transaction, await context.policy.known(), sender, judged.effective, handlings)
    await applyNotices(context, transaction, standing, sender, judged.notices, noticeHandlings)
    await addCounts(transaction, sender.id, judged.tallies, at)
    await keepQuarantined(transaction, sender.id, judged.aside, at)
    const subject = { id: String(row.id), item: row.item, outcome: tally?.outcome, code: aside?.code }
    await record(transaction, context, caller, standing, administrative('release-quarantined', subject))
  })
  const outcome = tally?.outcome ?? 'refused'
  return { outcome: outcome === 'narrowed' ? 'applied' : outcome, ...(aside === undefined ? {} : { code: aside.code }) }
}

/** What the clock does: what waited for its time, or for another version, is examined again. */
export async function retryQuarantined(context: Context, caller: Caller): Promise<void> {
  for (const id of await dueAgain(context.database, context.clock(), limits.pageRecordsDefault)) {
    const standing = await context.policy.current()
    const row = await quarantinedById(context.database, id)
    if (row?.entry === null || row === undefined) continue
    await examineAgain(context, standing, row, caller)
  }
}

const shown = (row: QuarantineRow): QuarantinedItem => ({
  id: String(row.id),
  peer: row.peer,
  ...(row.originator === null ? {} : { originator: row.originator }),
  ...(row.item === null ? {} : { item: row.item }),
  ...(row.version === null ? {} : { version: row.version }),
  code: row.code,
  detail: row.detail,
  at: row.at.toISOString(),
  releasable: row.entry !== null,
  ...(row.retryAt === null ? {} : { retryAt: row.retryAt.toISOString() }),
})
