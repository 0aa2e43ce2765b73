import type { Queries } from './database.ts'

/** What stands under an id: an object's present version, or an indicator, which is made of nothing. */
export interface StoredPart {
  readonly id: string
  readonly originator: string
  readonly handlingId: number
  readonly recalled: boolean
  readonly needs: readonly string[]
  readonly about: readonly string[]
}

/** Ids of one statement. */
const together = 2_000
const indicatorId = 'indicator--'

/** Whatever stands under these STIX ids, whoever may see it; some thousands at a time. */
export async function* partsUnder({ client }: Queries, ids: readonly string[]): AsyncGenerator<readonly StoredPart[]> {
  for (let from = 0; from < ids.length; from += together) {
    const some = ids.slice(from, from + together)
    const { rows } = await client.query<{
      id: string
      originator: string
      handling_id: number
      recalled: boolean
      needs: string[]
      about: string[]
    }>({
      name: 'parts of objects',
      text: `select id, originator, handling_id, recalled, needs, about from stix_object where id = any($1::text[]) and present
        union all
        select '${indicatorId}' || stix_id, originator, handling_id, recalled, '{}', '{}' from indicator where stix_id = any($2::uuid[])`,
      values: [
        some.filter((id) => !id.startsWith(indicatorId)),
        some.filter((id) => id.startsWith(indicatorId)).map((id) => id.slice(indicatorId.length)),
      ],
    })
    yield rows.map(({ handling_id: handlingId, ...row }) => ({ ...row, handlingId }))
  }
}
