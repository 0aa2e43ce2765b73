import type { Transaction } from './database.ts'

/** An event of one originator, as it is written. `body` is JSON. */
export interface EventRow {
  readonly uuid: string
  readonly handlingId: number
  /** ISO 8601. */
  readonly modified?: string | undefined
  readonly body: string
}

/** A part of an event, as it is written: an attribute with its indicator, context or the frame of an object with its handling. */
export interface PartRow {
  readonly event: string
  readonly uuid: string
  readonly kind: 'attribute' | 'context' | 'object'
  readonly ordinal: number
  readonly object?: string | undefined
  readonly stixId?: string | undefined
  readonly handlingId?: number | undefined
  readonly body: string
}

/** What became of rows: how many were written, and which were not though they differ from what is there. */
export interface KeptOutcome {
  readonly written: number
  readonly conflicts: ReadonlySet<string>
}

/**
 * Whether what comes replaces what is there: it is later, or of no time, in which case content decides; or of the same time and the same
 * handling. One of the same time under another handling would widen or narrow by chance of order.
 */
const replaces = (before: string, after: string, handlings: string): string =>
  `(${before} is null or ${after} is null or ${after} > ${before} or (${after} = ${before} and ${handlings}))`

/**
 * Of events and context that an edit was made from, those that are not any more as they were read. Nobody changes the others until commit.
 * @param events UUIDs and revisions; @param parts of context, their events and UUIDs beside
 */
export async function changedSince(
  { client }: Transaction,
  originator: string,
  events: ReadonlyMap<string, string>,
  parts: readonly { readonly event: string; readonly uuid: string; readonly revision: string }[],
): Promise<{ readonly events: ReadonlySet<string>; readonly parts: ReadonlySet<string> }> {
  const ofEvents = await client.query<{ key: string; revision: string }>(
    'select uuid::text as key, xmin::text as revision from misp_event where originator = $1 and uuid = any ($2::uuid[]) for no key update',
    [originator, [...events.keys()]],
  )
  const ofParts = await client.query<{ event: string; uuid: string; revision: string }>(
    `select p.event, p.uuid, p.xmin::text as revision from misp_part p
     join unnest($2::uuid[], $3::uuid[]) r (event, uuid) on p.event = r.event and p.uuid = r.uuid
     where p.originator = $1 and p.kind = 'context' for update of p`,
    [originator, parts.map(({ event }) => event), parts.map(({ uuid }) => uuid)],
  )
  const eventNow = new Map(ofEvents.rows.map(({ key, revision }) => [key, revision]))
  const partNow = new Map(ofParts.rows.map(({ event, uuid, revision }) => [`${event} ${uuid}`, revision]))
  return {
    events: new Set([...events].flatMap(([uuid, revision]) => (eventNow.get(uuid) === revision ? [] : [uuid]))),
    parts: new Set(
      parts.flatMap(({ event, uuid, revision }) =>
        partNow.get(`${event} ${uuid}`) === revision ? [] : [partKey({ event, kind: 'context', uuid })],
      ),
    ),
  }
}

/** Keeps an event from being deleted until commit. @returns false where it is not there */
export async function holdEvent({ client }: Transaction, originator: string, uuid: string): Promise<boolean> {
  const { rowCount } = await client.query('select from misp_event where originator = $1 and uuid = $2 for key share', [
    originator,
    uuid,
  ])
  return rowCount === 1
}

/** Writes events that are new or changed. Conflicts are their UUIDs. */
export async function writeEvents(
  { client }: Transaction,
  originator: string,
  rows: readonly EventRow[],
  at: Date,
): Promise<KeptOutcome> {
  if (rows.length === 0) return { written: 0, conflicts: new Set() }
  const values = [
    originator,
    rows.map(({ uuid }) => uuid),
    rows.map(({ handlingId }) => handlingId),
    rows.map(({ modified }) => modified ?? null),
    rows.map(({ body }) => body),
  ]
  const given = 'unnest($2::uuid[], $3::integer[], $4::timestamptz[], $5::text[]) r (uuid, handling_id, modified, body)'
  const { rowCount } = await client.query(
    `insert into misp_event as e (uuid, originator, handling_id, modified, body, date_added)
     select uuid, $1, handling_id, modified, body, $6 from ${given}
     on conflict (uuid, originator) do update
       set handling_id = excluded.handling_id, modified = coalesce(excluded.modified, $6), body = excluded.body
       where (e.handling_id, e.body) is distinct from (excluded.handling_id, excluded.body)
         and ${replaces('e.modified', 'excluded.modified', 'e.handling_id = excluded.handling_id')}`,
    [...values, at.toISOString()],
  )
  const { rows: left } = await client.query<{ key: string }>(
    `select r.uuid::text as key from ${given} join misp_event e on e.uuid = r.uuid and e.originator = $1
     where (e.handling_id, e.body) is distinct from (r.handling_id, r.body)`,
    values,
  )
  return { written: rowCount ?? 0, conflicts: new Set(left.map(({ key }) => key)) }
}

