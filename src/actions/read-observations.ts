import type { Caller } from '../domain/caller.ts'
import { worldOf } from '../domain/directory.ts'
import { originatorShown } from '../policy/release.ts'
import { mayReadReport, organisationsFromWhichAllCount, reportHandling } from '../policy/reports.ts'
import { mergeObservationParts, type Report, reportsOf } from '../store/observations.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { findVisible, type ReadInput } from './read.ts'
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
  /** By how many it was seen: of those the caller may see or, from five organisations on, of all. */
  readonly prevalence: { readonly organisations: number; readonly jurisdictions: number }
}

/**
 * What was observed of an indicator, as far as the caller may know who reported it.
 * @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see
 */
export const readObservations = verb(
  'read-observations',
  async (context: Context, caller: Caller, input: ReadInput, standing): Promise<Observations> => {
    const permitted = permittedFor(context, caller, standing)
    const indicator = await findVisible(context, caller, standing, permitted, input)
    const all = await reportsOf(context.database, indicator.originator, uuidOf(indicator.id) ?? '')
    const handling = standing.visibility.handling(indicator.handlingId)
    const world = worldOf(standing.directory)
    const at = context.clock()
    const seen = all.filter(
      ({ reporter }) =>
        handling !== undefined && mayReadReport(caller.reader, handling, reporter, caller.purpose, at, world),
    )
    await recordReading(context, caller, standing, 'read-observations', [indicator])
    const counted = all.length >= organisationsFromWhichAllCount ? all : seen
    return {
      id: indicator.id,
      reports: seen.map((report) => ({
        ...(handling !== undefined && originatorShown(caller.reader, reportHandling(handling, report.reporter))
          ? { organisation: organisationOf(standing, report.reporter) }
          : {}),
        times: report.times,
        firstHour: report.firstHour,
        lastHour: report.lastHour,
      })),
      times: seen.reduce((total, { times }) => total + times, 0),
      ...span(seen),
      prevalence: {
        organisations: counted.length,
        jurisdictions: new Set(counted.map(({ reporter }) => organisationOf(standing, reporter).jurisdiction)).size,
      },
    }
  },
)

function organisationOf({ directory }: Standing, id: string): { id: string; name: string; jurisdiction: string } {
  const known = directory.organisations.get(id)
  return { id, name: known?.name ?? id, jurisdiction: known?.jurisdiction ?? '' }
}

/** ISO 8601 of one form sorts as text. */
function span(reports: readonly Report[]): { readonly firstHour?: string; readonly lastHour?: string } {
  const [firstHour] = reports.map((report) => report.firstHour).sort()
  const lastHour = reports
    .map((report) => report.lastHour)
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
