import { markingFor, markingId, type StixMarkings } from '../domain/stix-markings.ts'
import { type Tlp, tlpLabel, tlpOfMarking } from '../domain/tlp.ts'
import { membersOf, objectText } from './json-members.ts'

/** The extension by which STIX 2.1 carries TLP 2.0 (OASIS cti-stix-common-objects, `tlp-2.0`). */
export const tlp2Extension = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'

/**
 * The marking-definition object of a label, member for member as it is published: TLP 2.0's by OASIS, TLP 1's in STIX 2.1
 * §7.2.1.4, AMBER+STRICT as OpenCTI writes it; JSON text.
 */
export function markingDefinition(tlp: Tlp, markings: StixMarkings = 'tlp2'): string {
  const id = markingId(tlp, markings)
  const head = { type: 'marking-definition', spec_version: '2.1', id }
  if (markings === 'tlp2') {
    const extensions = { [tlp2Extension]: { extension_type: 'property-extension', tlp_2_0: tlp } }
    return JSON.stringify({ ...head, created: '2022-10-01T00:00:00.000Z', name: tlpLabel(tlp), extensions })
  }
  const created = '2017-01-20T00:00:00.000Z'
  const meant = tlpOfMarking(id)
  if (meant === 'amber+strict') {
    return JSON.stringify({
      ...{ ...head, created, name: tlpLabel(meant), definition_type: 'statement', definition: { statement: 'custom' } },
      ...{ x_opencti_definition_type: 'TLP', x_opencti_definition: tlpLabel(meant) },
    })
  }
  const word = meant === undefined || meant === 'clear' ? 'white' : meant
  return JSON.stringify({
    ...{ ...head, created, definition_type: 'tlp', name: `TLP:${word.toUpperCase()}`, definition: { tlp: word } },
  })
}

/** An object text as a client of this profile is given it: its label under another id, all else as it was. */
export function markedFor(stix: string, markings: StixMarkings = 'tlp2'): string {
  if (markings === 'tlp2') return stix
  const members = membersOf(stix)
  const refs: unknown = JSON.parse(members.get('object_marking_refs') ?? '[]')
  if (!Array.isArray(refs) || refs.length === 0) return stix
  members.set('object_marking_refs', JSON.stringify(refs.map((id) => markingFor(String(id), markings))))
  return objectText(members)
}
