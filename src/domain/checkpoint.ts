/** What checkpoints of a node contradict; `docs/federation.md` has a row for each. */
export const findingKinds = [
  /** Two roots of one size of its log of periods. */
  'two_roots',
  /** Two roots of one size of its audit log. */
  'two_audit_roots',
  /** Another key signs its audit log. */
  'audit_key_changed',
  /** Its log of periods, or its audit log, does not extend what it signed before, or it does not show that it does. */
  'not_extended',
  'audit_not_extended',
  /** This node's own audit log does not extend what a peer has kept of it: it was rolled back or rewritten. */
  'own_audit_not_extended',
] as const
export type FindingKind = (typeof findingKinds)[number]