/** What a part is known by within an originator. */
export const partKey = ({ event, kind, uuid }: Pick<PartRow, 'event' | 'kind' | 'uuid'>): string =>
  `${event} ${kind} ${uuid}`

/** Writes parts of events; of an indicator the new ones stand for all it had in that event. Conflicts are their {@link partKey}s. */
export async function writeParts(
  { client }: Transaction,
  originator: string,
  rows: readonly PartRow[],
): Promise<KeptOutcome> {
  if (rows.length === 0) return { written: 0, conflicts: new Set() }
  await removeReplaced(client, originator, rows)
  const values = [
    originator,
    rows.map(({ event }) => event),
    rows.map(({ uuid }) => uuid),
    rows.map(({ kind }) => kind),
    rows.map(({ ordinal }) => ordinal),
    rows.map(({ object }) => object ?? null),
    rows.map(({ stixId }) => stixId ?? null),
    rows.map(({ handlingId }) => handlingId ?? null),
    rows.map(({ body }) => body),
  ]
  const given = `unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::uuid[], $7::uuid[], $8::integer[], $9::text[])
    r (event, uuid, kind, ordinal, object, stix_id, handling_id, body)`
  const differs = (after: string) =>
    `(p.object, p.stix_id, p.handling_id, p.body) is distinct from (${['object', 'stix_id', 'handling_id', 'body'].map((name) => `${after}.${name}`).join(', ')})`
  const { rowCount } = await client.query(
    `insert into misp_part as p (event, originator, uuid, kind, ordinal, object, stix_id, handling_id, body)
     select r.event, $1, r.uuid, r.kind, r.ordinal, r.object, r.stix_id, r.handling_id, r.body from ${given}
     on conflict (event, originator, kind, uuid) do update
       set object = excluded.object, stix_id = excluded.stix_id, handling_id = excluded.handling_id, body = excluded.body
       where ${differs('excluded')} and ${replaces(timeOf('p'), timeOf('excluded'), 'p.handling_id is not distinct from excluded.handling_id')}`,
    values,
  )
  const { rows: left } = await client.query<{ event: string; kind: PartRow['kind']; uuid: string }>(
    `select p.event, p.kind, p.uuid from ${given}
     join misp_part p on p.event = r.event and p.originator = $1 and p.kind = r.kind and p.uuid = r.uuid
     where ${differs('r')}`,
    values,
  )
  return { written: rowCount ?? 0, conflicts: new Set(left.map(partKey)) }
}

/** The timestamp in a body, where it has one. */
const timeOf = (row: string): string => `(${row}.body::json ->> 'timestamp')::bigint`

/** Takes out what the new rows stand for: further attributes of an indicator, and what was context and is an indicator now, or was one. */
async function removeReplaced(
  client: Transaction['client'],
  originator: string,
  rows: readonly PartRow[],
): Promise<void> {
  await client.query(
    `delete from misp_part p using (
       select event, stix_id, array_agg(uuid) as kept from unnest($2::uuid[], $3::uuid[], $4::uuid[]) r (event, stix_id, uuid)
       where stix_id is not null group by event, stix_id) n
     where p.originator = $1 and p.event = n.event and p.stix_id = n.stix_id and p.uuid <> all (n.kept)`,
    [
      originator,
      rows.map(({ event }) => event),
      rows.map(({ stixId }) => stixId ?? null),
      rows.map(({ uuid }) => uuid),
    ],
  )
  const attributes = rows.filter(({ kind }) => kind !== 'object')
  await client.query(
    `delete from misp_part p using unnest($2::uuid[], $3::uuid[], $4::text[]) r (event, uuid, kind)
     where p.originator = $1 and p.event = r.event and p.uuid = r.uuid and p.kind <> 'object' and p.kind <> r.kind`,
    [
      originator,
      attributes.map(({ event }) => event),
      attributes.map(({ uuid }) => uuid),
      attributes.map(({ kind }) => kind),
    ],
  )
}

/** Takes context out of its event. */
export async function removeContext(
  { client }: Transaction,
  originator: string,
  rows: readonly { readonly event: string; readonly uuid: string }[],
): Promise<number> {
  if (rows.length === 0) return 0
  const { rowCount } = await client.query(
    `delete from misp_part p using unnest($2::uuid[], $3::uuid[]) r (event, uuid)
     where p.originator = $1 and p.kind = 'context' and p.event = r.event and p.uuid = r.uuid`,
    [originator, rows.map(({ event }) => event), rows.map(({ uuid }) => uuid)],
  )
  return rowCount ?? 0
}
