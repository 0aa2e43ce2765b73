import type { Purpose } from '../domain/agreement.ts'
import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { decide } from './decide.ts'
import { narrowed } from './local-narrowing.ts'
import { mayTravel } from './travelling.ts'

/**
 * The handling of a report about an indicator: the indicator's own, with the reporter as its originator. Whoever the indicator
 * came from is in its audience, since the report is about what that organisation said.
 * @param own what the reporter asked for beyond that, if anything
 */
export function reportHandling(indicator: Handling, reporter: string, own?: Handling): Handling {
  const addressed = indicator.tlp === 'amber' || indicator.tlp === 'amber+strict'
  const organisations = addressed
    ? [...new Set([...indicator.organisations, indicator.originator])].sort()
    : indicator.organisations
  const attribution = own?.attribution === 'anonymous' ? own.attribution : indicator.attribution
  return { ...indicator, originator: reporter, organisations, attribution }
}

/**
 * Whether a reader may know that this organisation saw it. A report has no masked form, so where the indicator would be masked
 * the report is absent. Where the reporter asked for more, both handlings must permit: that is the stricter of the two.
 */
export function mayReadReport(
  reader: Reader,
  indicator: Handling,
  reporter: string,
  purpose: Purpose,
  at: Date,
  world: World,
  own?: Handling,
): boolean {
  const permits = (handling: Handling): boolean => decide(reader, handling, purpose, at, world).effect === 'permit'
  return permits(reportHandling(indicator, reporter)) && (own === undefined || permits(own))
}

/**
 * The one handling under which a report is sealed for other nodes: that of the report, and where the reporter asked for more the stricter
 * of both, so that nobody reads it there who would not here.
 */
export const sightingHandling = (indicator: Handling, reporter: string, own?: Handling): Handling => {
  const report = reportHandling(indicator, reporter)
  if (own === undefined) return report
  const addressed = own.tlp === 'amber' || own.tlp === 'amber+strict'
  const { organisations, communities, ...rest } = own
  return narrowed(report, { ...rest, ...(addressed ? { organisations, communities } : {}) })
}

/**
 * Whether another node's word is taken that this organisation saw it: where the reporter may have it, or it is its own. Otherwise it is as
 * if it were not here, or a peer would learn by what is not taken which ids are. What is anonymous never left its node.
 */
export const mayReportOn = (
  reporter: string,
  reader: Reader,
  indicator: { readonly originator: string; readonly handling: Handling },
  at: Date,
  world: World,
): boolean =>
  reporter === indicator.originator ||
  (indicator.handling.attribution === 'named' && mayTravel([reader], indicator.handling, at, world))
