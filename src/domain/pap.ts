import { Fault } from './errors.ts'

/** Permissible Actions Protocol (MISP taxonomy PAP, version 3), from the freest to the strictest. */
export const paps = ['clear', 'green', 'amber', 'red'] as const
export type Pap = (typeof paps)[number]

export const strictestPap = (a: Pap, b: Pap): Pap => (paps.indexOf(a) >= paps.indexOf(b) ? a : b)

/**
 * Reads a label in any case, with or without `PAP:`; WHITE is the old word for CLEAR.
 * @throws {Fault} `marking_unknown`
 */
export function parsePap(text: string): Pap {
  const bare = text.trim().toLowerCase().replace(/^pap:/, '')
  if (bare === 'white') return 'clear'
  const known = paps.find((pap) => pap === bare)
  if (known === undefined) throw new Fault('marking_unknown', `"${text.slice(0, 40)}" is not a PAP label`)
  return known
}
