import type { Queries, Transaction } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'

/** Something held here that is not to be believed any more. */
export interface Unbelieved extends IndicatorKey {
  readonly version: number
  readonly peer: string
  readonly why: 'node_expelled' | 'key_revoked'
}

/**
 * What is held of nodes that were expelled, and what was sealed with a key from the instant on from which it was taken back. At most
 * `limit`.
 */
export async function unbelieved({ client }: Queries, limit: number): Promise<Unbelieved[]> {
  const { rows } = await client.query<{
    stix_id: string
    originator: string
    version: number
    node: string
    why: Unbelieved['why']
  }>(
    `(select e.stix_id, e.originator, e.version, e.node, 'node_expelled' as why from peer p join envelope e on e.node = p.id
        where p.state = 'expelled' and e.body is not null and e.received_from is not null and not e.bare limit $1)
     union all
     (select e.stix_id, e.originator, e.version, e.node, 'key_revoked' from peer_key k
        join seal s on s.thumbprint = k.thumbprint and s.sealed_at >= k.revoked_from
        join envelope e on e.seal = s.id
        where k.revoked_from is not null and e.body is not null and e.received_from is not null and not e.bare limit $1)
     limit $1`,
    [limit],
  )
  return rows.map(({ stix_id: stixId, node: peer, ...row }) => ({ stixId, peer, ...row }))
}

/** Forgets the versions of what a false key sealed: its node seals them anew. */
export async function forgetVersions({ client }: Transaction, keys: readonly IndicatorKey[]): Promise<void> {
  await client.query(
    `delete from envelope e using unnest($1::uuid[], $2::text[]) k (stix_id, originator)
     where e.stix_id = k.stix_id and e.originator = k.originator and not e.bare`,
    [keys.map(({ stixId }) => stixId), keys.map(({ originator }) => originator)],
  )
}
