import type { Caller } from '../domain/caller.ts'
import { type Directory, worldOf } from '../domain/directory.ts'
import type { Released } from '../domain/released.ts'
import type { SightingType } from '../domain/sighting.ts'
import { prevalenceFor } from '../policy/prevalence.ts'
import { sourceOf } from '../policy/release.ts'
import { mayReadReport, reportHandling } from '../policy/reports.ts'
import type { Permitted } from '../policy/visibility.ts'
import { type Report, type Reported, type ReportedIndicator, reportsAbout } from '../store/sightings.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { isSource, type ReadInput } from './named-source.ts'
import type { Read } from './reading.ts'
import { releaseFacts, visibleTo } from './visible.ts'

/** A report that the caller may know of. */
export interface ReadableReport {
  readonly type: SightingType
  /** Whether it comes from streams of observations. */
  readonly observed: boolean
  /** Who reports: by name, or by what stands for it. */
  readonly by: Pick<Released, 'originator' | 'alias'>
  readonly times: number
  /** ISO 8601. */
  readonly first: string
  readonly last: string
}

/**
 * By how many it was seen: of those the caller may know of or, from five organisations on, of all. No jurisdiction is told of who is known
 * by an alias.
 */
export interface Prevalence {
  readonly organisations: number
  readonly jurisdictions: number
}

export interface Reports {
  readonly indicator: ReportedIndicator
  /** Ids of the reporters' own handlings that the reports stand under. */
  readonly own: ReadonlySet<number>
  readonly reports: readonly ReadableReport[]
  readonly prevalence: Prevalence
}

/**
 * What is reported of each of the indicators asked for, as far as the caller may know: sightings and observations under one rule.
 * Undefined for what does not exist and for what the caller may not see. One statement.
 * @throws {PolicyMoved}
 */
export async function reportsOn(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  wanted: readonly ReadInput[],
): Promise<(Reports | undefined)[]> {
  const visible = visibleTo(permitted, standing, caller, 'whole')
  // Asked even for an id that cannot exist, so that both take the same way and time.
  const uuids = wanted.map(({ id }) => uuidOf(id) ?? nobody)
  const found = await reportsAbout(context.database, visible, [...new Set(uuids)])
  const byId = new Map<string, Reported[]>()
  for (const each of found) byId.set(each.indicator.id, [...(byId.get(each.indicator.id) ?? []), each])
  const read = reading(context, caller, standing)
  return wanted.map((each, n) => {
    const candidates = byId.get(`indicator--${uuids[n]}`) ?? []
    const one = candidates.find(({ indicator }) => isSource(context, caller, standing, indicator, each))
    return one === undefined ? undefined : read(one.indicator, one.reports)
  })
}

const nobody = '00000000-0000-0000-0000-000000000000'

/** Sorts out what the caller may know; each question of the policy is asked once. */
function reading(context: Context, caller: Caller, standing: Standing) {
  const { visibility, directory } = standing
  const world = worldOf(directory)
  const facts = releaseFacts(context, standing)
  const at = context.clock()
  const decided = new Map<string, ReadableReport['by'] | null>()

  function ask(handlingId: number, { reporter, handlingId: own }: Report): ReadableReport['by'] | null {
    const handling = visibility.handling(handlingId)
    const asked = own === undefined ? undefined : visibility.handling(own)
    // A handling that is not known permits nothing.
    if (handling === undefined || (own !== undefined && asked === undefined)) return null
    if (!mayReadReport(caller.reader, handling, reporter, caller.purpose, at, world, asked)) return null
    return sourceOf(reportHandling(handling, reporter, asked), caller.reader, facts)
  }

  return (indicator: ReportedIndicator, all: readonly Report[]): Reports => {
    const readable: ReadableReport[] = []
    const [others, own] = [new Set<string>(), new Set<number>()]
    for (const report of all) {
      const { type, observed, times, first, last, reporter, handlingId } = report
      const key = `${indicator.handlingId} ${reporter} ${handlingId ?? ''}`
      let by = decided.get(key)
      if (by === undefined) {
        by = ask(indicator.handlingId, report)
        decided.set(key, by)
      }
      if (by !== null) {
        readable.push({ type, observed, by, times, first, last })
        if (handlingId !== undefined) own.add(handlingId)
      } else if (type === 'seen') others.add(reporter)
    }
    return { indicator, own, reports: readable, prevalence: prevalenceOf(readable, others, directory) }
  }
}

/** @param others who saw it in a way that the caller may not know of */
function prevalenceOf(
  readable: readonly ReadableReport[],
  others: ReadonlySet<string>,
  { organisations: known }: Directory,
): Prevalence {
  const seen = readable.filter(({ type }) => type === 'seen')
  const named = new Set(seen.flatMap(({ by }) => by.originator?.id ?? []))
  const aliases = new Set(seen.flatMap(({ by }) => (by.originator === undefined ? (by.alias ?? []) : [])))
  const { organisations, placed } = prevalenceFor({ named, aliases, others })
  return { organisations, jurisdictions: new Set([...placed].map((id) => known.get(id)?.jurisdiction)).size }
}

/** The reports of an indicator as the log has them: under its handling, and under those of the reporters. */
export const readOf = ({ indicator, own }: Reports): Read => (own.size === 0 ? indicator : { ...indicator, own })
