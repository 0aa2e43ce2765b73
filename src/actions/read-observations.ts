import type { Caller } from '../domain/caller.ts'
import { mergeObservationParts } from '../store/observations.ts'
import type { Context } from './context.ts'
import { absent, type ReadInput } from './read.ts'
import { type Prevalence, type ReadableReport, reportsOn } from './reports.ts'
import { verb } from './verb.ts'
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
 * What was observed of an indicator, as far as the caller may know who reported it.
 * @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see
 */
export const readObservations = verb(
  'read-observations',
  async (context: Context, caller: Caller, input: ReadInput, standing): Promise<Observations> => {
    const permitted = permittedFor(context, caller, standing)
    const [found] = await reportsOn(context, caller, standing, permitted, [input])
    if (found === undefined) throw absent()
    await recordReading(context, caller, standing, 'read-observations', [found.indicator])
    const observed = found.reports.filter((report) => report.observed).sort(byTimes)
    return {
      id: found.indicator.id,
      reports: observed.map(({ by, times, first, last }) => ({
        ...(by.originator === undefined ? {} : { organisation: by.originator }),
        times,
        firstHour: first,
        lastHour: last,
      })),
      times: observed.reduce((total, { times }) => total + times, 0),
      ...span(observed),
      prevalence: found.prevalence,
    }
  },
)

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
