import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { mergeObservationParts } from '../store/observations.ts'
import type { Context } from './context.ts'
import type { ReadInput } from './named-source.ts'
import { absent } from './read.ts'
import { type Prevalence, type ReadableReport, type Reports, readOf, reportsOn } from './reports.ts'
import { type Action, verb } from './verb.ts'
import { permittedFor, recordReading } from './visible.ts'

/** What one organisation saw of an indicator. Times are the beginnings of hours, ISO 8601. */
export interface ObservationReport {
  /** Absent where the reporter stays anonymous to this reader. */
  readonly organisation?: { readonly id: string; readonly name: string; readonly jurisdiction: string }
  readonly times: number
  readonly firstHour: string
  readonly lastHour: string
}

export interface Observations {
  /** STIX id of the indicator. */
  readonly id: string
  /** Reports that the caller may see, the most frequent first. */
  readonly reports: readonly ObservationReport[]
  /** All of these reports together. */
  readonly times: number
  readonly firstHour?: string
  readonly lastHour?: string
  /** By how many it was seen, in streams or as a sighting. */
  readonly prevalence: Prevalence
}

/**
 * What was observed of each of several indicators, as far as the caller may know who reported it: one statement for a hundred of them.
 * @returns undefined in the place of what does not exist, and of what the caller may not see
 */
export const readObservationsOf: Action<readonly ReadInput[], (Observations | undefined)[]> = verb(
  'read-observations',
  async (context: Context, caller: Caller, wanted: readonly ReadInput[], standing) => {
    const permitted = permittedFor(context, caller, standing)
    const found: (Reports | undefined)[] = []
    for (let from = 0; from < wanted.length; from += limits.reportedTogether) {
      const some = wanted.slice(from, from + limits.reportedTogether)
      found.push(...(await reportsOn(context, caller, standing, permitted, some)))
    }
    const reads = found.flatMap((each) => (each === undefined ? [] : [readOf(each)]))
    await recordReading(context, caller, standing, 'read-observations', reads)
    return found.map((each) => (each === undefined ? undefined : observationsOf(each)))
  },
  { checkedWithRows: true },
)

/** The same for one. @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see */
export const readObservations: Action<ReadInput, Observations> = async (context, caller, input) => {
  const [found] = await readObservationsOf(context, caller, [input])
  if (found === undefined) throw absent()
  return found
}

function observationsOf({ indicator, reports, prevalence }: Reports): Observations {
  const observed = reports.filter((report) => report.observed).sort(byTimes)
  return {
    id: indicator.id,
    reports: observed.map(({ by, times, first, last }) => ({
      ...(by.originator === undefined ? {} : { organisation: by.originator }),
      times,
      firstHour: first,
      lastHour: last,
    })),
    times: observed.reduce((total, { times }) => total + times, 0),
    ...span(observed),
    prevalence,
  }
}

const nameOf = ({ by }: ReadableReport): string => by.originator?.id ?? by.alias ?? ''
const byTimes = (a: ReadableReport, b: ReadableReport): number => b.times - a.times || (nameOf(a) < nameOf(b) ? -1 : 1)

/** ISO 8601 of one form sorts as text. */
function span(reports: readonly ReadableReport[]): { readonly firstHour?: string; readonly lastHour?: string } {
  const [firstHour] = reports.map(({ first }) => first).sort()
  const lastHour = reports
    .map(({ last }) => last)
    .sort()
    .at(-1)
  return firstHour === undefined || lastHour === undefined ? {} : { firstHour, lastHour }
}

/** Streams end within the time of a request; what is open for longer than this is not. */
const abandonedAfterMs = 24 * 60 * 60 * 1000

/** Merges what streams appended; on the clock. @returns how many rows were merged */
export async function mergeObservations(context: Context): Promise<number> {
  const before = new Date(context.clock().getTime() - abandonedAfterMs)
  for (let total = 0; ; ) {
    const { moved, more } = await context.database.transaction((transaction) =>
      mergeObservationParts(transaction, before),
    )
    total += moved
    if (!more) return total
  }
}
