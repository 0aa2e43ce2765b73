import type { Caller } from '../domain/caller.ts'
import type { Indicator } from '../domain/indicator.ts'
import { limits } from '../domain/limits.ts'
import { type RelatedPlaces, type Relation, relatedPlaces, relations } from '../domain/related.ts'
import type { Released } from '../domain/released.ts'
import type { Permitted } from '../policy/visibility.ts'
import { type Found, relatedByAsn, relatedByKey, relatedInRanges, visibleByIds } from '../store/related.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { isSource, type ReadInput } from './named-source.ts'
import { absent } from './read.ts'
import { keyBytes } from './value-keys.ts'
import { type Action, verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

export interface Related {
  readonly relation: Relation
  readonly indicator: Released
}

export interface RelatedInput {
  readonly of: readonly ReadInput[]
  /** Of each kind, 1 to 50; 10 when absent. */
  readonly limit?: number
}

/**
 * What is related to each of several indicators, among what the caller may see: a constant number of statements however many they are.
 * Kinds come in the order of {@link relations}, within a kind the newest first; one indicator is listed once, under the closest kind.
 * @returns undefined in the place of what does not exist, and of what the caller may not see
 */
export const listRelatedOf: Action<RelatedInput, (readonly Related[] | undefined)[]> = verb(
  'list-related',
  async (context: Context, caller: Caller, { of, limit }: RelatedInput, standing) => {
    const permitted = permittedFor(context, caller, standing)
    const bases = await basesOf(context, caller, standing, permitted, of)
    // What is masked has no value for this reader: whatever was found by it would tell.
    const places = bases.map((base) =>
      base === undefined || permitted.redact.has(base.handlingId) ? undefined : relatedPlaces(base),
    )
    const most = Math.min(limit ?? limits.relatedOfKindDefault, limits.relatedOfKind)
    // The indicator itself is found by its own value too.
    const found = await findRelated(context, caller, standing, permitted, places, most + 1)
    const listed = bases.map((base, n) => (base === undefined ? [] : choose(base, found.get(n) ?? [], most)))
    const indicators = listed.flat().map(({ indicator }) => indicator)
    const released = releaseAll(context, caller, standing, permitted, indicators)
    await recordReading(context, caller, standing, 'list-related', [
      ...bases.flatMap((base) => base ?? []),
      ...indicators,
    ])
    let next = 0
    return bases.map((base, n) => {
      const own = (listed[n] ?? []).flatMap(({ relation }) => {
        const indicator = released[next++]
        return indicator === undefined ? [] : [{ relation, indicator }]
      })
      return base === undefined ? undefined : own
    })
  },
  { checkedWithRows: true },
)

/** The same for one. @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see */
export const listRelated: Action<ReadInput & { readonly limit?: number }, readonly Related[]> = async (
  context,
  caller,
  { limit, ...one },
) => {
  const [found] = await listRelatedOf(context, caller, { of: [one], ...(limit === undefined ? {} : { limit }) })
  if (found === undefined) throw absent()
  return found
}

async function basesOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  wanted: readonly ReadInput[],
): Promise<(Indicator | undefined)[]> {
  const uuids = wanted.map(({ id }) => uuidOf(id) ?? nobody)
  const visible = visibleTo(permitted, standing, caller, 'whole')
  const found = await visibleByIds(context.database, visible, [...new Set(uuids)])
  return wanted.map((each, n) =>
    found.find(
      (indicator) => indicator.id === `indicator--${uuids[n]}` && isSource(context, caller, standing, indicator, each),
    ),
  )
}

const nobody = '00000000-0000-0000-0000-000000000000'

interface RelatedIndicator {
  readonly relation: Relation
  readonly indicator: Indicator
}

/** By the number of the base. Each kind is asked for all bases at once. */
async function findRelated(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  places: readonly (RelatedPlaces | undefined)[],
  limit: number,
): Promise<Map<number, RelatedIndicator[]>> {
  const { database } = context
  // A masked indicator answers to its exact value alone, as in a look-up.
  const whole = visibleTo(permitted, standing, caller, 'whole')
  const content = visibleTo(permitted, standing, caller, 'content')
  const each = <T>(pick: (place: RelatedPlaces) => readonly T[]) =>
    places.flatMap((place, n) => (place === undefined ? [] : pick(place).map((item) => ({ n, item }))))
  const keys = (pick: (place: RelatedPlaces) => readonly string[]) =>
    each(pick).map(({ n, item }) => ({ n, key: keyBytes(item) }))
  // What has the value itself is listed as that, and must not crowd out the others.
  const without = places.map((place) => keyBytes(place?.value ?? ''))
  const ranges = (pick: (place: RelatedPlaces) => RelatedPlaces['networks']) =>
    each(pick).map(({ n, item }) => ({ n, ...item, without: without[n] ?? nothing }))
  const asns = each(({ asn }) => (asn === undefined ? [] : [asn])).map(({ n, item }) => ({
    n,
    asn: item,
    without: without[n] ?? nothing,
  }))
  const all = await Promise.all([
    relatedByKey(
      database,
      whole,
      keys(({ exact }) => exact),
      limit,
    ).then(as('same-value')),
    relatedByKey(
      database,
      content,
      keys(({ containing }) => containing),
      limit,
    ).then(as('container')),
    relatedInRanges(
      database,
      content,
      'networks',
      ranges(({ networks }) => networks),
      limit,
    ).then(as('neighbour')),
    relatedInRanges(
      database,
      content,
      'names',
      ranges(({ names }) => names),
      limit,
    ).then(as('neighbour')),
    relatedByAsn(database, content, asns, limit).then(as('same-asn')),
  ])
  const found = new Map<number, RelatedIndicator[]>()
  for (const { n, ...related } of all.flat()) found.set(n, [...(found.get(n) ?? []), related])
  return found
}

const nothing = Buffer.alloc(0)

/** What a query found; its own word for the relation before the one given. */
const as = (otherwise: Relation) => (found: readonly Found[]) =>
  found.map(({ n, relation, indicator }) => ({ n, relation: (relation ?? otherwise) as Relation, indicator }))

/** The closest kinds first; each indicator once, and not the one that is asked about. */
function choose(base: Indicator, found: readonly RelatedIndicator[], most: number): RelatedIndicator[] {
  const taken = new Set([base.position])
  return relations.flatMap((relation) => {
    const left = found
      .filter((each) => each.relation === relation && !taken.has(each.indicator.position))
      .slice(0, most)
    for (const { indicator } of left) taken.add(indicator.position)
    return left
  })
}
