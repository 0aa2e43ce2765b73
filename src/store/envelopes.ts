import type { Hop } from '../domain/envelope.ts'
import type { Queries, Transaction } from './database.ts'

/** An envelope as this node keeps it: the latest of its indicator, in its form. */
export interface EnvelopeRow {
  readonly originator: string
  /** UUID of the STIX id. */
  readonly stixId: string
  /** A withdrawal or a tombstone; otherwise it brings the indicator. */
  readonly bare: boolean
  readonly version: number
  readonly recalled: boolean
  /** The node that sealed it, and its feed's epoch. */
  readonly node: string
  readonly epoch: string
  /** Leaf hash, 32 bytes. */
  readonly digest: Buffer
  /** The exact text. */
  readonly body: string
  readonly leaf: number
  readonly path: readonly Buffer[]
  readonly hops: readonly Hop[]
  /** The peer it came from; absent: sealed here. */
  readonly receivedFrom?: string
}

/** A seal as it is passed on. */
export interface SealRow {
  readonly jws: string
  /** SHA-256 of the text. */
  readonly digest: Buffer
  readonly node: string
  readonly thumbprint: string
  readonly sealedAt: string
}

/** Keeps seals, each once. @returns their ids, in the order given */
export async function keepSeals({ client }: Transaction, seals: readonly SealRow[]): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint; digest: Buffer }>(
    `with given as (select distinct on (digest) * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
       g (digest, node, thumbprint, sealed_at, jws)),
     added as (insert into seal (digest, node, thumbprint, sealed_at, jws) select digest, node, thumbprint, sealed_at, jws from given
       on conflict (digest) do nothing returning id, digest)
     select id, digest from added union all select s.id, s.digest from seal s join given g using (digest)`,
    [
      seals.map(({ digest }) => digest),
      seals.map(({ node }) => node),
      seals.map(({ thumbprint }) => thumbprint),
      seals.map(({ sealedAt }) => sealedAt),
      seals.map(({ jws }) => jws),
    ],
  )
  const ids = new Map(rows.map(({ id, digest }) => [digest.toString('hex'), id]))
  return seals.map(({ digest }) => {
    const id = ids.get(digest.toString('hex'))
    if (id === undefined) throw new Error('a seal was not kept')
    return id
  })
}

/** Keeps envelopes, each with the id of its seal; a later version of the same form stays. */
export async function keepEnvelopes(
  { client }: Transaction,
  envelopes: readonly (EnvelopeRow & { readonly seal: bigint })[],
  at: Date,
): Promise<void> {
  if (envelopes.length === 0) return
  await client.query(
    `insert into envelope (originator, stix_id, bare, version, recalled, node, epoch, digest, body, seal, leaf, path, hops, received_from, at)
     select g.*, $15::timestamptz from unnest($1::text[], $2::uuid[], $3::boolean[], $4::integer[], $5::boolean[], $6::uuid[], $7::uuid[],
       $8::bytea[], $9::text[], $10::bigint[], $11::integer[], $12::bytea[], $13::text[], $14::uuid[]) g
     on conflict (stix_id, originator, bare) do update set version = excluded.version, recalled = excluded.recalled,
       node = excluded.node, epoch = excluded.epoch, digest = excluded.digest, body = excluded.body, seal = excluded.seal,
       leaf = excluded.leaf, path = excluded.path, hops = excluded.hops, received_from = excluded.received_from, at = excluded.at
     where envelope.version <= excluded.version and not envelope.recalled`,
    [
      envelopes.map(({ originator }) => originator),
      envelopes.map(({ stixId }) => stixId),
      envelopes.map(({ bare }) => bare),
      envelopes.map(({ version }) => version),
      envelopes.map(({ recalled }) => recalled),
      envelopes.map(({ node }) => node),
      envelopes.map(({ epoch }) => epoch),
      envelopes.map(({ digest }) => digest),
      envelopes.map(({ body }) => body),
      envelopes.map(({ seal }) => String(seal)),
      envelopes.map(({ leaf }) => leaf),
      envelopes.map(({ path }) => Buffer.concat(path)),
      envelopes.map(({ hops }) => JSON.stringify(hops)),
      envelopes.map(({ receivedFrom }) => receivedFrom ?? null),
      at.toISOString(),
    ],
  )
}

/** An envelope on its way to a peer. */
export interface KeptEnvelope extends EnvelopeRow {
  readonly jws: string
  /** When it came, or was sealed. */
  readonly at: string
}

