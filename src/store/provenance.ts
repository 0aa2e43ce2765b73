import type { Hop } from '../domain/envelope.ts'
import type { Queries } from './database.ts'
import type { IndicatorKey } from './envelopes.ts'

/** Where an indicator came from, as its envelope and its seal say it. */
export interface ProvenanceRow {
  readonly node: string
  readonly version: number
  readonly thumbprint: string
  readonly sealedAt: Date
  readonly receivedFrom: string | null
  readonly at: Date
  readonly hops: readonly Hop[]
  /** The exact text. */
  readonly body: string
}

export async function provenanceOf(
  { client }: Queries,
  { stixId, originator }: IndicatorKey,
): Promise<ProvenanceRow | undefined> {
  const { rows } = await client.query<Omit<ProvenanceRow, 'hops'> & { hops: string }>(
    `select e.node, e.version, s.thumbprint, s.sealed_at as "sealedAt", e.received_from as "receivedFrom", e.at, e.hops, e.body
     from envelope e join seal s on s.id = e.seal
     where e.stix_id = $1 and e.originator = $2 and not e.bare and e.body is not null`,
    [stixId, originator],
  )
  const [row] = rows
  return row && { ...row, hops: JSON.parse(row.hops) as Hop[] }
}
