import type { Indicator } from '../domain/indicator.ts'
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
  readonly indicator?: Indicator
}

/**
 * What the reader may see of these events, in their order, at most `limit` parts of each.
 * @param only attributes that are these indicators (UUIDs), or have these UUIDs, with the frames around them
 */
export async function partsFor(
  queries: Queries,
  visible: EventVisibleTo,
  events: readonly StoredEvent[],
  limit: number,
  { indicators, attributes }: Pick<EventFilter, 'indicators' | 'attributes'> = {},
): Promise<StoredPart[]> {
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
    `select x.* from unnest(${add(events.map(({ uuid }) => uuid))}::uuid[], ${add(events.map(({ originator }) => originator))}::text[],
         ${add(events.map(({ handlingId }) => handlingId))}::integer[])
       with ordinality k (event, owner, handling, nth)
     cross join lateral (
       select p.event as part_event, p.originator as part_originator, p.uuid as part_uuid, p.kind as part_kind, p.ordinal,
         p.object as part_object, p.handling_id as part_handling, p.body as part_body, ${indicatorColumns}
       from misp_part p left join indicator i
         on p.kind = 'attribute' and i.stix_id = p.stix_id and i.originator = p.originator and ${condition}
           and ${sameSource(visible, parameters, 'k.handling', 'i.handling_id')}
       where p.event = k.event and p.originator = k.owner ${only} and (i.stix_id is not null
         or (p.kind <> 'attribute' and ${permittedHandling(visible.whole, parameters, 'p.handling_id')}
           and ${sameSource(visible, parameters, 'k.handling', 'p.handling_id')}))
       order by p.ordinal, p.uuid limit ${add(limit)}) x
     order by k.nth, x.ordinal, x.part_uuid`,
    parameters,
  )
  return rows.map((row) => ({
    event: row.part_event,
    originator: row.part_originator,
    uuid: row.part_uuid,
    kind: row.part_kind,
    ...(row.part_object === null ? {} : { object: row.part_object }),
    ...(row.part_handling === null ? {} : { handlingId: row.part_handling }),
    body: row.part_body,
    ...(row.stix_id === null ? {} : { indicator: toIndicator(row as IndicatorRow) }),
  }))
}

type PartRow = { [K in keyof IndicatorRow]: IndicatorRow[K] | null } & {
  readonly part_event: string
  readonly part_originator: string
  readonly part_uuid: string
  readonly part_kind: StoredPart['kind']
  readonly part_object: string | null
  readonly part_handling: number | null
  readonly part_body: string
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
