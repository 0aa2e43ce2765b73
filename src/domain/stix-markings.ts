import { markingOfTlp, type Tlp, tlpOfMarking } from './tlp.ts'

/**
 * By which marking definitions a client is told a TLP label in STIX: those of TLP 2.0 (`tlp2`), the four that STIX 2.1 has
 * built in (`tlp1`, §7.2.1.4), or these with OpenCTI's own for AMBER+STRICT (`opencti`).
 */
export const stixMarkings = ['tlp2', 'tlp1', 'opencti'] as const
export type StixMarkings = (typeof stixMarkings)[number]

/** The labels of TLP 1, under the names that they are defined with. */
const tlp1 = {
  clear: 'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9',
  green: 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da',
  amber: 'marking-definition--f88d31f6-486f-44da-b317-01333bde0b82',
  red: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
}

/** The id of a label by profile. TLP 1 has no AMBER+STRICT: AMBER would be looser, so it is RED. */
const ids: Readonly<Record<StixMarkings, Readonly<Record<Tlp, string>>>> = {
  tlp2: markingOfTlp,
  tlp1: { ...tlp1, 'amber+strict': tlp1.red },
  opencti: { ...tlp1, 'amber+strict': 'marking-definition--826578e1-40ad-459f-bc73-ede076f81f37' },
}

export const markingId = (tlp: Tlp, markings: StixMarkings): string => ids[markings][tlp]

/** A marking as the client is told it; what is no label stays. */
export function markingFor(id: string, markings: StixMarkings): string {
  const tlp = tlpOfMarking(id)
  return tlp === undefined ? id : markingId(tlp, markings)
}
