import type { Purpose } from '../domain/agreement.ts'
import type { Decision, Effect } from '../domain/decision.ts'
import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { decide } from './decide.ts'

/**
 * What of a preserved copy may be disclosed: a hold outlasts the end of sharing, and nothing else. Every other rule is asked as of now,
 * the request among them (ADR 33).
 */
export function decideHeld(reader: Reader, handling: Handling, purpose: Purpose, at: Date, world: World): Decision {
  const { expiresAt: _, ...lasting } = handling
  return decide(reader, lasting, purpose, at, world)
}

/** The stricter of what the copy's handling lets and what that of the indicator lets now: what was narrowed since stays narrow. */
export function heldEffect(
  reader: Reader,
  [held, present]: readonly [held: Handling | undefined, present: Handling | undefined],
  purpose: Purpose,
  at: Date,
  world: World,
): Effect {
  // RED leaves in no file, whatever a request says; what nobody knows is refused.
  if (held === undefined || present === undefined || held.tlp === 'red') return 'deny'
  const effects = [held, present].map((each) => decideHeld(reader, each, purpose, at, world).effect)
  return effects.includes('deny') ? 'deny' : effects.includes('redact') ? 'redact' : 'permit'
}
