import type { Caller } from '../domain/caller.ts'
import type { Position } from '../domain/errors.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Hit } from '../domain/observations/matcher.ts'
import type { Released } from '../domain/released.ts'
import type { Permitted } from '../policy/visibility.ts'
import { matchedIndicators, type PossibleMatch } from '../store/observations.ts'
import type { Context, Standing } from './context.ts'
import type { MatchKind } from './lookup.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

/** A hit as its sender is told. */
export interface ReleasedHit {
  readonly position: Position
  /** As it was sent. */
  readonly value: string
  readonly times: number
  /** The beginning of the hour in which it was counted, ISO 8601. */
  readonly hour: string
  readonly matches: readonly { readonly match: MatchKind; readonly id: string; readonly originator: string }[]
}

/** Matches asked for in one query. */
const together = 5_000

/**
 * Hits with the indicators that really match, as the caller may have them; a hit of nothing is none. Where the policy wants the
 * reading on the log, this waits until it is there.
 * @throws {PolicyMoved}
 */
export async function releasedHits(
  context: Context,
  caller: Caller,
  standing: Standing,
  hits: readonly Hit[],
): Promise<{ readonly hit: ReleasedHit; readonly indicators: readonly Released[] }[]> {
  const permitted = permittedFor(context, caller, standing)
  const flat = hits.flatMap(({ matches }, hit) => matches.map((match) => ({ ...match, hit })))
  const found = [
    ...(await indicatorsOf(context, caller, standing, permitted, flat, 'exact')),
    ...(await indicatorsOf(context, caller, standing, permitted, flat, 'containing')),
  ]
  const different = new Map(found.map(({ indicator }) => [keyOf(indicator), indicator]))
  const indicators = [...different.values()]
  const released = releaseAll(context, caller, standing, permitted, indicators)
  await recordReading(context, caller, standing, 'observe', indicators)
  const releasedOf = new Map([...different.keys()].map((key, i) => [key, released[i]]))
  const ofHit = hits.map((): { match: MatchKind; released: Released }[] => [])
  for (const { hit, match, indicator } of found) {
    const one = releasedOf.get(keyOf(indicator))
    const known = ofHit[hit]
    if (one !== undefined && known?.every((each) => each.released !== one)) known.push({ match, released: one })
  }
  return hits.flatMap((hit, i) => {
    const matches = ofHit[i] ?? []
    return matches.length === 0 ? [] : [{ hit: told(hit, matches), indicators: matches.map((each) => each.released) }]
  })
}

async function indicatorsOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  flat: readonly (PossibleMatch & { readonly hit: number; readonly exact: boolean })[],
  match: MatchKind,
): Promise<{ readonly hit: number; readonly match: MatchKind; readonly indicator: Indicator }[]> {
  const visible = visibleTo(permitted, standing, caller, match === 'exact' ? 'whole' : 'content')
  const asked = flat.filter(({ exact }) => exact === (match === 'exact'))
  const found: { hit: number; match: MatchKind; indicator: Indicator }[] = []
  for (let from = 0; from < asked.length; from += together) {
    const some = asked.slice(from, from + together)
    for (const { n, indicator } of await matchedIndicators(context.database, visible, some, context.clock())) {
      const hit = some[n]?.hit
      if (hit !== undefined) found.push({ hit, match, indicator })
    }
  }
  return found
}

const keyOf = ({ originator, id }: Indicator): string => `${originator} ${id}`

const told = (
  { position, value, times, hour }: Hit,
  matches: readonly { readonly match: MatchKind; readonly released: Released }[],
): ReleasedHit => ({
  position,
  value,
  times,
  hour: new Date(hour * 3_600_000).toISOString(),
  matches: matches.map(({ match, released: { id, originator, alias } }) => ({
    match,
    id,
    originator: originator?.id ?? alias ?? '',
  })),
})
