import type { Queries, Transaction } from './database.ts'
import { lockFeed, takePositions } from './feed.ts'
import type { Narrows, Outcome } from './merge.ts'

/** One version of a STIX object as the action prepared it. Times are ISO 8601 UTC. */
export interface NewObject {
  readonly id: string
  readonly type: string
  readonly handlingId: number
  readonly created?: string | undefined
  /** The version, where the type has one; otherwise the content decides. */
  readonly modified?: string | undefined
  readonly needs: readonly string[]
  readonly about: readonly string[]
  readonly references: readonly string[]
  readonly stix: string
  readonly received?: string | undefined
  /** SHA-256 as hex, over everything the originator asserted. */
  readonly digest: string
  /** It is taken back by its publisher; `stix` says so. */
  readonly revoked?: true
}

/** What became of each; `not_known`: it was to be taken back and never was here. */
export type ObjectOutcome = Outcome | 'recalled' | 'not_known'

interface Present {
  readonly id: string
  readonly version: number
  readonly handling_id: number
  readonly modified: Date | null
  readonly recalled: boolean
  readonly digest: string
}

/**
 * Writes objects of one originator, no two of one id, in the caller's transaction: each at a position of its own, in their order. Takes
 * the feed's lock until commit, so that positions are given out in the order in which they become visible (ADR 4).
 */
export async function writeObjects(
  transaction: Transaction,
  originator: string,
  objects: readonly NewObject[],
  at: Date,
  narrows: Narrows,
): Promise<ObjectOutcome[]> {
  await lockFeed(transaction)
  const present = await presentOf(
    transaction,
    originator,
    objects.map(({ id }) => id),
  )
  const outcomes = objects.map((object) => outcomeOf(object, present.get(object.id), narrows))
  const written = objects.flatMap((object, n) => {
    const change = outcomes[n]
    return change !== undefined && isWritten(change) ? [{ object, change, before: present.get(object.id) }] : []
  })
  if (written.length === 0) return outcomes
  const run = await takePositions(transaction, written.length, at)
  const { client } = transaction
  await client.query('update stix_object set present = false where originator = $1 and id = any($2) and present', [
    originator,
    written.map(({ object }) => object.id),
  ])
  // Lists as JSON: an array of arrays must be of one length each.
  await client.query(
    `insert into stix_object (originator, id, version, type, present, change, handling_id, created, modified, recalled, needs, about,
       refs, stix, received, digest, position, date_added)
     select $1, r.id, r.version, r.type, true, r.change, r.handling, r.created, r.modified, r.change = 'recalled',
       array(select jsonb_array_elements_text(r.parts -> 0)), array(select jsonb_array_elements_text(r.parts -> 1)),
       array(select jsonb_array_elements_text(r.parts -> 2)), r.stix, r.received, r.digest, $2::bigint + n - 1,
       timestamptz 'epoch' + ($3::bigint + n - 1) * interval '1 microsecond'
     from unnest($4::text[], $5::integer[], $6::text[], $7::text[], $8::integer[], $9::timestamptz[], $10::timestamptz[], $11::jsonb[],
       $12::text[], $13::text[], $14::bytea[]) with ordinality
       r (id, version, type, change, handling, created, modified, parts, stix, received, digest, n)`,
    [
      originator,
      String(run.first),
      String(run.firstAtMicros),
      written.map(({ object }) => object.id),
      written.map(({ before }) => (before?.version ?? 0) + 1),
      written.map(({ object }) => object.type),
      written.map(({ change }) => change),
      written.map(({ object }) => object.handlingId),
      written.map(({ object }) => object.created ?? null),
      written.map(({ object }) => object.modified ?? null),
      written.map(({ object }) => JSON.stringify([object.needs, object.about, object.references])),
      written.map(({ object }) => object.stix),
      written.map(({ object }) => object.received ?? null),
      written.map(({ object }) => `\\x${object.digest}`),
    ],
  )
  return outcomes
}

export const isWritten = (outcome: ObjectOutcome): boolean =>
  outcome === 'published' || outcome === 'revised' || outcome === 'narrowed' || outcome === 'recalled'

/** The same order of questions as for indicators (`merge.ts`). */
function outcomeOf(object: NewObject, before: Present | undefined, narrows: Narrows): ObjectOutcome {
  if (before === undefined) return object.revoked === true ? 'not_known' : 'published'
  if (object.revoked === true) return before.recalled ? 'unchanged' : 'recalled'
  if (before.recalled) return 'already_recalled'
  if (before.digest === object.digest) return 'unchanged'
  const after = object.handlingId
  const narrower = (from: number, to: number): boolean => from !== to && narrows(from, to)
  if (object.modified !== undefined && before.modified !== null) {
    const later = Date.parse(object.modified) - before.modified.getTime()
    if (later === 0) return 'version_conflict'
    if (later < 0) return 'version_outdated'
  } else if (narrower(after, before.handling_id)) return 'version_conflict'
  return narrower(before.handling_id, after) ? 'narrowed' : 'revised'
}

async function presentOf(
  { client }: Queries,
  originator: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Present>> {
  const { rows } = await client.query<Present>(
    `select id, version, handling_id, modified, recalled, encode(digest, 'hex') as digest
     from stix_object where originator = $1 and id = any($2) and present`,
    [originator, ids],
  )
  return new Map(rows.map((row) => [row.id, row]))
}

/** What an originator has under an id, as far as taking it back needs it. */
export interface OwnObject {
  readonly type: string
  readonly version: number
  readonly handlingId: number
  readonly recalled: boolean
  readonly created?: string
  readonly modified?: string
  readonly parts: Pick<NewObject, 'needs' | 'about' | 'references'>
  readonly stix: string
}

/** The present version of an originator's object, whoever may see it: for the originator's own acts. */
export async function ownObject({ client }: Queries, originator: string, id: string): Promise<OwnObject | undefined> {
  const { rows } = await client.query<{
    type: string
    version: number
    handling_id: number
    recalled: boolean
    created: Date | null
    modified: Date | null
    needs: string[]
    about: string[]
    refs: string[]
    stix: string
  }>(
    `select type, version, handling_id, recalled, created, modified, needs, about, refs, stix
     from stix_object where originator = $1 and id = $2 and present`,
    [originator, id],
  )
  const [row] = rows
  if (row === undefined) return undefined
  return {
    type: row.type,
    version: row.version,
    handlingId: row.handling_id,
    recalled: row.recalled,
    ...(row.created === null ? {} : { created: row.created.toISOString() }),
    ...(row.modified === null ? {} : { modified: row.modified.toISOString() }),
    parts: { needs: row.needs, about: row.about, references: row.refs },
    stix: row.stix,
  }
}