/** A row of an envelope with its seal. */
export interface KeptRow {
  readonly originator: string
  readonly stix_id: string
  readonly bare: boolean
  readonly version: number
  readonly recalled: boolean
  readonly node: string
  readonly epoch: string
  readonly digest: Buffer
  readonly body: string
  readonly leaf: number
  readonly path: Buffer
  readonly hops: string
  readonly received_from: string | null
  readonly jws: string
  readonly at: Date
}

export const keptColumns = `e.originator, e.stix_id, e.bare, e.version, e.recalled, e.node, e.epoch, e.digest, e.body, e.leaf, e.path, e.hops,
  e.received_from, s.jws, e.at`

const hashBytes = 32

export function toKept(row: KeptRow): KeptEnvelope {
  const path: Buffer[] = []
  for (let at = 0; at < row.path.length; at += hashBytes) path.push(row.path.subarray(at, at + hashBytes))
  return {
    originator: row.originator,
    stixId: row.stix_id,
    bare: row.bare,
    version: row.version,
    recalled: row.recalled,
    node: row.node,
    epoch: row.epoch,
    digest: row.digest,
    body: row.body,
    leaf: row.leaf,
    path,
    hops: JSON.parse(row.hops) as Hop[],
    ...(row.received_from === null ? {} : { receivedFrom: row.received_from }),
    jws: row.jws,
    at: row.at.toISOString(),
  }
}

/** The whole envelopes of what stands at these positions of the feed, under one of these handlings (a byte for each id). */
export async function wholeAt(
  { client }: Queries,
  positions: readonly number[],
  handlings: Uint8Array,
): Promise<Map<number, KeptEnvelope>> {
  const { rows } = await client.query<KeptRow & { position: bigint }>(
    `select i.position, ${keptColumns} from unnest($1::bigint[]) p (position)
     cross join lateral (select * from indicator where position = p.position limit 1) i
     cross join lateral (select * from envelope where stix_id = i.stix_id and originator = i.originator and not bare limit 1) e
     cross join lateral (select jws from seal where id = e.seal limit 1) s
     where e.version = i.version and not i.recalled and e.body is not null
       and i.handling_id < length($2::bytea) and get_byte($2::bytea, i.handling_id) <> 0`,
    [positions, Buffer.from(handlings)],
  )
  return new Map(rows.map((row) => [Number(row.position), toKept(row)]))
}

/** The bare envelopes of the indicators that these positions of the feed are about. */
export async function bareAt({ client }: Queries, positions: readonly number[]): Promise<Map<number, KeptEnvelope>> {
  const { rows } = await client.query<KeptRow & { position: bigint }>(
    `select f.position, ${keptColumns} from unnest($1::bigint[]) p (position)
     cross join lateral (select * from feed where position = p.position limit 1) f
     cross join lateral (select * from envelope where stix_id = f.stix_id and originator = f.originator and bare limit 1) e
     cross join lateral (select jws from seal where id = e.seal limit 1) s
     where e.body is not null`,
    [positions],
  )
  return new Map(rows.map((row) => [Number(row.position), toKept(row)]))
}

/** What names an indicator. */
export interface IndicatorKey {
  readonly originator: string
  readonly stixId: string
}

/** The same as one text. */
export const keyOf = ({ stixId, originator }: IndicatorKey): string => `${stixId} ${originator}`

/** What is known of an indicator by its envelopes. */
export interface KnownEnvelope extends IndicatorKey {
  readonly version: number
  readonly digest: Buffer
  readonly epoch: string
  readonly held: boolean
  readonly bare: boolean
  readonly recalled: boolean
}

/**
 * One page is applied at a time, whoever sent it, until the transaction ends: two peers may bring the same, and what was known when it was
 * judged may be old.
 */
export async function lockApplying({ client }: Transaction): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtext('peer_apply'))")
}

/** What is known of these indicators: of each the latest version, and its whole form where both are of one version. */
export async function knownEnvelopes({ client }: Queries, keys: readonly IndicatorKey[]): Promise<KnownEnvelope[]> {
  const { rows } = await client.query<KeptRow & { held: boolean }>(
    `select distinct on (e.stix_id, e.originator) e.originator, e.stix_id, e.version, e.digest, e.epoch, e.bare, e.recalled,
       not e.bare and e.body is not null as held
     from unnest($1::uuid[], $2::text[]) k (stix_id, originator)
     join envelope e on e.stix_id = k.stix_id and e.originator = k.originator
     order by e.stix_id, e.originator, e.recalled desc, e.version desc, (not e.bare and e.body is not null) desc, e.bare desc`,
    [keys.map(({ stixId }) => stixId), keys.map(({ originator }) => originator)],
  )
  return rows.map(({ stix_id: stixId, originator, version, digest, epoch, held, bare, recalled }) => ({
    ...{ stixId, originator, version, digest, epoch, held, bare, recalled },
  }))
}
