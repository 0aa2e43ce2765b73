import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { type IndicatorRow, indicatorColumns, toIndicator } from './rows.ts'
import { Parameters, permittedHandling, queryVisible, type VisibleTo, visibleCondition } from './visible.ts'

/** Which events to find; members join by AND. */
export interface EventFilter {
  readonly uuids?: readonly string[]
  /** Those of which one of these indicators is an attribute: UUIDs. */
  readonly indicators?: readonly string[]
  /** Those with an attribute of one of these values, as 16 bytes of their correlation keys. */
  readonly valueKeys?: readonly Buffer[]
  /** Those with one of these attributes: UUIDs. */
  readonly attributes?: readonly string[]
  /** MISP's types of attributes. */
  readonly types?: readonly string[]
  /** A substring of the title. */
  readonly info?: string
  readonly tags?: readonly string[]
  readonly notTags?: readonly string[]
  /** `YYYY-MM-DD`, of the event: inclusive. */
  readonly from?: string
  readonly to?: string
  /** ISO 8601: changed since, as far as the reader may see. */
  readonly since?: string
  readonly until?: string
}

/** Where a page ended: the next begins behind it. */
export interface EventPlace {
  readonly dateAdded: string
  readonly uuid: string
  readonly originator: string
}

export interface StoredEvent extends EventPlace {
  readonly handlingId: number
  /** ISO 8601, of the event alone. */
  readonly modified?: string
  readonly body: string
}

/** The permission twice: for what must be had whole, and for indicators, which may be masked. */
export interface EventVisibleTo {
  readonly whole: VisibleTo
  readonly any: VisibleTo
  /** Handlings whose source the reader is told, as a bitmap. */
  readonly named: Uint8Array
  /** The organisation whose own events the reader sees also when they are empty. */
  readonly owner: string | undefined
}

export interface EventStretch {
  readonly after?: EventPlace
  readonly offset: number
  readonly limit: number
  /** Of several originators' events of one UUID only the first that is visible: a feed has one file for it. */
  readonly distinct?: true
}

/**
 * Events whose own handling permits the reader, and of which there is something to see: an attribute or context. Its originator sees
 * its own in any case. What is hidden does not make an event appear, and none is found by it.
 */
export async function eventsFor(
  queries: Queries,
  visible: EventVisibleTo,
  filter: EventFilter,
  page: EventStretch,
): Promise<StoredEvent[]> {
  const parameters = new Parameters()
  const add = (value: unknown) => parameters.add(value)
  const own = add(visible.owner ?? null)
  const isThere = (event: string) =>
    `${permittedHandling(visible.whole, parameters, `${event}.handling_id`)}
     and (${event}.originator = ${own}::text or exists (${somethingVisible(visible, parameters, event)}))`
  const conditions = [
    isThere('e'),
    ...(page.distinct === true
      ? [
          `not exists (select 1 from misp_event o where o.uuid = e.uuid
             and (o.date_added, o.originator) < (e.date_added, e.originator) and ${isThere('o')})`,
        ]
      : []),
    ...filterConditions(visible, filter, parameters),
  ]
  if (page.after !== undefined) {
    const { dateAdded, uuid, originator } = page.after
    conditions.push(
      `(e.date_added, e.uuid, e.originator) > (${add(dateAdded)}::timestamptz, ${add(uuid)}::uuid, ${add(originator)}::text)`,
    )
  }
  const rows = await queryVisible<EventRow>(
    queries,
    visible.whole,
    `select e.uuid, e.originator, e.handling_id, e.modified, e.body, e.date_added from misp_event e
     where ${conditions.join('\n and ')}
     order by e.date_added, e.uuid, e.originator limit ${add(page.limit)} offset ${add(page.offset)}`,
    parameters,
  )
  return rows.map(({ uuid, originator, handling_id, modified, body, date_added }) => ({
    uuid,
    originator,
    handlingId: handling_id,
    ...(modified === null ? {} : { modified }),
    body,
    dateAdded: date_added,
  }))
}

