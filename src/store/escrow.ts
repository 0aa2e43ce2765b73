import type { Indicator } from '../domain/indicator.ts'
import type { Queries } from './database.ts'
import { type ExportItemRow, keyOf, type Selected } from './export-items.ts'
import { conditionsOf, type FurtherObservable, type PageFilter } from './filters.ts'
import { holdStands } from './holds.ts'
import { plainTypes } from './plain-types.ts'
import { escrowColumns, type IndicatorRow, toIndicator } from './rows.ts'
import { Parameters } from './visible.ts'

/**
 * A preserved copy of what is not had by any other way any more, with the handling that the indicator has now. Of another node's that was
 * recalled or whose sharing ended it is the last one here; null where it was narrowed away from here, or is not believed any more.
 */
export interface HeldItem extends Selected {
  readonly hold: string
  readonly presentHandlingId: number | null
}

/** Whether the node that sealed `indicator p` was expelled, or the key that did was taken back. */
const unbelieved = `exists (select from envelope v join peer n on n.id = v.node left join seal s on s.id = v.seal
  left join peer_key k on k.thumbprint = s.thumbprint and k.revoked_from <= s.sealed_at
  where v.originator = p.originator and v.stix_id = p.stix_id and not v.bare and v.received_from is not null
    and (n.state = 'expelled' or k.thumbprint is not null))`
const presentHandling = `case when p.let_go is null then p.handling_id when ${unbelieved} then null else p.last_handling_id end`

const inRow: FurtherObservable = (matches) => `select from unnest(i.other_keys) o (key) where ${matches('o.key')}`

/** What is in escrow counts where the indicator was recalled, or its sharing ended: otherwise it is had as it is. */
const gone = (expired: string): string => `(p.recalled or p.handling_id = any(${expired}::integer[]))`

/**
 * What an organisation's holds keep of these originators and within this filter, and is not had otherwise; of several copies the oldest.
 * @param expired handlings whose sharing ended
 * @param after what the page before ended with
 */
export async function selectHeld(
  { client }: Queries,
  organisation: string,
  originators: readonly string[],
  filter: PageFilter,
  expired: readonly number[],
  at: Date,
  limit: number,
  after?: HeldItem,
): Promise<HeldItem[]> {
  const parameters = new Parameters()
  const conditions = [
    `h.organisation = ${parameters.add(organisation)} and ${holdStands(parameters.add(at.toISOString()))}`,
    `i.originator = any(${parameters.add(originators)}::text[])`,
    gone(parameters.add(expired)),
    ...conditionsOf(filter, parameters, inRow),
    ...(after === undefined
      ? []
      : [`(i.originator, i.stix_id) > (${parameters.add(after.originator)}, ${parameters.add(after.stixId)}::uuid)`]),
  ]
  const { rows } = await client.query<HeldItem>(
    `select distinct on (i.originator, i.stix_id) i.request as hold, i.originator, i.stix_id as "stixId", i.version,
       i.handling_id as "handlingId", ${presentHandling} as "presentHandlingId"
     from escrow i join hold h on h.request = i.request
     join indicator p on p.stix_id = i.stix_id and p.originator = i.originator
     where ${conditions.join(' and ')} order by i.originator, i.stix_id, h.began_at limit ${parameters.add(limit)}`,
    parameters.values,
  )
  return rows
}

/** The copies that items of an export were taken from, as long as their holds stand; by `originator stixId`. */
export async function heldCopies(
  { client }: Queries,
  items: readonly ExportItemRow[],
  at: Date,
): Promise<ReadonlyMap<string, { readonly indicator: Indicator; readonly presentHandlingId: number | null }>> {
  const from = items.filter(({ hold }) => hold !== null)
  if (from.length === 0) return new Map()
  const { rows } = await client.query<IndicatorRow & { present: number | null }>({
    text: `select ${escrowColumns}, ${presentHandling} as present
           from unnest($1::uuid[], $2::text[], $3::uuid[]) w (hold, originator, id)
           join escrow i on i.request = w.hold and i.originator = w.originator and i.stix_id = w.id
           join hold h on h.request = i.request and ${holdStands('$4')}
           join indicator p on p.stix_id = i.stix_id and p.originator = i.originator`,
    values: [
      from.map(({ hold }) => hold),
      from.map(({ originator }) => originator),
      from.map(({ stixId }) => stixId),
      at.toISOString(),
    ],
    types: plainTypes,
  })
  return new Map(
    rows.map((row) => [
      keyOf({ originator: row.originator, stixId: row.stix_id }),
      { indicator: toIndicator(row), presentHandlingId: row.present },
    ]),
  )
}

/** Items of an export that were taken from holds, a page of them. */
export async function heldItems(
  { client }: Queries,
  id: string,
  at: Date,
): Promise<readonly { readonly handlingId: number; readonly present: number | null; readonly masked: boolean }[]> {
  const { rows } = await client.query<{ handlingId: number; present: number | null; masked: boolean }>(
    `select e.handling_id as "handlingId", case when ${holdStands('$2')} and x.request is not null then ${presentHandling} end as present,
       e.masked
     from export_item e join hold h on h.request = e.hold
     left join escrow x on x.request = e.hold and x.originator = e.originator and x.stix_id = e.stix_id and x.version = e.version
     left join indicator p on p.stix_id = e.stix_id and p.originator = e.originator
     where e.export = $1`,
    [id, at.toISOString()],
  )
  return rows
}
