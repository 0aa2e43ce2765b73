import type { Queries } from './database.ts'
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
  readonly categories?: readonly string[]
  /** Those with an attribute that is, or is not, to be acted on. */
  readonly toIds?: boolean
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
  /** Another after every change of the event itself. */
  readonly revision: string
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
    `select e.uuid, e.originator, e.handling_id, e.modified, e.body, e.date_added, e.xmin::text as revision from misp_event e
     where ${conditions.join('\n and ')}
     order by e.date_added, e.uuid, e.originator limit ${add(page.limit)} offset ${add(page.offset)}`,
    parameters,
  )
  return rows.map(({ uuid, originator, handling_id, modified, body, date_added, revision }) => ({
    uuid,
    originator,
    handlingId: handling_id,
    ...(modified === null ? {} : { modified }),
    body,
    revision,
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
  readonly revision: string
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
export function sameSource({ named }: EventVisibleTo, parameters: Parameters, one: string, other: string): string {
  const bytes = parameters.add(Buffer.from(named.buffer, named.byteOffset, named.byteLength))
  const length = parameters.add(named.length * 8)
  const isNamed = (column: string) =>
    `case when ${column} < ${length} then get_bit(${bytes}::bytea, ${column}) else 0 end`
  return `${isNamed(one)} = ${isNamed(other)}`
}

/** The visible indicator of a part of an event. */
const indicatorOf = (
  visible: EventVisibleTo,
  parameters: Parameters,
  event: string,
  more = '',
  by: VisibleTo = visible.any,
): string =>
  `select 1 from indicator i where i.stix_id = p.stix_id and i.originator = p.originator
   and ${visibleCondition(by, parameters)}
   and ${sameSource(visible, parameters, `${event}.handling_id`, 'i.handling_id')} ${more}`

function filterConditions(visible: EventVisibleTo, filter: EventFilter, parameters: Parameters): string[] {
  const add = (value: unknown) => parameters.add(value)
  const {
    uuids,
    indicators,
    attributes,
    valueKeys,
    types,
    categories,
    toIds,
    info,
    tags,
    notTags,
    from,
    to,
    since,
    until,
  } = filter
  const having = (more: string, by: VisibleTo = visible.any) =>
    `exists (select 1 from misp_part p where p.event = e.uuid and p.originator = e.originator and p.kind = 'attribute'
       and exists (${indicatorOf(visible, parameters, 'e', more, by)}))`
  const changed = (condition: (column: string) => string) =>
    `(${condition('coalesce(e.modified, e.date_added)')} or ${having(`and ${condition('i.modified')}`)})`
  const tagged = (names: readonly string[]) => `exists (
     select 1 from json_array_elements_text(e.body::json -> 'tags') tag where tag = any (${add(names)}::text[]))`
  return [
    ...(uuids === undefined ? [] : [`e.uuid = any (${add(uuids)}::uuid[])`]),
    ...(indicators === undefined ? [] : [having(`and i.stix_id = any (${add(indicators)}::uuid[])`)]),
    ...(attributes === undefined
      ? []
      : [
          // First the events that have such a part at all, by its UUID.
          `e.uuid = any (array(select event from misp_part where uuid = any (${add(attributes)}::uuid[])))`,
          `(${having(`and p.uuid = any (${add(attributes)}::uuid[])`)} or exists (select 1 from misp_part p
             where p.event = e.uuid and p.originator = e.originator and p.kind = 'context' and p.uuid = any (${add(attributes)}::uuid[])
               and ${permittedHandling(visible.whole, parameters, 'p.handling_id')}
               and ${sameSource(visible, parameters, 'e.handling_id', 'p.handling_id')}))`,
        ]),
    ...(valueKeys === undefined
      ? []
      : [
          having(`and (i.value_key = any (${add(valueKeys)}::bytea[]) or exists (select 1 from indicator_observable o
             where o.originator = i.originator and o.stix_id = i.stix_id and o.value_key = any (${add(valueKeys)}::bytea[])))`),
        ]),
    ...(types === undefined
      ? []
      : [
          // What MISP calls something masked is kept from whoever has it masked.
          having(`and p.body::json ->> 'type' = any (${add(types)}::text[])`, visible.whole),
        ]),
    ...(categories === undefined
      ? []
      : [having(`and p.body::json ->> 'category' = any (${add(categories)}::text[])`, visible.whole)]),
    ...(toIds === undefined ? [] : [having(`and p.body::json ->> 'toIds' = ${add(String(toIds))}`, visible.whole)]),
    ...(info === undefined ? [] : [`strpos(lower(e.body::json ->> 'info'), lower(${add(info)})) > 0`]),
    ...(tags === undefined ? [] : [tagged(tags)]),
    ...(notTags === undefined ? [] : [`not (${tagged(notTags)})`]),
    ...(from === undefined ? [] : [`e.body::json ->> 'date' >= ${add(from)}`]),
    ...(to === undefined ? [] : [`e.body::json ->> 'date' <= ${add(to)}`]),
    ...(since === undefined ? [] : [changed((column) => `${column} >= ${add(since)}::timestamptz`)]),
    ...(until === undefined ? [] : [`not ${changed((column) => `${column} > ${add(until)}::timestamptz`)}`]),
  ]
}
