import type { Indicator } from '../domain/indicator.ts'
import { limits } from '../domain/limits.ts'
import type { Queries } from './database.ts'
import { type EventFilter, type EventVisibleTo, type StoredEvent, sameSource } from './misp-reads.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, permittedHandling, queryVisible, visibleCondition } from './visible.ts'

/** A visible part: an attribute with its indicator, or what has content of its own. */
export interface StoredPart {
  readonly event: string
  readonly originator: string
  readonly uuid: string
  readonly kind: 'attribute' | 'context' | 'object'
  readonly object?: string
  readonly handlingId?: number
  readonly body: string
  /** Another after every change of the part itself. */
  readonly revision: string
  readonly indicator?: Indicator
}

/** Parts of the first `events` of the events asked for; of those at the places in `cut` there is more than is read at once. */
export interface FoundParts {
  readonly parts: readonly StoredPart[]
  readonly events: number
  readonly cut: ReadonlySet<number>
}

/**
 * What the reader may see of these events, in their order: at most `limits.mispParts` of each, and together `limits.mispEventBytes`. An
 * event that does not fit any more is left out whole, and so are all after it; of the first one there is what fits.
 * @param only attributes that are these indicators (UUIDs), or have these UUIDs, with the frames around them
 */
export async function partsFor(
  queries: Queries,
  visible: EventVisibleTo,
  events: readonly StoredEvent[],
  { indicators, attributes }: Pick<EventFilter, 'indicators' | 'attributes'> = {},
): Promise<FoundParts> {
  const parameters = new Parameters()
  const add = (value: unknown) => parameters.add(value)
  const condition = visibleCondition(visible.any, parameters)
  const only = [
    ...(indicators === undefined ? [] : [`and (p.kind = 'object' or p.stix_id = any (${add(indicators)}::uuid[]))`]),
    ...(attributes === undefined ? [] : [`and (p.kind = 'object' or p.uuid = any (${add(attributes)}::uuid[]))`]),
  ].join(' ')
  const rows = await queryVisible<PartRow>(
    queries,
    visible.any,
    `select y.* from (select x.*, k.nth, count(*) over (partition by k.nth) as together,
       row_number() over (partition by k.nth order by x.ordinal, x.part_uuid) as place,
       sum(octet_length(x.part_body) + coalesce(octet_length(x.stix), 0) + 300) over w as bytes,
       max(k.nth) over () as furthest
     from unnest(${add(events.map(({ uuid }) => uuid))}::uuid[], ${add(events.map(({ originator }) => originator))}::text[],
         ${add(events.map(({ handlingId }) => handlingId))}::integer[])
       with ordinality k (event, owner, handling, nth)
     cross join lateral (
       select p.event as part_event, p.originator as part_originator, p.uuid as part_uuid, p.kind as part_kind, p.ordinal,
         p.object as part_object, p.handling_id as part_handling, p.body as part_body, p.xmin::text as part_revision, ${indicatorColumns}
       from misp_part p left join indicator i
         on p.kind = 'attribute' and i.stix_id = p.stix_id and i.originator = p.originator and ${condition}
           and ${sameSource(visible, parameters, 'k.handling', 'i.handling_id')}
       where p.event = k.event and p.originator = k.owner ${only} and (i.stix_id is not null
         or (p.kind <> 'attribute' and ${permittedHandling(visible.whole, parameters, 'p.handling_id')}
           and ${sameSource(visible, parameters, 'k.handling', 'p.handling_id')}))
       order by p.ordinal, p.uuid limit ${add(limits.mispParts + 1)}) x
     window w as (order by k.nth, x.ordinal, x.part_uuid)) y
     where y.bytes <= ${limits.mispEventBytes} order by y.nth, y.ordinal, y.part_uuid`,
    parameters,
  )
  const whole = wholeOf(rows, events.length)
  const shown = rows.filter(({ nth, place }) => Number(nth) <= whole && Number(place) <= limits.mispParts)
  const given = new Map<number, number>()
  for (const { nth } of shown) given.set(Number(nth), (given.get(Number(nth)) ?? 0) + 1)
  const cut = shown.flatMap(({ nth, together }) =>
    given.get(Number(nth)) === Number(together) ? [] : [Number(nth) - 1],
  )
  return { parts: shown.map(toPart), events: whole, cut: new Set(cut) }
}

/** How many of the events, from the first, are there with all their parts; one at least. */
function wholeOf(rows: readonly PartRow[], events: number): number {
  const last = rows.at(-1)
  if (last === undefined) return events
  const [nth, furthest] = [Number(last.nth), Number(last.furthest)]
  const isWhole = rows.filter((row) => row.nth === last.nth).length === Number(last.together)
  if (isWhole && nth === furthest) return events
  return Math.max(1, isWhole ? nth : nth - 1)
}

function toPart(row: PartRow): StoredPart {
  return {
    event: row.part_event,
    originator: row.part_originator,
    uuid: row.part_uuid,
    kind: row.part_kind,
    ...(row.part_object === null ? {} : { object: row.part_object }),
    ...(row.part_handling === null ? {} : { handlingId: row.part_handling }),
    body: row.part_body,
    revision: row.part_revision,
    ...(row.stix_id === null ? {} : { indicator: toIndicator(row as IndicatorRow) }),
  }
}

type PartRow = { [K in keyof IndicatorRow]: IndicatorRow[K] | null } & {
  readonly part_event: string
  readonly part_originator: string
  readonly part_uuid: string
  readonly part_kind: StoredPart['kind']
  readonly part_object: string | null
  readonly part_handling: number | null
  readonly part_body: string
  readonly part_revision: string
  /** Place of the event among those asked for, from 1; of the last one that has parts; and how many parts this one has. */
  readonly nth: bigint
  readonly furthest: bigint
  readonly together: bigint
  /** The part's own among them, from 1. */
  readonly place: bigint
}

/** Id of the handling of an originator's own event, whoever may see it: for the originator's own acts. */
export async function ownEventHandling(
  { client }: Queries,
  originator: string,
  uuid: string,
): Promise<number | undefined> {
  const { rows } = await client.query<{ handling_id: number }>(
    'select handling_id from misp_event where originator = $1 and uuid = $2',
    [originator, uuid],
  )
  return rows[0]?.handling_id
}
