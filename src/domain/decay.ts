import type { Indicator } from './indicator.ts'
import type { ObservableGroup } from './observables/type.ts'
import { observableTypes } from './observables/types.ts'

/** How a score falls: MISP's polynomial model ("An indicator scoring method for MISP platforms", arXiv 1803.11052). */
export interface DecayModel {
  /** τ: days after which nothing is left. */
  readonly lifetimeDays: number
  /** δ: with 1 it falls evenly, with more it falls early, with less it falls late. */
  readonly decaySpeed: number
}

export interface Decay extends DecayModel {
  /** 0–100, to two decimals. */
  readonly score: number
  /** What it falls from: the confidence, or 80 where none was given. */
  readonly baseScore: number
  /** From when on it falls, ISO 8601: the last sighting that the reader knows of, or what the indicator itself says. */
  readonly since: string
  /** Whether the score is below {@link decayThreshold}. */
  readonly decayed: boolean
}

/** `default_base_score` and `threshold` of MISP's "NIDS Simple Decaying Model", version 2. */
export const defaultBaseScore = 80
export const decayThreshold = 30

/**
 * Addresses and names change hands early: δ of MISP's NIDS model. What is computed from a file stays what it is until nobody uses
 * the file any more. Everything else falls evenly.
 */
const speeds: Partial<Record<ObservableGroup, number>> = {
  network: 2,
  name: 2,
  mail: 2,
  hash: 0.5,
  fingerprint: 0.5,
  file: 0.5,
}
const evenly = 1
const withoutTypeDays = 365

/** The model of a type; its lifetime is that of the table of types. */
export function decayModelOf(type: string): DecayModel {
  const facts = observableTypes.get(type)
  return facts === undefined
    ? { lifetimeDays: withoutTypeDays, decaySpeed: evenly }
    : { lifetimeDays: facts.lifetimeDays, decaySpeed: speeds[facts.group] ?? evenly }
}

/** score = base × (1 − (t / τ)^(1 / δ)), and never below 0; t in days. What lies ahead has not begun to fall. */
export function polynomialScore(
  baseScore: number,
  elapsedDays: number,
  { lifetimeDays, decaySpeed }: DecayModel,
): number {
  if (elapsedDays <= 0) return baseScore
  return Math.max(0, baseScore * (1 - (elapsedDays / lifetimeDays) ** (1 / decaySpeed)))
}

const dayMs = 86_400_000

/**
 * How much an indicator is worth at an instant.
 * @param lastSighting ISO 8601: the last time it was seen, of what the reader may know
 */
export function decayOf(
  indicator: Pick<Indicator, 'type' | 'confidence' | 'modified' | 'lastSeen' | 'validUntil'>,
  lastSighting: string | undefined,
  at: Date,
): Decay {
  const model = decayModelOf(indicator.type)
  const baseScore = indicator.confidence ?? defaultBaseScore
  const itself = indicator.lastSeen ?? indicator.modified
  const since = lastSighting !== undefined && Date.parse(lastSighting) > Date.parse(itself) ? lastSighting : itself
  const ended = indicator.validUntil !== undefined && Date.parse(indicator.validUntil) <= at.getTime()
  const exact = ended ? 0 : polynomialScore(baseScore, (at.getTime() - Date.parse(since)) / dayMs, model)
  const score = Math.round(exact * 100) / 100
  return { score, baseScore, ...model, since, decayed: score < decayThreshold }
}
