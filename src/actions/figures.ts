import { createHash } from 'node:crypto'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { knowsFigures } from '../policy/knowing.ts'
import type { Queries } from '../store/database.ts'
import {
  type Counted,
  countedThings,
  publishedFigures,
  publishYear,
  requestCounts,
  unpublishedYears,
  type YearCount,
  yearCounts,
} from '../store/figures.ts'
import type { Context } from './context.ts'
import { invalid } from './legal-text.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** What happened in a year under legal requests of one jurisdiction. */
export interface JurisdictionFigures {
  readonly jurisdiction: string
  /** Handed in that year, as they stand now. */
  readonly requests: readonly { readonly instrument: string; readonly state: string; readonly count: number }[]
  /** Packages fetched. */
  readonly disclosures?: number
  /** Requests of the year that are over and gave nothing. */
  readonly withheld?: number
  /** Requests taken back. */
  readonly clawBacks?: number
  /** Indicators recalled of packages that were fetched. */
  readonly recalls?: number
  /** Holds begun. */
  readonly preservations?: number
}

export interface Figures {
  readonly year: number
  /** Numbers below this, and of what happened under fewer requests, are left out; 0 where none is. */
  readonly suppressedBelow: number
  readonly jurisdictions: readonly JurisdictionFigures[]
}

/**
 * The figures of one year (UTC). The node's policy officers have them as they stand. Others, where the operator publishes them, have those of
 * years that are over as they were published (ADR 37), without small numbers: one of a few requests would be told apart, be it confidential or
 * not.
 * @throws {Fault} `not_found` where they are not published, `invalid_request`
 */
export const readFigures = verb(
  'read-figures',
  async (context: Context, caller: Caller, { year }: { readonly year: number }): Promise<Figures> => {
    const now = context.clock().getUTCFullYear()
    if (!Number.isInteger(year) || year < limits.figuresFirstYear || year > now)
      throw invalid('/year', `A year from ${limits.figuresFirstYear} to ${now}.`)
    if (knowsFigures(caller)) return await figuresOf(context.database, year, 0)
    const published = context.publishesFigures ? await publishedFigures(context.database, year) : undefined
    if (published === undefined) throw absent()
    return JSON.parse(published) as Figures
  },
)

/**
 * Publishes the years that are over, where the operator publishes figures; on the clock. Each is counted once and stays.
 * @returns how many
 */
export async function publishFigures(context: Context): Promise<number> {
  if (!context.publishesFigures) return 0
  const now = context.clock()
  const standing = await context.policy.current()
  const years = await unpublishedYears(context.database, limits.figuresFirstYear, now.getUTCFullYear() - 1)
  for (const year of years)
    await context.database.transaction(async (transaction) => {
      const figures = JSON.stringify(await figuresOf(transaction, year, limits.figuresLeast))
      if (!(await publishYear(transaction, year, figures, now))) return
      const digest = createHash('sha256').update(figures).digest('hex')
      await record(
        transaction,
        context,
        publicCaller,
        standing,
        administrative('read-figures', { published: year, digest }),
      )
    })
  return years.length
}

/** @param least numbers below this, and of what happened under fewer requests, are left out */
async function figuresOf(queries: Queries, year: number, least: number): Promise<Figures> {
  const [since, until] = [new Date(Date.UTC(year, 0)), new Date(Date.UTC(year + 1, 0))]
  const requests = await requestCounts(queries, since, until)
  const counts = await yearCounts(queries, since, until)
  const jurisdictions = [...new Set([...requests, ...counts].map(({ jurisdiction }) => jurisdiction))].sort()
  const all = jurisdictions.map((jurisdiction): JurisdictionFigures => {
    const of = requests.filter((each) => each.jurisdiction === jurisdiction)
    const rest = counts.find((each) => each.jurisdiction === jurisdiction)
    return {
      jurisdiction,
      requests: of.flatMap(({ instrument, state, count }) => (count >= least ? [{ instrument, state, count }] : [])),
      ...toldOf(rest, least),
    }
  })
  return { year, suppressedBelow: least, jurisdictions: least === 0 ? all : all.filter(saysSomething) }
}

/**
 * Nought is small too: what is left out is not told from what never was. Many things under few requests are few: a package of a single
 * request has many indicators that may be recalled.
 */
function toldOf(counts: YearCount | undefined, least: number): Partial<Record<Counted, number>> {
  const told = countedThings.filter((name) => (counts?.requests[name] ?? 0) >= least)
  return Object.fromEntries(told.map((name) => [name, counts?.[name] ?? 0]))
}

const saysSomething = ({ jurisdiction: _, requests, ...counts }: JurisdictionFigures): boolean =>
  requests.length > 0 || Object.keys(counts).length > 0
