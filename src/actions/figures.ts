import { type Caller, publicCaller } from '../domain/caller.ts'
import { preserves } from '../domain/legal-words.ts'
import { limits } from '../domain/limits.ts'
import { knowsFigures } from '../policy/knowing.ts'
import type { Database } from '../store/database.ts'
import {
  type Counted,
  countedThings,
  publishedFigures,
  publishYear,
  type RequestCount,
  requestCounts,
  unpublishedYears,
  type YearCount,
  yearCounts,
} from '../store/figures.ts'
import { digestOf } from './audit-figures.ts'
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
  /**
   * Numbers below this, of what happened under fewer requests, and beside a number of requests that are counted in them, are left out; 0 where
   * none is.
   */
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
  for (const year of years) {
    const figures = JSON.stringify(await figuresOf(context.database, year, limits.figuresLeast))
    await context.database.transaction(async (transaction) => {
      if (!(await publishYear(transaction, year, figures, now))) return
      await record(
        transaction,
        context,
        publicCaller,
        standing,
        administrative('read-figures', { published: year, digest: digestOf(figures) }),
      )
    })
  }
  return years.length
}

/** All of one instant. @param least numbers below this, and what would tell of them, are left out */
async function figuresOf(database: Database, year: number, least: number): Promise<Figures> {
  const [since, until] = [new Date(Date.UTC(year, 0)), new Date(Date.UTC(year + 1, 0))]
  const [requests, counts] = await database.transaction(
    async (queries) => [await requestCounts(queries, since, until), await yearCounts(queries, since, until)] as const,
    'isolation level repeatable read read only',
  )
  const jurisdictions = [...new Set([...requests, ...counts].map(({ jurisdiction }) => jurisdiction))].sort()
  const all = jurisdictions.map((jurisdiction): JurisdictionFigures => {
    const of = requests.filter((each) => each.jurisdiction === jurisdiction && each.count >= least)
    const rest = counts.find((each) => each.jurisdiction === jurisdiction)
    return {
      jurisdiction,
      requests: of.map(({ instrument, state, count }) => ({ instrument, state, count })),
      ...toldOf(rest, least, of),
    }
  })
  return { year, suppressedBelow: least, jurisdictions: least === 0 ? all : all.filter(saysSomething) }
}

/**
 * Nought is small too: what is left out is not told from what never was. Many things under few requests are few: a package of a single
 * request has many indicators that may be recalled. And a total less the requests in it that are told is the number of the others.
 */
function toldOf(
  counts: YearCount | undefined,
  least: number,
  shown: readonly RequestCount[],
): Partial<Record<Counted, number>> {
  const told = countedThings.filter(
    (name) => (counts?.requests[name] ?? 0) >= least && (least === 0 || !shown.some(isCountedIn[name])),
  )
  return Object.fromEntries(told.map((name) => [name, counts?.[name] ?? 0]))
}

/** Requests of which instruments and states are in each of the totals, most of them or all. */
const isCountedIn: Record<Counted, (requests: RequestCount) => boolean> = {
  disclosures: ({ state }) => state === 'fulfilled' || state === 'clawed-back',
  withheld: (each) => ['refused', 'expired', 'withdrawn', 'closed'].includes(each.state) && !preserves(each.instrument),
  clawBacks: ({ state }) => state === 'clawed-back',
  recalls: () => false,
  preservations: ({ instrument }) => preserves(instrument),
}

const saysSomething = ({ jurisdiction: _, requests, ...counts }: JurisdictionFigures): boolean =>
  requests.length > 0 || Object.keys(counts).length > 0
