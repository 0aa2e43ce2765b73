import type { Caller } from '../domain/caller.ts'
import { type Decay, decayOf } from '../domain/decay.ts'
import { limits } from '../domain/limits.ts'
import type { Released } from '../domain/released.ts'
import type { SightingType } from '../domain/sighting.ts'
import type { Context } from './context.ts'
import type { ReadInput } from './named-source.ts'
import { absent } from './read.ts'
import type { Read } from './reading.ts'
import { type Prevalence, type ReadableReport, type Reports, readOf, reportsOn } from './reports.ts'
import { type Action, verb } from './verb.ts'
import { permittedFor, recordReading } from './visible.ts'

/** What one organisation says of an indicator. Times are ISO 8601. */
export interface SightingReport {
  readonly type: SightingType
  /** Whether it comes from streams of observations: then times are the beginnings of hours. */
  readonly observed: boolean
  /** Absent where the reporter stays anonymous to this reader; `alias` then stands for it. */
  readonly organisation?: NonNullable<Released['originator']>
  readonly alias?: string
  readonly count: number
  readonly firstSeen: string
  readonly lastSeen: string
}

/** Several together; without times when there are none. */
export interface SightingSum {
  readonly count: number
  readonly firstSeen?: string
  readonly lastSeen?: string
}

/** What sightings and time make of an indicator for one reader. */
export interface Quality {
  readonly seen: SightingSum
  readonly falsePositive: SightingSum
  readonly expired: SightingSum
  readonly prevalence: Prevalence
  readonly decay: Decay
}

export interface Sightings extends Quality {
  /** STIX id of the indicator. */
  readonly id: string
  /** Those that the caller may know of, the latest first, 1,000 at most; sums are of all of them. */
  readonly reports: readonly SightingReport[]
}

export interface SightingsInput {
  readonly of: readonly ReadInput[]
  /** No reports in the answer: a page wants their sums. */
  readonly sumsAlone?: true
}

/**
 * What was said of each of several indicators, as far as the caller may know who says it: one statement for a hundred of them.
 * @returns undefined in the place of what does not exist, and of what the caller may not see
 */
export const readSightingsOf: Action<SightingsInput, (Sightings | undefined)[]> = verb(
  'read-sightings',
  async (context: Context, caller: Caller, { of, sumsAlone }: SightingsInput, standing) => {
    const permitted = permittedFor(context, caller, standing)
    const at = context.clock()
    const reads: Read[] = []
    const answers: (Sightings | undefined)[] = []
    for (let from = 0; from < of.length; from += limits.reportedTogether) {
      const some = of.slice(from, from + limits.reportedTogether)
      for (const each of await reportsOn(context, caller, standing, permitted, some)) {
        if (each !== undefined) reads.push(readOf(each))
        answers.push(each === undefined ? undefined : sightingsOf(each, at, sumsAlone === true))
      }
    }
    await recordReading(context, caller, standing, 'read-sightings', reads)
    return answers
  },
  { checkedWithRows: true },
)

/** The same for one. @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see */
export const readSightings: Action<ReadInput, Sightings> = async (context, caller, input) => {
  const [found] = await readSightingsOf(context, caller, { of: [input] })
  if (found === undefined) throw absent()
  return found
}

function sightingsOf({ indicator, reports, prevalence }: Reports, at: Date, sumsAlone: boolean): Sightings {
  const latest = sumsAlone ? [] : [...reports].sort(byLast).slice(0, limits.sightingsListed)
  const sumOf = (type: SightingType) => sum(reports.filter((report) => report.type === type))
  const seen = sumOf('seen')
  return {
    id: indicator.id,
    reports: latest.map(({ type, observed, by, times, first, last }) => ({
      type,
      observed,
      ...(by.originator === undefined ? {} : { organisation: by.originator }),
      ...(by.alias === undefined ? {} : { alias: by.alias }),
      count: times,
      firstSeen: first,
      lastSeen: last,
    })),
    seen,
    falsePositive: sumOf('false-positive'),
    expired: sumOf('expired'),
    prevalence,
    decay: decayOf(indicator, seen.lastSeen, at),
  }
}

/** ISO 8601 of one form sorts as text. What comes first of equals must not tell who is behind an alias. */
const sortKey = ({ last, type, by }: ReadableReport): string => `${last} ${type} ${by.originator?.id ?? by.alias}`
const byLast = (a: ReadableReport, b: ReadableReport): number => (sortKey(a) > sortKey(b) ? -1 : 1)

function sum(reports: readonly ReadableReport[]): SightingSum {
  let [count, first, last] = [0, '', '']
  for (const report of reports) {
    count += report.times
    if (first === '' || report.first < first) first = report.first
    if (report.last > last) last = report.last
  }
  return count === 0 ? { count } : { count, firstSeen: first, lastSeen: last }
}
