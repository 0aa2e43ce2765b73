import type { Observable } from '../domain/observables/observable.ts'
import type { Queries, Transaction } from './database.ts'
import { plainTypes } from './plain-types.ts'

/** An entry of the feed that is not sealed yet, with what stands there if it still does. */
export interface UnsealedEntry {
  readonly originator: string
  readonly stixId: string
  readonly version: number
  readonly kind: 'published' | 'revised' | 'narrowed' | 'recalled'
  readonly handlingId: number
  /** Whether somebody who had the version before may not have this one. */
  readonly moved: boolean
  readonly issuedAt: string
  readonly indicator?: {
    readonly stix: string
    readonly observables: readonly [Observable, ...Observable[]]
    readonly compound: boolean
    readonly class: string | null
    readonly firstSeen: string | null
    readonly lastSeen: string | null
  }
}

/** Where the feed is sealed up to, and where it reaches. */
export async function sealedPosition({ client }: Queries): Promise<{ readonly sealed: number; readonly head: number }> {
  const { rows } = await client.query<{ sealed: bigint; head: bigint }>(
    'select (select sealed_position from federation_state) as sealed, (select position from feed_head) as head',
  )
  return { sealed: Number(rows[0]?.sealed ?? 0), head: Number(rows[0]?.head ?? 0) }
}

/** One process seals at a time: waits for another, until the transaction ends. @returns where the feed is sealed up to */
export async function lockSealing({ client }: Transaction): Promise<number> {
  const { rows } = await client.query<{ sealed_position: bigint }>(
    'select sealed_position from federation_state for update',
  )
  return Number(rows[0]?.sealed_position ?? 0)
}

export async function moveSealed({ client }: Transaction, position: number): Promise<void> {
  await client.query('update federation_state set sealed_position = $1', [position])
}

/** The next entries to seal, the oldest first, and the position they reach to: that of the feed when there are no more. */
export async function unsealedAfter(
  { client }: Queries,
  { after, head }: { readonly after: number; readonly head: number },
  limit: number,
): Promise<{ readonly entries: UnsealedEntry[]; readonly upto: number }> {
  const { rows } = await client.query<{
    position: bigint
    at: string
    kind: UnsealedEntry['kind']
    originator: string
    stix_id: string
    version: number
    handling_id: number
    moved: boolean
    stands: boolean | null
    stix: string
    type: string
    value: string
    compound: boolean
    class: string | null
    first_seen: string | null
    last_seen: string | null
    others: Observable[] | null
  }>({
    text: `select f.position, f.at, f.kind, f.originator, f.stix_id, f.version, f.handling_id,
       f.previous_handling_id is not null or f.kind = 'narrowed' as moved,
       i.position = f.position and not i.recalled as stands,
       i.stix, i.type, i.value, i.compound, i.class, i.first_seen, i.last_seen,
       case when i.compound then (
         select json_agg(json_build_object('type', o.type, 'value', o.value) order by o.ordinal)
         from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id) end as others
     from (select * from feed where position > $1 and position <= $3 order by position limit $2) f
     left join indicator i on i.stix_id = f.stix_id and i.originator = f.originator order by f.position`,
    values: [after, limit, head],
    types: plainTypes,
  })
  const entries = rows.map((row): UnsealedEntry => {
    const entry = {
      originator: row.originator,
      stixId: row.stix_id,
      version: row.version,
      kind: row.kind,
      handlingId: row.handling_id,
      moved: row.moved,
      issuedAt: toMilliseconds(row.at),
    }
    if (row.stands !== true) return entry
    const { stix, type, value, compound, others } = row
    return {
      ...entry,
      indicator: {
        stix,
        observables: [{ type, value }, ...(others ?? [])],
        compound,
        class: row.class,
        firstSeen: row.first_seen === null ? null : toMilliseconds(row.first_seen),
        lastSeen: row.last_seen === null ? null : toMilliseconds(row.last_seen),
      },
    }
  })
  // Not every position is that of an indicator.
  return { entries, upto: rows.length < limit ? head : Number(rows.at(-1)?.position ?? head) }
}

const toMilliseconds = (text: string): string => new Date(text).toISOString()
