import { Fault } from './errors.ts'

/** TLP 2.0 (FIRST), from the widest audience to the narrowest. The order is the order of strictness. */
export const tlps = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const
export type Tlp = (typeof tlps)[number]

/** How strict a label is: 0 (CLEAR) to 4 (RED). */
export const strictness = (tlp: Tlp): number => tlps.indexOf(tlp)

export const strictestTlp = (a: Tlp, b: Tlp): Tlp => (strictness(a) >= strictness(b) ? a : b)

/** The label as people write it: `TLP:AMBER+STRICT`. */
export const tlpLabel = (tlp: Tlp): string => `TLP:${tlp.toUpperCase()}`

/**
 * Reads a label in any case, with or without `TLP:`; WHITE is TLP 1 for CLEAR.
 * @throws {Fault} `marking_unknown`
 */
export function parseTlp(text: string): Tlp {
  const bare = text.trim().toLowerCase().replace(/^tlp:/, '')
  if (bare === 'white') return 'clear'
  const known = tlps.find((tlp) => tlp === bare)
  if (known === undefined) throw new Fault('marking_unknown', `"${text.slice(0, 40)}" is not a TLP 2.0 label`)
  return known
}

/** STIX marking-definition ids Puente reads: TLP 2.0, STIX 2.1's built-in TLP 1, OpenCTI's AMBER+STRICT. */
const tlpOfMarkingId: ReadonlyMap<string, Tlp> = new Map<string, Tlp>([
  ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487', 'clear'],
  ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb', 'green'],
  ['marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421', 'amber'],
  ['marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003', 'amber+strict'],
  ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1', 'red'],
  ['marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9', 'clear'],
  ['marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da', 'green'],
  ['marking-definition--f88d31f6-486f-44da-b317-01333bde0b82', 'amber'],
  ['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'red'],
  ['marking-definition--826578e1-40ad-459f-bc73-ede076f81f37', 'amber+strict'],
])

export const tlpOfMarking = (id: string): Tlp | undefined => tlpOfMarkingId.get(id)

/** The TLP 2.0 marking-definition id to emit for a label. */
export const markingOfTlp: Record<Tlp, string> = {
  clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
  'amber+strict': 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
  red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
}
