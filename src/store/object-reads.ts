import { limits } from '../domain/limits.ts'
import type { StixObject } from '../domain/stix-object.ts'
import type { Queries } from './database.ts'
import { microsecondsOf } from './plain-types.ts'
import { type Answer, askVisible, Parameters, permittedHandling, type VisibleTo } from './visible.ts'

/** Which objects, in the order of their positions; members join by AND, items of a member by OR. */
export interface ObjectQuery {
  /** Positions above this one. */
  readonly after?: number
  /** ISO 8601, on the time at which this node made them visible: after it. */
  readonly since?: string
  readonly limit: number
  readonly types?: readonly string[]
  readonly positions?: readonly number[]
  /** STIX ids. */
  readonly ids?: readonly string[]
  /** The last version when absent; texts are exact `modified` times (of types without one: `created`, or when it was added). */
  readonly versions?: 'last' | 'first' | 'all' | readonly string[]
  /** Also those that were taken back, of types that can say so. */
  readonly recalled?: boolean
  /** The newest first, instead of the oldest. */
  readonly newestFirst?: boolean
}

/** An object, and which of the ids in it name something that its reader may see: both of one snapshot. */
export interface VisibleObject {
  readonly object: StixObject
  readonly visible: ReadonlySet<string>
  /** Whether it is the present version, and the handling of that one. */
  readonly present: boolean
  readonly presentHandlingId: number
}

export interface ObjectPage {
  readonly objects: readonly VisibleObject[]
  /** Whether there are more. */
  readonly more: boolean
  /** The last position of the feed. */
  readonly head: number
}

/**
 * A page of what a reader may see of STIX objects, parts and all: composed ones of which a part that they need is not visible are left out by
 * the statement itself, so that nothing is missing from a page.
 * @param listed the permission, narrowed by what is asked of handling
 * @param seen the whole permission: what references are judged by
 * @param depth how far parts of parts are followed
 * @throws {PolicyMoved}
 */
export async function pageOfObjects(
  queries: Queries,
  listed: VisibleTo,
  seen: VisibleTo,
  query: ObjectQuery,
  depth: number,
): Promise<ObjectPage> {
  const parameters = new Parameters()
  const bits = `${parameters.add(Buffer.from(seen.bitmap.buffer, seen.bitmap.byteOffset, seen.bitmap.byteLength))}::bytea`
  const reader = `${parameters.add(seen.organisation ?? null)}::text`
  const conditions = [
    ...filters(query, parameters),
    permittedHandling(listed, parameters, 'o.handling_id'),
    standing(query, seen, parameters),
    // The cheap questions first: these are asked for what is left.
    `stix_parts_visible(o.needs, o.about, ${bits}, ${reader}, ${depth})`,
    partsShown({ bits, reader }, 'o', depth),
  ]
  const order = query.newestFirst === true ? 'desc' : ''
  const answer = await askVisible<ObjectRow>(
    queries,
    seen,
    `select p.originator, p.id, p.type, p.version, p.change, p.handling_id, p.created, p.modified, p.recalled, p.refs, p.stix, p.position,
       p.date_added::text as date_added, p.present, p.present_handling, p.together,
       array(select ref from unnest(p.refs) ref where ${referenceShown({ bits, reader }, 'ref', 'p', depth + 1)}) as visible
     from (
       select o.*, count(*) over () as together, row_number() over w as place,
         sum(octet_length(o.stix)) over w as bytes, sum(cardinality(o.refs)) over w as named
       from (
         select o.*, n.handling_id as present_handling from stix_object o
         join stix_object n on n.id = o.id and n.originator = o.originator and n.present
         where ${conditions.join(' and ')} order by o.position ${order} limit ${parameters.add(query.limit + 1)}
       ) o window w as (order by o.position ${order})
     ) p
     where p.place <= ${parameters.add(query.limit)}
       and (p.place = 1 or (p.bytes <= ${limits.objectPageBytes} and p.named <= ${limits.objectPageReferences}))
     order by p.position ${order}`,
    parameters,
  )
  return pageFrom(answer)
}

