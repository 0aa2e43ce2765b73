import { worldOf } from '../domain/directory.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Released } from '../domain/released.ts'
import { heldEffect } from '../policy/escrow.ts'
import { originatorShown, releaserOf } from '../policy/release.ts'
import type { Queries } from '../store/database.ts'
import { type HeldItem, heldCopies, heldItems, selectHeld } from '../store/escrow.ts'
import { countStale, type ExportItemRow, keyOf } from '../store/export-items.ts'
import type { Context, Standing } from './context.ts'
import { ContentMoved, mayHave, type Work } from './export-work.ts'
import { scopeQuery } from './legal-filter.ts'
import { releaseFacts } from './visible.ts'

/** What request and policy let through of preserved copies that are not had otherwise any more. */
export async function selectFromEscrow(context: Context, work: Work, limit: number): Promise<HeldItem[]> {
  const { request, caller, standing } = work
  const { filter } = scopeQuery(context, caller, standing, request.scope)
  const organisation = caller.reader.organisation?.id ?? ''
  const at = context.clock()
  const over = expiredHandlings(standing, request.scope.originators, at)
  const given: HeldItem[] = []
  // What is denied does not count: it must not push out of the page what is not.
  for (let page: HeldItem[] | undefined; given.length < limit && (page === undefined || page.length === limit); ) {
    const { originators } = request.scope
    page = await selectHeld(context.database, organisation, originators, filter, over, at, limit, page?.at(-1))
    given.push(
      ...page.filter(
        ({ handlingId, presentHandlingId }) => effectOf(context, work, handlingId, presentHandlingId) !== 'deny',
      ),
    )
  }
  return given
}

/** How a copy may be given, now. */
function effectOf(
  context: Context,
  { caller, standing }: Pick<Work, 'caller' | 'standing'>,
  held: number,
  present: number | null,
) {
  const [copy, now] = [held, present].map((id) => (id === null ? undefined : standing.visibility.handling(id)))
  if (copy === undefined || now === undefined) return 'deny'
  if (!originatorShown(caller.reader, copy) || !originatorShown(caller.reader, now)) return 'deny'
  return heldEffect(caller.reader, [copy, now], caller.purpose, context.clock(), worldOf(standing.directory))
}

function expiredHandlings({ visibility }: Standing, originators: readonly string[], at: Date): number[] {
  const over: number[] = []
  for (let id = 0; id < visibility.size; id++) {
    const handling = visibility.handling(id)
    if (handling?.expiresAt === undefined || !originators.includes(handling.originator)) continue
    if (Date.parse(handling.expiresAt) <= at.getTime()) over.push(id)
  }
  return over
}

/**
 * The copies of those items that are of a hold, released; by `originator stixId`.
 * @throws {ContentMoved} when one is not held any more, or not the liaison's to have
 */
export async function releaseFromEscrow(
  context: Context,
  work: Pick<Work, 'caller' | 'standing'>,
  items: readonly ExportItemRow[],
): Promise<ReadonlyMap<string, Released>> {
  const copies = await heldCopies(context.database, items, context.clock())
  const facts = releaseFacts(context, work.standing)
  const released = new Map<string, Released>()
  for (const item of items) {
    if (item.hold === null) continue
    const copy = copies.get(keyOf(item))
    const handling = work.standing.visibility.handling(item.handlingId)
    const effect = copy === undefined ? 'deny' : effectOf(context, work, item.handlingId, copy.presentHandlingId)
    if (copy === undefined || handling === undefined || effect === 'deny' || copy.indicator.version !== item.version)
      throw new ContentMoved('an item of an export is not held any more')
    released.set(keyOf(item), releaserOf(handling, effect, work.caller.reader, facts)(copyOf(copy.indicator)))
  }
  return released
}

/** A copy is told as the indicator was when it was taken. */
const copyOf = (indicator: Indicator): Indicator => ({ ...indicator, recalled: false })

/** How many items of an export are not any more what they were, or not the liaison's to have. */
export async function staleItems(queries: Queries, context: Context, work: Work): Promise<number> {
  let stale = await countStale(queries, work.row.id, mayHave(context, work))
  for (const { handlingId, present, masked } of await heldItems(queries, work.row.id, context.clock())) {
    const effect = effectOf(context, work, handlingId, present)
    if (effect === 'deny' || (effect === 'redact' && !masked)) stale++
  }
  return stale
}
