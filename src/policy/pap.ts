import type { Handling } from '../domain/handling.ts'

/**
 * Whether what carries this handling may stand in a blocking output.
 * PAP:GREEN and PAP:CLEAR allow active measures; AMBER and RED are for reading (MISP taxonomy PAP). RED never leaves the node.
 */
export function mayBlock(handling: Handling): boolean {
  if (handling.unknown === true || handling.tlp === 'red') return false
  return handling.pap === 'green' || handling.pap === 'clear'
}

/**
 * Whether it may be sent on to a system that is not the recipient's own, as by a webhook to somebody else's service: whoever sees
 * such a system sees that it is known, which PAP:AMBER and RED forbid.
 */
export const mayLeaveOwnSystems = (handling: Handling): boolean => mayBlock(handling)
