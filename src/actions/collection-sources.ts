import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import type { Indicator } from '../domain/indicator.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import { recalledForm } from '../policy/release.ts'
import { firstVersions, type Replaced, replacedAt, rowsAt, rowsById } from '../store/collection-rows.ts'
import type { Words } from '../store/column.ts'
import { replacedVersions } from '../store/reads.ts'
import { stixObjects } from './collection-objects.ts'
import type { Context, Standing } from './context.ts'
import { asOf } from './history.ts'
import { uuidOf } from './ids.ts'
import type { Read } from './reading.ts'
import { permittedFor, releaseAll, visibleTo } from './visible.ts'

/** What stands; what was recalled, at the position of its recall; what a later version replaced, where it stood. */
export type Kind = 'standing' | 'recalled' | 'replaced'

/** An object of a collection as one reader may have it. */
export interface Shown {
  readonly position: number
  /** Microseconds; the store's. Not to be shown: it counts rows. */
  readonly dateAdded: string
  readonly handlingId: number
  /** STIX id. */
  readonly id: string
  /** What STIX and TAXII call its version: when it was modified. */
  readonly version: string
  /** JSON text. */
  readonly stix: string
  readonly kind: Kind
  /** For the audit log. */
  readonly read: Read
}

/** One kind of object that stands in collections. Made for one request. */
export interface StixSource {
  /** The STIX types in it; undefined: it cannot be said. */
  readonly types: readonly string[]
  /**
   * Positions in `(above, upto]` of what may be shown under one of these handlings, the oldest first, out of memory. Of what is made of
   * others {@link read} says whether it is.
   */
  proposed(
    handlings: Words,
    stretch: { readonly above: number; readonly upto: number },
    limit: number,
    kind: Kind,
  ): readonly number[]
  /** Positions up to one of all that stands under one of these handlings and may be shown. @throws {PolicyMoved} */
  visible(handlings: Words, upto: number): Promise<readonly number[]> | readonly number[]
  /** Which of these positions have something that may be shown, without reading what it says. @throws {PolicyMoved} */
  among(positions: readonly number[]): Promise<readonly number[]> | readonly number[]
  /**
   * What may be shown of these positions, and how far the feed reached.
   * @param confirmed as far as it reached when the policy was confirmed: if the column says the same and nothing is to be read, that holds
   * @throws {PolicyMoved}
   */
  read(
    positions: readonly number[],
    confirmed: number,
  ): Promise<{ readonly shown: ReadonlyMap<number, Shown>; readonly head: number }>
  /** All that stands or was recalled under these ids, with what it replaced where that is asked for. @throws {PolicyMoved} */
  byId(ids: readonly string[], replaced: boolean): Promise<readonly Shown[]>
  /** Which of these, all of its types, are the first versions that the reader may have. */
  firstOf(shown: readonly Shown[]): Promise<ReadonlySet<Shown>>
}

/** Every kind of object, for one reader and one collection. @param keep handlings of the collection @param types that are asked for */
export const sourcesOf = (
  context: Context,
  caller: Caller,
  standing: Standing,
  keep: (handling: Handling) => boolean,
  types?: readonly string[],
): readonly StixSource[] => [
  indicators(context, caller, standing, keep),
  stixObjects(context, caller, standing, keep, types),
]

function indicators(
  context: Context,
  caller: Caller,
  standing: Standing,
  keep: (handling: Handling) => boolean,
): StixSource {
  const permitted = permittedFor(context, caller, standing)
  const visible = visibleTo(
    permitted,
    standing,
    caller,
    'whole',
    (handling) => mayBeFollowed(handling) && keep(handling),
  )
  const { column, database } = context
  const shownOf = (rows: readonly Indicator[]): Shown[] => {
    const whole = rows.filter(({ recalled }) => !recalled)
    const released = releaseAll(context, caller, standing, permitted, whole)
    const texts = new Map(whole.map((row, n) => [row, released[n]?.stix ?? '']))
    return rows.map((row) =>
      shownAs(
        row,
        texts.get(row) ?? recalledForm(row, standing.visibility.handling(row.handlingId)),
        row.recalled ? 'recalled' : 'standing',
      ),
    )
  }
  /** Under the handling that it had, or the present one where that is stricter. */
  const replacedOf = ({ present, version }: Replaced): Shown[] => {
    const anonymous = standing.visibility.handling(present.handlingId)?.attribution === 'anonymous'
    const row = asOf(present, version, anonymous)
    return releaseAll(context, caller, standing, permitted, [row], present).map(({ stix }) =>
      shownAs(row, stix, 'replaced'),
    )
  }
  return {
    types: ['indicator'],
    proposed: (handlings, { above, upto }, limit, kind) =>
      ({ standing: column.now, recalled: column.recalled, replaced: column.replaced })[kind].oldestAbove(
        handlings,
        above,
        upto,
        limit,
      ),
    visible: (handlings, upto) => column.now.oldestAbove(handlings, 0, upto, Number.POSITIVE_INFINITY),
    among: (positions) => positions,
    read: async (positions, confirmed) => {
      const old = positions.filter((position) => column.replaced.at(position) !== 0)
      const { rows, head } = await rowsAt(database, column, visible, positions, confirmed)
      const shown = shownOf([...rows.values()])
      const replaced = old.length === 0 ? undefined : await replacedAt(database, visible, old)
      const all = [...shown, ...(replaced?.found ?? []).flatMap(replacedOf)]
      return { shown: new Map(all.map((each) => [each.position, each])), head: Math.max(head, replaced?.head ?? 0) }
    },
    byId: async (ids, replaced) => {
      const uuids = ids.flatMap((id) => uuidOf(id) ?? [])
      // Asked even for ids that cannot exist, so that both take the same way.
      const rows = await rowsById(database, visible, uuids)
      const shown = shownOf(rows)
      if (!replaced) return shown
      for (const present of rows.filter(({ recalled }) => !recalled)) {
        const versions = await replacedVersions(database, present.originator, uuidOf(present.id) ?? '')
        const seen = versions.filter(
          ({ handlingId }) => permitted.permit.has(handlingId) || permitted.redact.has(handlingId),
        )
        shown.push(...seen.flatMap((version) => replacedOf({ present, version })))
      }
      return shown
    },
    firstOf: async (shown) => {
      const later = shown.filter(({ read }) => read.version > 1)
      const first = await firstVersions(
        database,
        visible,
        later.map(({ read }) => ({ originator: read.originator, uuid: uuidOf(read.id) ?? '' })),
      )
      return new Set(
        shown.filter(({ read }) => (first.get(`${read.originator} ${read.id}`) ?? read.version) === read.version),
      )
    },
  }
}

const shownAs = (row: Indicator, stix: string, kind: Kind): Shown => ({
  position: Number(row.position),
  dateAdded: row.dateAdded,
  handlingId: row.handlingId,
  id: row.id,
  version: row.modified,
  stix,
  kind,
  read: row,
})
