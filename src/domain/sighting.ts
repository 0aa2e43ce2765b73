import { parseInstant } from './enrolment.ts'
import { Fault } from './errors.ts'
import { limits } from './limits.ts'

/** What one may say of an indicator: the three types of MISP's sightings. `seen` is what STIX 2.1 §5.2 calls a sighting. */
export const sightingTypes = ['seen', 'false-positive', 'expired'] as const
export type SightingType = (typeof sightingTypes)[number]

/** A sighting as its reporter gives it; everything may be left out. */
export interface SightingInput {
  /** `seen` when absent. */
  readonly type?: SightingType
  /** How often, 1 to 999,999,999 (STIX 2.1 §5.2); 1 when absent. */
  readonly count?: number
  /** RFC 3339. The one stands for the other; now when both are absent. */
  readonly firstSeen?: string
  readonly lastSeen?: string
}

/** One sighting, whole. Times are ISO 8601 UTC. */
export interface Sighting {
  readonly type: SightingType
  readonly count: number
  readonly firstSeen: string
  readonly lastSeen: string
}

const hourMs = 3_600_000

/**
 * @param at now
 * @throws {Fault} `invalid_request`, `time_out_of_range`
 */
export function parseSighting(said: SightingInput, at: Date): Sighting {
  const { type = 'seen', count = 1 } = said
  if (!sightingTypes.includes(type)) throw refused('/type', `A sighting is ${sightingTypes.join(', ')}.`)
  if (!Number.isInteger(count) || count < 1 || count > limits.sightingCount) {
    throw refused('/count', `A whole number from 1 to ${limits.sightingCount}, please.`)
  }
  const now = at.toISOString()
  const first = said.firstSeen === undefined ? undefined : parseInstant(said.firstSeen, '/firstSeen')
  const lastSeen = said.lastSeen === undefined ? (first ?? now) : parseInstant(said.lastSeen, '/lastSeen')
  const firstSeen = first ?? lastSeen
  if (Date.parse(firstSeen) > Date.parse(lastSeen))
    throw refused('/firstSeen', 'It was seen first before it was seen last.')
  if (Date.parse(lastSeen) > at.getTime() + limits.observationFutureHours * hourMs) {
    throw new Fault('time_out_of_range', 'It was seen more than an hour from now.', {
      position: { pointer: '/lastSeen' },
    })
  }
  return { type, count, firstSeen, lastSeen }
}

const refused = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
