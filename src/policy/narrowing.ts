import type { Handling } from '../domain/handling.ts'
import { strictness } from '../domain/tlp.ts'

/** Whether everything in `a` is also in `b`. */
const within = (a: readonly string[], b: readonly string[]): boolean => a.every((item) => b.includes(item))

/** Whether going from one handling to the other may take somebody's view away: what history and feed call `narrowed`. */
export function narrows(before: Handling, after: Handling): boolean {
  return (
    strictness(after.tlp) > strictness(before.tlp) ||
    !within(before.organisations, after.organisations) ||
    !within(before.communities, after.communities) ||
    !within(before.people, after.people) ||
    !within(after.notReleasableTo ?? [], before.notReleasableTo ?? []) ||
    (after.releasableTo !== undefined &&
      (before.releasableTo === undefined || !within(before.releasableTo, after.releasableTo))) ||
    (after.personalData && !before.personalData) ||
    order.indexOf(after.lawEnforcement) > order.indexOf(before.lawEnforcement) ||
    (after.expiresAt !== undefined &&
      (before.expiresAt === undefined || Date.parse(after.expiresAt) < Date.parse(before.expiresAt)))
  )
}

const order = ['allowed', 'on-request', 'never']
