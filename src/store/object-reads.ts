import { limits } from '../domain/limits.ts'
import type { StixObject } from '../domain/stix-object.ts'
import type { Queries } from './database.ts'
import { microsecondsOf } from './plain-types.ts'
import { type Answer, askVisible, Parameters, permittedHandling, type VisibleTo } from './visible.ts'

/** Which objects, in the order of their positions; members join by AND, items of a member by OR. */
export interface ObjectQuery {
  /** Positions above this one (below it, the newest first). */
  readonly after?: number
  /** And up to this one. */
  readonly upto?: number
  /** ISO 8601, on the time at which this node made them visible: after it. */
  readonly since?: string
  readonly limit: number
  readonly types?: readonly string[]
  readonly positions?: readonly number[]
  /** STIX ids. */
  readonly ids?: readonly string[]
  /** The last version when absent. */
  readonly versions?: 'last' | 'all'
  /** Only what stands, and was not recalled. */
  readonly kind?: 'standing'
  /** Also those that were taken back, of types that can say so; of them no older version. */
  readonly recalled?: boolean
  /** The newest first, instead of the oldest. */
  readonly newestFirst?: boolean
}

/** An object that the handling lets be there, whatever it is made of. */
export interface FoundObject {
  readonly object: StixObject
  /** What it cannot be without: all of the first, one of the second. */
  readonly needs: readonly string[]
  readonly about: readonly string[]
  /** Whether it is the present version, and the handling of that one. */
  readonly present: boolean
  readonly presentHandlingId: number
}

export interface FoundObjects {
  readonly found: readonly FoundObject[]
  /** Whether there are more behind the last. */
  readonly more: boolean
  /** The last position of the feed. */
  readonly head: number
}

/** Where an object stands, and what it cannot be without. */
export interface ObjectPlace {
  readonly position: number
  readonly originator: string
  readonly needs: readonly string[]
  readonly about: readonly string[]
}

/**
 * STIX objects under permitted handlings, so many as are asked for and not more text and references than a page has; the first whatever its
 * size. Whether their parts let them be there is asked of what is found.
 * @param queries one snapshot: what they are made of is to be read in it too
 * @param listed the permission, narrowed by what is asked of handling
 * @param seen the whole permission for objects
 * @throws {PolicyMoved}
 */
export async function objectsFound(
  queries: Queries,
  listed: VisibleTo,
  seen: VisibleTo,
  query: ObjectQuery,
): Promise<FoundObjects> {
  const parameters = new Parameters()
  const order = query.newestFirst === true ? 'desc' : ''
  const answer = await askVisible<ObjectRow>(
    queries,
    seen,
    `select p.originator, p.id, p.type, p.version, p.change, p.handling_id, p.created, p.modified, p.recalled, p.needs, p.about, p.refs,
       p.stix, p.position, p.date_added::text as date_added, p.present, p.present_handling, p.together
     from (
       select o.*, count(*) over () as together, row_number() over w as place,
         sum(octet_length(o.stix)) over w as bytes, sum(cardinality(o.refs)) over w as named
       from (
         select o.*, n.handling_id as present_handling ${rowsOf(listed, seen, query, parameters)}
         order by o.position ${order} limit ${parameters.add(query.limit + 1)}
       ) o window w as (order by o.position ${order})
     ) p
     where p.place <= ${parameters.add(query.limit)}
       and (p.place = 1 or (p.bytes <= ${limits.objectPageBytes} and p.named <= ${limits.objectPageReferences}))
     order by p.position ${order}`,
    parameters,
  )
  return foundIn(answer)
}

