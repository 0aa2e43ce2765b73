import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/** Short ones fill a list, too. */
const leastCharacters = 500

/**
 * Whoever looks at a request, or has it in a list, gets all that was said of it: nobody may say so much that it cannot be read.
 * @param said what this side said in notes and answers, with what it says now
 * @throws {Fault} `too_many_values`
 */
export function refuseTooMuchSaid(said: readonly string[]): void {
  const characters = said.reduce((sum, { length }) => sum + Math.max(length, leastCharacters), 0)
  if (characters <= limits.saidCharacters) return
  throw new Fault(
    'too_many_values',
    `One side may write ${limits.saidCharacters} characters of notes and answers; each counts as ${leastCharacters} at least.`,
  )
}
