import { markingOfTlp, type Tlp, tlpLabel } from '../domain/tlp.ts'

/** The extension by which STIX 2.1 carries TLP 2.0 (OASIS cti-stix-common-objects, `tlp-2.0`). */
export const tlp2Extension = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'

/** The marking-definition object of a TLP 2.0 label, member for member as OASIS publishes it; JSON text. */
export const markingDefinition = (tlp: Tlp): string =>
  JSON.stringify({
    type: 'marking-definition',
    spec_version: '2.1',
    id: markingOfTlp[tlp],
    created: '2022-10-01T00:00:00.000Z',
    name: tlpLabel(tlp),
    extensions: { [tlp2Extension]: { extension_type: 'property-extension', tlp_2_0: tlp } },
  })