/** The same without what they say: where they stand, and how far the feed reaches. @throws {PolicyMoved} */
export async function objectPlaces(
  queries: Queries,
  listed: VisibleTo,
  seen: VisibleTo,
  query: ObjectQuery,
): Promise<{ readonly places: readonly ObjectPlace[]; readonly head: number }> {
  const parameters = new Parameters()
  const { rows, head } = await askVisible<Omit<ObjectPlace, 'position'> & { readonly place: bigint }>(
    queries,
    seen,
    `select o.position as place, o.originator, o.needs, o.about ${rowsOf(listed, seen, query, parameters)}
     order by o.position ${query.newestFirst === true ? 'desc' : ''} limit ${parameters.add(query.limit)}`,
    parameters,
  )
  return { places: rows.map(({ place, ...row }) => ({ ...row, position: Number(place) })), head }
}

const rowsOf = (listed: VisibleTo, seen: VisibleTo, query: ObjectQuery, parameters: Parameters): string =>
  `from stix_object o join stix_object n on n.id = o.id and n.originator = o.originator and n.present
   where ${[
     ...filters(query, parameters),
     permittedHandling(listed, parameters, 'o.handling_id'),
     standing(query, seen, parameters),
   ].join(' and ')}`

/**
 * Which versions count. What was taken back is there for its originator, and as such for others where they ask for it. An old version is
 * there for who may see the present one as well.
 */
function standing({ versions = 'last', recalled, kind }: ObjectQuery, seen: VisibleTo, parameters: Parameters): string {
  const own = () => `${parameters.add(seen.organisation ?? null)}::text`
  const withPresent = () => permittedHandling(seen, parameters, 'n.handling_id')
  if (kind === 'standing') return 'o.present and not o.recalled'
  const present =
    recalled === true ? '(not o.recalled or o.modified is not null)' : `(not o.recalled or o.originator = ${own()})`
  if (versions === 'last') return `o.present and ${present}`
  return `(case when o.present then ${present}
    else ${recalled === true ? 'not n.recalled' : `(not n.recalled or n.originator = ${own()})`} and ${withPresent()} end)`
}

function filters(query: ObjectQuery, parameters: Parameters): string[] {
  const { after, upto, since, types, ids } = query
  const conditions: string[] = []
  const side = query.newestFirst === true ? '<' : '>'
  if (after !== undefined) conditions.push(`o.position ${side} ${parameters.add(after)}::bigint`)
  if (upto !== undefined) conditions.push(`o.position <= ${parameters.add(upto)}::bigint`)
  if (since !== undefined) conditions.push(`o.date_added > ${parameters.add(since)}::timestamptz`)
  if (types !== undefined) conditions.push(`o.type = any(${parameters.add(types)}::text[])`)
  if (query.positions !== undefined) conditions.push(`o.position = any(${parameters.add(query.positions)}::bigint[])`)
  if (ids !== undefined) conditions.push(`o.id = any(${parameters.add(ids)}::text[])`)
  return conditions
}

interface ObjectRow {
  readonly originator: string
  readonly id: string
  readonly type: string
  readonly version: number
  readonly change: StixObject['change']
  readonly handling_id: number
  readonly created: string | null
  readonly modified: string | null
  readonly recalled: boolean
  readonly needs: string[]
  readonly about: string[]
  readonly refs: string[]
  readonly stix: string
  readonly position: bigint
  readonly date_added: string
  readonly present: boolean
  readonly present_handling: number
  readonly together: bigint
}

const foundIn = ({ rows, head }: Answer<ObjectRow>): FoundObjects => ({
  found: rows.map((row) => ({
    object: toObject(row),
    needs: row.needs,
    about: row.about,
    present: row.present,
    presentHandlingId: row.present_handling,
  })),
  more: Number(rows[0]?.together ?? 0) > rows.length,
  head,
})

const toObject = (row: ObjectRow): StixObject => ({
  originator: row.originator,
  id: row.id,
  type: row.type,
  version: row.version,
  change: row.change,
  handlingId: row.handling_id,
  ...(row.created === null ? {} : { created: row.created }),
  ...(row.modified === null ? {} : { modified: row.modified }),
  recalled: row.recalled,
  references: row.refs,
  stix: row.stix,
  dateAdded: microsecondsOf(row.date_added),
  position: Number(row.position),
})
