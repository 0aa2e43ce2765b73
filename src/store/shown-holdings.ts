import type { Queries } from './database.ts'
import { type KeptEnvelope, type KeptRow, keptColumns, toKept } from './envelopes.ts'
import { certainVersion } from './peer-holdings.ts'

/**
 * What takes something back that a peer showed that it has, and was not given here: recalls, and bare forms of what is not under one of
 * these handlings (a byte for each id). Until it has stored them.
 */
export async function untoldRecalls(
  { client }: Queries,
  peer: string,
  handlings: Uint8Array,
  limit: number,
): Promise<KeptEnvelope[]> {
  const { rows } = await client.query<KeptRow>(
    `select ${keptColumns} from (
       select h.stix_id, h.originator, ${certainVersion} as stored from peer_holding h join peer_state s on s.peer = h.peer
       where h.peer = $1 and h.shown
     ) h
     join envelope e on e.stix_id = h.stix_id and e.originator = h.originator and e.bare and e.body is not null
     join seal s on s.id = e.seal
     left join indicator i on i.stix_id = h.stix_id and i.originator = h.originator
     where h.stored < e.version
       and (e.recalled or i.handling_id is null or i.handling_id >= length($2::bytea) or get_byte($2::bytea, i.handling_id) = 0)
     order by e.at, e.stix_id limit $3`,
    [peer, Buffer.from(handlings), limit],
  )
  return rows.map(toKept)
}
