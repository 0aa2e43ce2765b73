import { Fault } from './errors.ts'
import type { StixMarkings } from './stix-markings.ts'

export const roles = ['reader', 'publisher', 'liaison', 'approver', 'policy-officer', 'administrator'] as const
export type Role = (typeof roles)[number]

/** Roles with which an account reads indicators; the others administer, and see what a reader without them would. */
export const readingRoles: readonly Role[] = ['reader', 'publisher', 'liaison', 'approver']

/**
 * Pairs no account may hold at once. Who asks must not approve (segregation of duties), and who hands out accounts
 * must not decide how far agreements go.
 */
export const forbiddenPairs: readonly (readonly [Role, Role, string])[] = [
  ['liaison', 'approver', 'who files a legal request must not approve one'],
  ['liaison', 'policy-officer', 'who files a legal request must not decide what agreements allow'],
  ['liaison', 'administrator', 'who files a legal request must not hand out accounts'],
  ['approver', 'administrator', 'who approves disclosures must not hand out accounts'],
  ['policy-officer', 'administrator', 'who enters agreements must not hand out accounts'],
]

/**
 * @returns the roles, sorted as in {@link roles}, without repetitions
 * @throws {Fault} `roles_forbidden` with the reason, or when there is none at all
 */
export function checkRoles(wanted: readonly Role[]): Role[] {
  const held = roles.filter((role) => wanted.includes(role))
  if (held.length === 0) throw new Fault('roles_forbidden', 'an account needs at least one role')
  for (const [a, b, why] of forbiddenPairs) {
    if (held.includes(a) && held.includes(b)) {
      throw new Fault('roles_forbidden', `an account cannot be both ${a} and ${b}: ${why}`)
    }
  }
  return held
}

/** A person or a service of one organisation. */
export interface Account {
  /** A slug such as `ana.cert-br`; RED names people by it. */
  readonly id: string
  readonly organisation: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly disabled: boolean
  /** By which ids its STIX answers name TLP labels. */
  readonly stixMarkings: StixMarkings
}

/** What a credential may be used for, at most; the account's roles limit it further. */
export const scopes = ['read', 'write', 'admin'] as const
export type Scope = (typeof scopes)[number]
