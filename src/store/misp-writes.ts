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

/** Writes events that are new, changed and not older than what is there. @returns how many were written */
export async function writeEvents(
  { client }: Transaction,
  originator: string,
  rows: readonly EventRow[],
  at: Date,
): Promise<number> {
  const { rowCount } = await client.query(
    `insert into misp_event as e (uuid, originator, handling_id, modified, body, date_added)
     select uuid, $1, handling_id, modified, body, $6
     from unnest($2::uuid[], $3::integer[], $4::timestamptz[], $5::text[]) r (uuid, handling_id, modified, body)
     on conflict (uuid, originator) do update
       set handling_id = excluded.handling_id, modified = excluded.modified, body = excluded.body
       where (e.modified is null or excluded.modified is null or excluded.modified >= e.modified)
         and (e.handling_id, e.body) is distinct from (excluded.handling_id, excluded.body)`,
    [
      originator,
      rows.map(({ uuid }) => uuid),
      rows.map(({ handlingId }) => handlingId),
      rows.map(({ modified }) => modified ?? null),
      rows.map(({ body }) => body),
      at.toISOString(),
    ],
  )
  return rowCount ?? 0
}

/**
 * Writes parts of events; of an indicator the new ones stand for all it had in that event. An older state of context or of a frame
 * changes nothing: it could be handled more freely than the present one. @returns how many changed
 */
export async function writeParts(
  { client }: Transaction,
  originator: string,
  rows: readonly PartRow[],
): Promise<number> {
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
  const { rowCount } = await client.query(
    `insert into misp_part as p (event, originator, uuid, kind, ordinal, object, stix_id, handling_id, body)
     select r.event, $1, r.uuid, r.kind, r.ordinal, r.object, r.stix_id, r.handling_id, r.body
     from unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::uuid[], $7::uuid[], $8::integer[], $9::text[])
       r (event, uuid, kind, ordinal, object, stix_id, handling_id, body)
     on conflict (event, originator, kind, uuid) do update
       set object = excluded.object, stix_id = excluded.stix_id, handling_id = excluded.handling_id, body = excluded.body
       where (p.object, p.stix_id, p.handling_id, p.body) is distinct from
         (excluded.object, excluded.stix_id, excluded.handling_id, excluded.body)
         and (p.kind = 'attribute' or ${timestampOf('excluded')} is null or ${timestampOf('p')} is null
           or ${timestampOf('excluded')} >= ${timestampOf('p')})`,
    [
      originator,
      rows.map(({ event }) => event),
      rows.map(({ uuid }) => uuid),
      rows.map(({ kind }) => kind),
      rows.map(({ ordinal }) => ordinal),
      rows.map(({ object }) => object ?? null),
      rows.map(({ stixId }) => stixId ?? null),
      rows.map(({ handlingId }) => handlingId ?? null),
      rows.map(({ body }) => body),
    ],
  )
  return rowCount ?? 0
}

/** Seconds since 1970, where the part says when it was changed. */
const timestampOf = (row: 'p' | 'excluded'): string => `(${row}.body::json ->> 'timestamp')::bigint`

/** Takes context out of its event. */
export async function removeContext(
  { client }: Transaction,
  originator: string,
  rows: readonly { readonly event: string; readonly uuid: string }[],
): Promise<number> {
  const { rowCount } = await client.query(
    `delete from misp_part p using unnest($2::uuid[], $3::uuid[]) r (event, uuid)
     where p.originator = $1 and p.kind = 'context' and p.event = r.event and p.uuid = r.uuid`,
    [originator, rows.map(({ event }) => event), rows.map(({ uuid }) => uuid)],
  )
  return rowCount ?? 0
}
