import type { Caller } from '../domain/caller.ts'
import { type Directory, worldOf } from '../domain/directory.ts'
import type { Released } from '../domain/released.ts'
import type { SightingType } from '../domain/sighting.ts'
import { sourceOf } from '../policy/release.ts'
import { mayReadReport, organisationsFromWhichAllCount, reportHandling } from '../policy/reports.ts'
import type { Permitted } from '../policy/visibility.ts'
import { type Report, type Reported, type ReportedIndicator, reportsAbout } from '../store/sightings.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { releaseFacts, visibleTo } from './visible.ts'

/** An indicator to ask about: an id that several may have published under, and as whose the caller knows it. */
export interface Wanted {
  /** `indicator--<uuid>`. */
  readonly id: string
  /** Organisation id. */
  readonly originator?: string
  /** What stands for a source that stays anonymous. */
  readonly alias?: string
}

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
 * By how many it was seen: of those the caller may know of or, from five organisations on, of all. Of jurisdictions those count whose
 * organisations are known by name.
 */
export interface Prevalence {
  readonly organisations: number
  readonly jurisdictions: number
}

export interface Reports {
  readonly indicator: ReportedIndicator
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
  wanted: readonly Wanted[],
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

/** Whether an indicator is of the source that was asked for, as the caller may know sources. */
export function isSource(
  context: Context,
  caller: Caller,
  standing: Standing,
  { handlingId }: Pick<ReportedIndicator, 'handlingId'>,
  { originator, alias }: Wanted,
): boolean {
  if (originator === undefined && alias === undefined) return true
  const handling = standing.visibility.handling(handlingId)
  if (handling === undefined) return false
  const shown = sourceOf(handling, caller.reader, releaseFacts(context, standing))
  return originator === undefined ? shown.alias === alias : shown.originator?.id === originator
}

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
    for (const report of all) {
      const key = `${indicator.handlingId} ${report.reporter} ${report.handlingId ?? ''}`
      let by = decided.get(key)
      if (by === undefined) {
        by = ask(indicator.handlingId, report)
        decided.set(key, by)
      }
      const { type, observed, times, first, last } = report
      if (by !== null) readable.push({ type, observed, by, times, first, last })
    }
    return { indicator, reports: readable, prevalence: prevalenceOf(all, readable, directory) }
  }
}

/**
 * Who is known by name here and by an alias there counts twice, and no alias has a jurisdiction: the numbers must not tell who is behind
 * it.
 */
function prevalenceOf(
  all: readonly Report[],
  readable: readonly ReadableReport[],
  { organisations }: Directory,
): Prevalence {
  const seen = readable.filter(({ type }) => type === 'seen')
  const shown = new Set(seen.map(({ by }) => by.originator?.id ?? by.alias))
  const everybody = new Set(all.filter(({ type }) => type === 'seen').map(({ reporter }) => reporter))
  const allCount = everybody.size >= organisationsFromWhichAllCount
  const places = allCount
    ? [...everybody].map((id) => organisations.get(id)?.jurisdiction)
    : seen.flatMap(({ by }) => by.originator?.jurisdiction ?? [])
  return {
    organisations: allCount ? Math.max(everybody.size, shown.size) : shown.size,
    jurisdictions: new Set(places).size,
  }
}
