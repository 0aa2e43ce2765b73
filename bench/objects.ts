import type { Context } from '../src/actions/index.ts'
import { inTurn, type Line, rate } from './report.ts'
import { type BenchNode, type Share, sharedHandlings, shares } from './world.ts'

const perPage = 100

/**
 * STIX objects behind what is there: malware, and as many relationships, each between two of one handling; shared as the indicators are.
 * Written by SQL: what is measured here is reading.
 */
export async function fillObjects(context: Context, rows: number): Promise<void> {
  const [most, some, few, own] = await sharedHandlings(context)
  await context.database.client.query(
    `with made as (
       select n, (n - 1) / 2 + 1 as pair, n % 2 = 0 as ties from generate_series(1, $5::int) n
     ), named as (
       select n, pair, ties, case when pair % 10000 = 7 then $3::int when pair % 100 = 3 then $2::int when pair % 10 <> 9 then $1::int
           else $4::int end as handling,
         'malware--00000000-0000-4000-8000-' || lpad(to_hex(pair), 12, '0') as source,
         'malware--00000000-0000-4000-8000-' || lpad(to_hex(greatest(pair - 10000, pair % 10000)), 12, '0') as target,
         'relationship--00000000-0000-4000-8000-' || lpad(to_hex(pair), 12, '0') as tie,
         (select position from feed_head) + n as position
       from made
     )
     insert into stix_object (originator, id, version, type, present, change, handling_id, created, modified, recalled, needs, about, refs, stix,
       digest, position, date_added)
     select 'cert-br', case when ties then tie else source end, 1, case when ties then 'relationship' else 'malware' end, true, 'published',
       handling, timestamptz '2026-01-01', timestamptz '2026-01-01', false, case when ties then array[source, target] else '{}' end, '{}',
       case when ties then array[source, target] else '{}' end,
       case when ties then '{"type":"relationship","spec_version":"2.1","id":"' || tie || '","relationship_type":"variant-of","source_ref":"'
           || source || '","target_ref":"' || target || '",'
         else '{"type":"malware","spec_version":"2.1","id":"' || source || '","is_family":true,"name":"family ' || pair || '",' end
         || '"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",'
         || '"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]}',
       sha256(convert_to(n::text, 'UTF8')), position, timestamptz '2026-01-01' + position * interval '1 microsecond'
     from named`,
    [most, some, few, own, rows],
  )
  await context.database.client.query(
    `update feed_head set position = position + $1::bigint, at = timestamptz '2026-01-01' + (position + $1::bigint) * interval '1 microsecond'`,
    [rows],
  )
  await context.database.client.query('vacuum analyze stix_object')
  await context.column.catchUp()
}

/** Pages of objects: who may see little against who may see most, and a page of a collection against that by REST. */
export async function objectLines(node: BenchNode, rows: number, rounds: number): Promise<Line[]> {
  const asked = (share: Share, url: string) => () => node.client.send(url, { headers: node.readers[share] })
  const rest = '/v1/objects?limit=100'
  const collection = '/taxii2/node/collections/all/objects/?limit=100&match[type]=malware,relationship'
  for (const [url, name] of [
    [rest, 'items'],
    [collection, 'objects'],
  ] as const) {
    const page = JSON.parse(await node.client.send(url, { headers: node.readers['ninety-percent'], keep: true }))
    if (page[name].length !== perPage) throw new Error(`a page of ${url} has ${page[name].length}`)
  }
  const lines: Line[] = []
  for (const share of ['one-percent', 'few'] as const) {
    const { ours, theirs } = await inTurn(rounds, 20, asked(share, rest), asked('ninety-percent', rest))
    const name = `page of 100 of ${rows} STIX objects, reader of ${shares[share] * 100} %, against one of 90 %`
    lines.push(rate(name, 'pages/s', ours, theirs, 0.5))
  }
  const { ours, theirs } = await inTurn(rounds, 20, asked('ninety-percent', collection), asked('ninety-percent', rest))
  lines.push(rate(`TAXII page of 100 of ${rows} STIX objects, against REST`, 'pages/s', ours, theirs, 0.5))
  return lines
}
