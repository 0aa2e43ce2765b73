import { preservingInstruments } from '../domain/legal-words.ts'
import type { Queries, Transaction } from './database.ts'

/** Legal requests of one jurisdiction, counted by instrument and state. */
export interface RequestCount {
  readonly jurisdiction: string
  readonly instrument: string
  readonly state: string
  readonly count: number
}

export const countedThings = ['disclosures', 'withheld', 'clawBacks', 'recalls', 'preservations'] as const
export type Counted = (typeof countedThings)[number]

/** What else happened in a year under requests of one jurisdiction. */
export interface YearCount extends Readonly<Record<Counted, number>> {
  readonly jurisdiction: string
  /** Under how many requests each of them happened. */
  readonly requests: Readonly<Record<Counted, number>>
}

/** Requests that were handed in from `since` until `until`, as they stand now. */
export async function requestCounts({ client }: Queries, since: Date, until: Date): Promise<RequestCount[]> {
  const { rows } = await client.query<RequestCount>(
    `select requesting_jurisdiction as jurisdiction, instrument, state, count(*)::int as count from legal_request
     where filed_at >= $1 and filed_at < $2 group by 1, 2, 3 order by 1, 2, 3`,
    [since.toISOString(), until.toISOString()],
  )
  return rows
}

/**
 * Packages fetched; requests of the year that are over and gave nothing; requests taken back; indicators recalled of packages; and holds
 * begun. By jurisdiction of the request.
 */
export async function yearCounts({ client }: Queries, since: Date, until: Date): Promise<YearCount[]> {
  const { rows } = await client.query<YearCount>(
    `with happened as (
       select e.request, 1 as disclosures, 0 as withheld, 0 as claw_backs, 0 as recalls, 0 as preservations from export e
         where e.state = 'downloaded' and e.downloaded_at >= $1 and e.downloaded_at < $2
       union all
       select r.id, 0, 1, 0, 0, 0 from legal_request r
         where r.filed_at >= $1 and r.filed_at < $2 and r.state in ('refused', 'expired', 'withdrawn', 'closed')
           and not (r.instrument = any($3)) and not exists (select from export e where e.request = r.id and e.state = 'downloaded')
       union all
       select s.request, 0, 0, 1, 0, 0 from legal_request_step s where s.step = 'claw-back' and s.at >= $1 and s.at < $2
       union all
       select e.request, 0, 0, 0, 1, 0 from claw_back c join export e on e.id = c.export and e.state = 'downloaded'
         where c.recalled_at >= $1 and c.recalled_at < $2
       union all
       select h.request, 0, 0, 0, 0, 1 from hold h where h.began_at >= $1 and h.began_at < $2)
     select r.requesting_jurisdiction as jurisdiction, sum(disclosures)::int as disclosures, sum(withheld)::int as withheld,
       sum(claw_backs)::int as "clawBacks", sum(recalls)::int as recalls, sum(preservations)::int as preservations,
       json_build_object('disclosures', count(distinct r.id) filter (where disclosures > 0),
         'withheld', count(distinct r.id) filter (where withheld > 0), 'clawBacks', count(distinct r.id) filter (where claw_backs > 0),
         'recalls', count(distinct r.id) filter (where recalls > 0),
         'preservations', count(distinct r.id) filter (where preservations > 0)) as requests
     from happened h join legal_request r on r.id = h.request group by 1 order by 1`,
    [since.toISOString(), until.toISOString(), preservingInstruments],
  )
  return rows
}

/** What was published of a year, as JSON. */
export async function publishedFigures({ client }: Queries, year: number): Promise<string | undefined> {
  const { rows } = await client.query<{ figures: string }>('select figures from published_figures where year = $1', [
    year,
  ])
  return rows[0]?.figures
}

/** All of them, as JSON. */
export async function allPublishedFigures({ client }: Queries): Promise<{ year: number; figures: string }[]> {
  const { rows } = await client.query<{ year: number; figures: string }>('select year, figures from published_figures')
  return rows
}

/** Years of which nothing was published. */
export async function unpublishedYears({ client }: Queries, first: number, last: number): Promise<number[]> {
  const { rows } = await client.query<{ year: number }>(
    `select y as year from generate_series($1::int, $2::int) y where not exists (select from published_figures p where p.year = y)
     order by y`,
    [first, last],
  )
  return rows.map(({ year }) => year)
}

/** @returns false where another process was first */
export async function publishYear({ client }: Transaction, year: number, figures: string, at: Date): Promise<boolean> {
  const { rowCount } = await client.query(
    'insert into published_figures (year, figures, at) values ($1, $2, $3) on conflict do nothing',
    [year, figures, at.toISOString()],
  )
  return rowCount === 1
}
