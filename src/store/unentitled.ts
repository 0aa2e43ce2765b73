import type { Queries } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'

/** Content of another node that is held here. */
export interface Unentitled extends IndicatorKey {
  readonly receivedFrom: string
}

/** What is held of other nodes under one of these handlings (a byte for each id). At most `limit`. */
export async function heldUnder({ client }: Queries, handlings: Uint8Array, limit: number): Promise<Unentitled[]> {
  const { rows } = await client.query<{ stix_id: string; originator: string; received_from: string }>(
    `select e.stix_id, e.originator, e.received_from from envelope e
     join indicator i on i.stix_id = e.stix_id and i.originator = e.originator
     where e.received_from is not null and not e.bare and e.body is not null and not i.recalled
       and i.handling_id < length($1::bytea) and get_byte($1::bytea, i.handling_id) <> 0 limit $2`,
    [Buffer.from(handlings), limit],
  )
  return rows.map(({ stix_id: stixId, originator, received_from: receivedFrom }) => ({
    stixId,
    originator,
    receivedFrom,
  }))
}
