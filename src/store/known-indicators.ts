import { StringDecoder } from 'node:string_decoder'
import { to as copyTo } from 'pg-copy-streams'
import type { Observable } from '../domain/observables/observable.ts'
import type { Database, Queries } from './database.ts'

/** An active indicator as far as observations need it. */
export interface KnownIndicator {
  readonly position: number
  readonly handlingId: number
  /** Seconds since 1970 from which on it is expired; 4294967295 for never. */
  readonly until: number
  readonly observables: readonly Observable[]
}

/** What a change of the feed means for who knows the indicators up to it. */
export interface KnownChange {
  readonly position: number
  /** Where the indicator was before; what was known from there is gone. */
  readonly previousPosition?: number
  /** Absent when it was recalled, or changed again since. */
  readonly indicator?: KnownIndicator
}

/** Changes read at once. */
export const changesTogether = 10_000

const columns = `i.handling_id,
  case when i.valid_until is null then 4294967295
    else least(greatest(ceil(extract(epoch from i.valid_until)), 0), 4294967294)::bigint end as until,
  i.type, i.value,
  case when i.compound then (
    select json_agg(json_build_object('type', o.type, 'value', o.value) order by o.ordinal)
    from indicator_observable o where o.originator = i.originator and o.stix_id = i.stix_id
  ) end as others`

/** The last position of the feed. */
export async function feedHead({ client }: Queries): Promise<number> {
  const { rows } = await client.query<{ position: bigint }>('select position from feed_head')
  return Number(rows[0]?.position ?? 0)
}

/**
 * Every active indicator, in the order of the feed, and the position up to which they are all: one snapshot, streamed.
 * @param each is called with one after the other
 */
export async function readKnownIndicators(
  database: Database,
  at: Date,
  each: (indicator: KnownIndicator) => void,
): Promise<number> {
  return await database.transaction(async (transaction) => {
    // Ten million rows take longer than a statement may; nothing waits for this one.
    await transaction.client.query('set local statement_timeout = 0')
    const head = await feedHead(transaction)
    const source = transaction.client.query(
      copyTo(`copy (
        select i.position, ${columns} from indicator i
        where not i.recalled and (i.valid_until is null or i.valid_until > to_timestamp(${at.getTime() / 1_000}))
        order by i.position
      ) to stdout`),
    )
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for await (const chunk of source) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) each(fromCopy(line))
    }
    return head
  }, 'isolation level repeatable read read only')
}

/** The changes after a position, in order, up to {@link changesTogether} of them. */
export async function readKnownChanges({ client }: Queries, after: number, upTo: number): Promise<KnownChange[]> {
  const { rows } = await client.query<{
    position: bigint
    previous_position: bigint | null
    handling_id: number | null
    until: bigint
    type: string
    value: string
    others: Observable[] | null
  }>(
    `select f.position, f.previous_position, i.handling_id, i.until, i.type, i.value, i.others
     from feed f left join lateral (
       select ${columns} from indicator i
       where i.originator = f.originator and i.stix_id = f.stix_id and i.position = f.position and not i.recalled limit 1
     ) i on true
     where f.position > $1 and f.position <= $2 order by f.position limit ${changesTogether}`,
    [String(after), String(upTo)],
  )
  return rows.map((row) => ({
    position: Number(row.position),
    ...(row.previous_position === null ? {} : { previousPosition: Number(row.previous_position) }),
    ...(row.handling_id === null
      ? {}
      : {
          indicator: {
            position: Number(row.position),
            handlingId: row.handling_id,
            until: Number(row.until),
            observables: [{ type: row.type, value: row.value }, ...(row.others ?? [])],
          },
        }),
  }))
}

/** One row in COPY's text format. */
function fromCopy(line: string): KnownIndicator {
  const [position, handlingId, until, type = '', value = '', others = '\\N'] = line.split('\t')
  const first = { type, value: unescaped(value) }
  return {
    position: Number(position),
    handlingId: Number(handlingId),
    until: Number(until),
    observables: others === '\\N' ? [first] : [first, ...(JSON.parse(unescaped(others)) as Observable[])],
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v' }

const unescaped = (cell: string): string =>
  cell.includes('\\') ? cell.replace(/\\(.)/g, (_, character: string) => escapes[character] ?? character) : cell
