import type { Words } from './column.ts'
import type { Queries } from './database.ts'
import { partsShown } from './object-reads.ts'
import { Parameters, permittedHandling, type VisibleTo } from './visible.ts'

export interface ObjectPlaces {
  readonly above: number
  readonly upto: number
  readonly types?: readonly string[]
  /** What stands; what was recalled, at the position of its recall; what a later version replaced, where it stood. */
  readonly which: 'standing' | 'recalled' | 'replaced'
}

/**
 * Where STIX objects of these handlings stand, the oldest first, that have the parts they need for a reader.
 * @param seen what the parts are judged by
 * @param limit `Infinity`: all
 */
export async function placesOfObjects(
  { client }: Queries,
  handlings: Words,
  seen: VisibleTo,
  { above, upto, types, which }: ObjectPlaces,
  limit: number,
  depth: number,
): Promise<{ readonly position: number; readonly micros: number }[]> {
  const parameters = new Parameters()
  const words = new Uint8Array(handlings.buffer, handlings.byteOffset, handlings.byteLength)
  const bits = `${parameters.add(Buffer.from(seen.bitmap.buffer, seen.bitmap.byteOffset, seen.bitmap.byteLength))}::bytea`
  const reader = `${parameters.add(seen.organisation ?? null)}::text`
  const { rows } = await client.query<{ position: bigint; micros: number }>(
    `select o.position, extract(microseconds from o.date_added)::int % 1000 as micros from stix_object o
     join stix_object n on n.id = o.id and n.originator = o.originator and n.present
     where o.position > ${parameters.add(above)}::bigint and o.position <= ${parameters.add(upto)}::bigint and ${kindCondition(which, seen, parameters)}
       and ${permittedHandling({ ...seen, bitmap: words }, parameters, 'o.handling_id')}
       ${types === undefined ? '' : `and o.type = any(${parameters.add(types)}::text[])`}
       and stix_parts_visible(o.needs, o.about, ${bits}, ${reader}, ${depth}) and ${partsShown({ bits, reader }, 'o', depth)}
     order by o.position limit ${parameters.add(Number.isFinite(limit) ? limit : null)}::bigint`,
    parameters.values,
  )
  return rows.map(({ position, micros }) => ({ position: Number(position), micros }))
}

function kindCondition(which: ObjectPlaces['which'], seen: VisibleTo, parameters: Parameters): string {
  switch (which) {
    case 'standing':
      return 'o.present and not o.recalled'
    case 'recalled':
      return 'o.present and o.recalled and o.modified is not null'
    case 'replaced':
      // An old version is there for who may see the present one as well.
      return `not o.present and not n.recalled and ${permittedHandling(seen, parameters, 'n.handling_id')}`
  }
}
