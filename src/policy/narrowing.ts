import type { Handling } from '../domain/handling.ts'
import { lawEnforcementUses } from '../domain/handling.ts'
import { strictness } from '../domain/tlp.ts'

/** Whether going from one handling to the other may take somebody's view away: what history and feed call `narrowed`. */
export function narrows(before: Handling, after: Handling): boolean {
  return (
    strictness(after.tlp) > strictness(before.tlp) ||
    audienceShrinks(before, after) ||
    !within(after.notReleasableTo ?? [], before.notReleasableTo ?? []) ||
    shrinks(before.releasableTo, after.releasableTo) ||
    (after.personalData && !before.personalData) ||
    lawEnforcementUses.indexOf(after.lawEnforcement) > lawEnforcementUses.indexOf(before.lawEnforcement) ||
    endsEarlier(before.expiresAt, after.expiresAt)
  )
}

/** Audiences count under the labels that have one: AMBER's is of organisations, RED's of people, GREEN's is everybody. */
function audienceShrinks(before: Handling, after: Handling): boolean {
  switch (after.tlp) {
    case 'clear':
    case 'green':
      return false
    case 'amber':
    case 'amber+strict':
      return (
        before.tlp === 'red' ||
        !within(before.organisations, after.organisations) ||
        !within(before.communities, after.communities)
      )
    case 'red':
      return !within(before.people, after.people)
  }
}

/** Whether everything in `a` is also in `b`. */
const within = (a: readonly string[], b: readonly string[]): boolean => a.every((item) => b.includes(item))

/** A list whose absence means everybody. */
const shrinks = (before: readonly string[] | undefined, after: readonly string[] | undefined): boolean =>
  after !== undefined && (before === undefined || !within(before, after))

const endsEarlier = (before: string | undefined, after: string | undefined): boolean =>
  after !== undefined && (before === undefined || Date.parse(after) < Date.parse(before))
