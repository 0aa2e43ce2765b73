import type { Handling } from '../domain/handling.ts'

/**
 * Whether what carries this handling may stand in a blocking output or leave the recipient's own systems.
 * PAP:GREEN and PAP:CLEAR allow active measures; AMBER and RED are for reading (MISP taxonomy PAP). RED never leaves the node.
 */
export function mayBlock(handling: Handling): boolean {
  if (handling.unknown === true || handling.tlp === 'red') return false
  return handling.pap === 'green' || handling.pap === 'clear'
}