interface EventRow {
  readonly uuid: string
  readonly originator: string
  readonly handling_id: number
  readonly modified: string | null
  readonly body: string
  readonly date_added: string
}

/** A part of the event that the reader may see. */
const somethingVisible = (visible: EventVisibleTo, parameters: Parameters, event: string): string =>
  `select 1 from misp_part p where p.event = ${event}.uuid and p.originator = ${event}.originator and (
     (p.kind = 'context' and ${permittedHandling(visible.whole, parameters, 'p.handling_id')}
       and ${sameSource(visible, parameters, `${event}.handling_id`, 'p.handling_id')})
     or (p.kind = 'attribute' and exists (${indicatorOf(visible, parameters, event)})))`

/**
 * An event that names its source has in it nothing whose source stays anonymous, or the event would name it; nor has an anonymous event
 * something that is named.
 */
function sameSource({ named }: EventVisibleTo, parameters: Parameters, one: string, other: string): string {
  const bytes = parameters.add(Buffer.from(named.buffer, named.byteOffset, named.byteLength))
  const length = parameters.add(named.length * 8)
  const isNamed = (column: string) =>
    `case when ${column} < ${length} then get_bit(${bytes}::bytea, ${column}) else 0 end`
  return `${isNamed(one)} = ${isNamed(other)}`
}

/** The visible indicator of a part of an event. */
const indicatorOf = (visible: EventVisibleTo, parameters: Parameters, event: string, more = ''): string =>
  `select 1 from indicator i where i.stix_id = p.stix_id and i.originator = p.originator
   and ${visibleCondition(visible.any, parameters)}
   and ${sameSource(visible, parameters, `${event}.handling_id`, 'i.handling_id')} ${more}`

function filterConditions(visible: EventVisibleTo, filter: EventFilter, parameters: Parameters): string[] {
  const add = (value: unknown) => parameters.add(value)
  const { uuids, indicators, attributes, valueKeys, types, info, tags, notTags, from, to, since, until } = filter
  const having = (more: string) =>
    `exists (select 1 from misp_part p where p.event = e.uuid and p.originator = e.originator and p.kind = 'attribute'
       and exists (${indicatorOf(visible, parameters, 'e', more)}))`
  const changed = (condition: (column: string) => string) =>
    `(${condition('coalesce(e.modified, e.date_added)')} or ${having(`and ${condition('i.modified')}`)})`
  const tagged = (names: readonly string[]) => `exists (
     select 1 from json_array_elements_text(e.body::json -> 'tags') tag where tag = any (${add(names)}::text[]))`
  return [
    ...(uuids === undefined ? [] : [`e.uuid = any (${add(uuids)}::uuid[])`]),
    ...(indicators === undefined ? [] : [having(`and i.stix_id = any (${add(indicators)}::uuid[])`)]),
    ...(attributes === undefined ? [] : [having(`and p.uuid = any (${add(attributes)}::uuid[])`)]),
    ...(valueKeys === undefined
      ? []
      : [
          having(`and (i.value_key = any (${add(valueKeys)}::bytea[]) or exists (select 1 from indicator_observable o
             where o.originator = i.originator and o.stix_id = i.stix_id and o.value_key = any (${add(valueKeys)}::bytea[])))`),
        ]),
    ...(types === undefined ? [] : [having(`and p.body::json ->> 'type' = any (${add(types)}::text[])`)]),
    ...(info === undefined ? [] : [`strpos(lower(e.body::json ->> 'info'), lower(${add(info)})) > 0`]),
    ...(tags === undefined ? [] : [tagged(tags)]),
    ...(notTags === undefined ? [] : [`not (${tagged(notTags)})`]),
    ...(from === undefined ? [] : [`e.body::json ->> 'date' >= ${add(from)}`]),
    ...(to === undefined ? [] : [`e.body::json ->> 'date' <= ${add(to)}`]),
    ...(since === undefined ? [] : [changed((column) => `${column} >= ${add(since)}::timestamptz`)]),
    ...(until === undefined ? [] : [`not ${changed((column) => `${column} > ${add(until)}::timestamptz`)}`]),
  ]
}

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
