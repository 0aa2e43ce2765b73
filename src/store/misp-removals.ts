import type { Queries, Transaction } from './database.ts'

/** What of an originator's events is meant: an event, an object of one or an attribute, by its UUID. */
export interface EventThing {
  readonly kind: 'event' | 'object' | 'attribute'
  readonly uuid: string
}

export interface OwnPart {
  readonly event: string
  readonly uuid: string
  readonly kind: 'attribute' | 'context' | 'object'
  /** UUID of the indicator that the attribute is made of, or a part of. */
  readonly stixId?: string
}

const isPartOf: Readonly<Record<EventThing['kind'], string>> = {
  event: 'p.event = $2',
  object: "(p.object = $2 or (p.kind = 'object' and p.uuid = $2))",
  attribute: "(p.uuid = $2 and p.kind <> 'object')",
}

/** The parts of an originator's own event, object or attribute, whoever may see them. */
export async function ownParts({ client }: Queries, originator: string, thing: EventThing): Promise<OwnPart[]> {
  const { rows } = await client.query<{ event: string; uuid: string; kind: OwnPart['kind']; stix_id: string | null }>(
    `select p.event, p.uuid, p.kind, p.stix_id from misp_part p where p.originator = $1 and ${isPartOf[thing.kind]}
     order by p.event, p.ordinal, p.uuid`,
    [originator, thing.uuid],
  )
  return rows.map(({ event, uuid, kind, stix_id }) => ({
    event,
    uuid,
    kind,
    ...(stix_id === null ? {} : { stixId: stix_id }),
  }))
}

/** Attributes that are made of these indicators and are not among the parts. */
export async function attributesElsewhere(
  { client }: Queries,
  originator: string,
  thing: EventThing,
  indicators: readonly string[],
): Promise<readonly { readonly event: string; readonly stixId: string }[]> {
  if (indicators.length === 0) return []
  const { rows } = await client.query<{ event: string; stix_id: string }>(
    `select p.event, p.stix_id from misp_part p
     where p.originator = $1 and p.stix_id = any ($3::uuid[]) and (${isPartOf[thing.kind]}) is not true`,
    [originator, thing.uuid, indicators],
  )
  return rows.map(({ event, stix_id }) => ({ event, stixId: stix_id }))
}

/** Indicators (UUIDs) of attributes that are there under these UUIDs: with what is about to be written they are none any more. */
export async function indicatorsUnder(
  { client }: Queries,
  originator: string,
  context: readonly { readonly event: string; readonly uuid: string }[],
): Promise<string[]> {
  if (context.length === 0) return []
  const { rows } = await client.query<{ stix_id: string }>(
    `select distinct p.stix_id from misp_part p join unnest($2::uuid[], $3::uuid[]) r (event, uuid) on p.event = r.event and p.uuid = r.uuid
     where p.originator = $1 and p.kind = 'attribute'`,
    [originator, context.map(({ event }) => event), context.map(({ uuid }) => uuid)],
  )
  return rows.map(({ stix_id }) => stix_id)
}

/** Those of these indicators that stand, and are no attribute of any event any more. */
export async function withoutEvent(
  { client }: Queries,
  originator: string,
  indicators: readonly string[],
): Promise<string[]> {
  if (indicators.length === 0) return []
  const { rows } = await client.query<{ id: string }>(
    `select stix_id as id from indicator i where originator = $1 and stix_id = any ($2::uuid[]) and not recalled
     and not exists (select from misp_part p where p.originator = $1 and p.stix_id = i.stix_id)`,
    [originator, indicators],
  )
  return rows.map(({ id }) => id)
}

/** Takes parts out of their events, and an event away of which nothing is left. @returns how many parts there were */
export async function removeParts(
  { client }: Transaction,
  originator: string,
  thing: EventThing,
  parts: readonly OwnPart[],
): Promise<number> {
  // Whoever adds to the event right now has added, and what was added is seen below.
  if (thing.kind === 'event')
    await client.query('select from misp_event where originator = $1 and uuid = $2 for update', [
      originator,
      thing.uuid,
    ])
  const { rowCount } = await client.query(
    `delete from misp_part p using unnest($2::uuid[], $3::text[], $4::uuid[]) r (event, kind, uuid)
     where p.originator = $1 and p.event = r.event and p.kind = r.kind and p.uuid = r.uuid`,
    [originator, parts.map(({ event }) => event), parts.map(({ kind }) => kind), parts.map(({ uuid }) => uuid)],
  )
  if (thing.kind === 'event')
    await client.query(
      `delete from misp_event e where e.originator = $1 and e.uuid = $2
         and not exists (select 1 from misp_part p where p.originator = e.originator and p.event = e.uuid)`,
      [originator, thing.uuid],
    )
  return rowCount ?? 0
}