export interface AskedBy {
  /** The permission, as SQL. */
  readonly bits: string
  /** The reader's organisation, as SQL. */
  readonly reader: string
}

/**
 * Whether what a row refers to is there for its reader. What its originator published under that id is what it means: where that is
 * hidden, nothing that somebody else published under the same id stands for it, or whoever guesses an id would see by his own object
 * whether it is referred to.
 */
const referenceShown = (by: AskedBy, ref: string, row: string, depth: number): string =>
  `(stix_reference_visible(${ref}, ${by.bits}, ${by.reader}, ${depth}) and not (${hiddenByOwner(by, ref, row, depth)}))`

function hiddenByOwner(by: AskedBy, ref: string, row: string, depth: number): string {
  const shown = (each: string): string =>
    `case when ${each}.handling_id < length(${by.bits}) * 8 then get_bit(${by.bits}, ${each}.handling_id) else 0 end = 1
     and (not ${each}.recalled or ${each}.originator = ${by.reader})`
  const own = `own${depth}`
  const parts = depth < 1 ? `cardinality(${own}.needs || ${own}.about) = 0` : partsShown(by, own, depth - 1)
  return `exists (select from stix_object ${own} where ${own}.id = ${ref} and ${own}.originator = ${row}.originator and ${own}.present
      and not (${shown(own)} and ${parts}))
    or (starts_with(${ref}, 'indicator--') and exists (select from indicator ${own}
      where ${own}.stix_id = (case when starts_with(${ref}, 'indicator--') then substr(${ref}, 12) end)::uuid
      and ${own}.originator = ${row}.originator and not (${shown(own)})))`
}

/** Whether the parts that a row cannot be without are there for its reader: all it needs, and one that it is about. */
export const partsShown = (by: AskedBy, row: string, depth: number): string => {
  const part = `part${depth}`
  const there = referenceShown(by, part, row, depth)
  return `(not exists (select from unnest(${row}.needs) ${part} where not ${there})
    and (cardinality(${row}.about) = 0 or exists (select from unnest(${row}.about) ${part} where ${there})))`
}

/**
 * Which versions count. What was taken back is there for its originator, and as such for others where they ask for it. An old version is
 * there for who may see the present one as well.
 */
function standing({ versions = 'last', recalled }: ObjectQuery, seen: VisibleTo, parameters: Parameters): string {
  const own = () => `${parameters.add(seen.organisation ?? null)}::text`
  const present =
    recalled === true ? '(not o.recalled or o.modified is not null)' : `(not o.recalled or o.originator = ${own()})`
  if (versions === 'last') return `o.present and ${present}`
  return `(case when o.present then ${present}
    else (not n.recalled or n.originator = ${own()}) and ${permittedHandling(seen, parameters, 'n.handling_id')} end)`
}

function filters(query: ObjectQuery, parameters: Parameters): string[] {
  const { after, since, types, ids, versions = 'last' } = query
  const conditions: string[] = []
  const side = query.newestFirst === true ? '<' : '>'
  if (after !== undefined) conditions.push(`o.position ${side} ${parameters.add(after)}::bigint`)
  if (since !== undefined) conditions.push(`o.date_added > ${parameters.add(since)}::timestamptz`)
  if (types !== undefined) conditions.push(`o.type = any(${parameters.add(types)}::text[])`)
  if (query.positions !== undefined) conditions.push(`o.position = any(${parameters.add(query.positions)}::bigint[])`)
  if (ids !== undefined) conditions.push(`o.id = any(${parameters.add(ids)}::text[])`)
  if (versions === 'first') conditions.push('o.version = 1')
  if (typeof versions !== 'string') {
    conditions.push(`coalesce(o.modified, o.created, o.date_added) = any(${parameters.add(versions)}::timestamptz[])`)
  }
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
  readonly refs: string[]
  readonly visible: string[]
  readonly stix: string
  readonly position: bigint
  readonly date_added: string
  readonly present: boolean
  readonly present_handling: number
  readonly together: bigint
}

const pageFrom = ({ rows, head }: Answer<ObjectRow>): ObjectPage => ({
  objects: rows.map((row) => ({
    object: toObject(row),
    visible: new Set(row.visible),
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
