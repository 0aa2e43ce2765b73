import type { Role } from '../../domain/account.ts'
import type { Agreement } from '../../domain/agreement.ts'
import type { ConstituencyEntry, OrganisationKind } from '../../domain/organisation.ts'

/** An organisation of the demo. They carry the names of real teams so that the map is familiar; all they do here is invented. */
export interface CastOrganisation {
  readonly id: string
  readonly name: string
  readonly kind: OrganisationKind
  /** ISO 3166-1 alpha-2. */
  readonly jurisdiction: string
  /** Networks and names from documentation ranges (RFC 5737, RFC 3849, RFC 5398, RFC 2606), and its country. */
  readonly constituency: readonly ConstituencyEntry[]
}

export interface CastAccount {
  readonly id: string
  readonly name: string
  readonly organisation: string
  readonly roles: readonly Role[]
}

/** Who operates the node. */
export const operator: CastOrganisation = {
  id: 'lacnic',
  name: 'LACNIC',
  kind: 'rir',
  jurisdiction: 'UY',
  constituency: [{ kind: 'country', value: 'UY' }],
}

export const organisations: readonly CastOrganisation[] = [
  {
    id: 'cert-br',
    name: 'CERT.br',
    kind: 'national-cert',
    jurisdiction: 'BR',
    constituency: [
      { kind: 'country', value: 'BR' },
      { kind: 'asn', value: '64496' },
      { kind: 'prefix', value: '192.0.2.0/25' },
    ],
  },
  {
    id: 'csirt-cl',
    name: 'CSIRT Chile',
    kind: 'national-cert',
    jurisdiction: 'CL',
    constituency: [
      { kind: 'country', value: 'CL' },
      { kind: 'asn', value: '64497' },
      { kind: 'prefix', value: '198.51.100.0/24' },
    ],
  },
  {
    id: 'colcert',
    name: 'colCERT',
    kind: 'national-cert',
    jurisdiction: 'CO',
    constituency: [
      { kind: 'country', value: 'CO' },
      { kind: 'asn', value: '64498' },
    ],
  },
  {
    id: 'cert-mx',
    name: 'CERT-MX',
    kind: 'national-cert',
    jurisdiction: 'MX',
    constituency: [
      { kind: 'country', value: 'MX' },
      { kind: 'asn', value: '64499' },
    ],
  },
  {
    id: 'csirt-ar',
    name: 'CSIRT Argentina',
    kind: 'national-cert',
    jurisdiction: 'AR',
    constituency: [
      { kind: 'country', value: 'AR' },
      { kind: 'prefix', value: '2001:db8:54::/48' },
    ],
  },
  {
    id: 'red-andina',
    name: 'ISP Red Andina',
    kind: 'isp',
    jurisdiction: 'CL',
    constituency: [
      { kind: 'asn', value: '64500' },
      { kind: 'prefix', value: '198.51.100.128/25' },
      { kind: 'domain', value: 'red-andina.example' },
    ],
  },
  { id: 'observa', name: 'Observa Threat Research', kind: 'vendor', jurisdiction: 'US', constituency: [] },
  {
    id: 'policia-cl',
    name: 'Brigada del Cibercrimen',
    kind: 'law-enforcement',
    jurisdiction: 'CL',
    constituency: [],
  },
]

/** The operator's two offices come from the set-up: `admin.lacnic` and `policy.lacnic`. */
export const accounts: readonly CastAccount[] = [
  { id: 'lucia.lacnic', name: 'Lucía', organisation: 'lacnic', roles: ['reader', 'publisher'] },
  { id: 'ana.cert-br', name: 'Ana', organisation: 'cert-br', roles: ['reader', 'publisher'] },
  { id: 'bruno.cert-br', name: 'Bruno', organisation: 'cert-br', roles: ['reader'] },
  { id: 'catalina.csirt-cl', name: 'Catalina', organisation: 'csirt-cl', roles: ['reader', 'publisher'] },
  { id: 'diego.csirt-cl', name: 'Diego', organisation: 'csirt-cl', roles: ['reader', 'approver'] },
  { id: 'camilo.colcert', name: 'Camilo', organisation: 'colcert', roles: ['reader', 'publisher'] },
  { id: 'ximena.cert-mx', name: 'Ximena', organisation: 'cert-mx', roles: ['reader', 'publisher'] },
  { id: 'martin.csirt-ar', name: 'Martín', organisation: 'csirt-ar', roles: ['reader', 'publisher'] },
  { id: 'rosa.red-andina', name: 'Rosa', organisation: 'red-andina', roles: ['reader'] },
  { id: 'olivia.observa', name: 'Olivia', organisation: 'observa', roles: ['reader', 'publisher'] },
  { id: 'paula.policia-cl', name: 'Paula', organisation: 'policia-cl', roles: ['liaison'] },
]

export const clients: readonly { readonly provider: string; readonly client: string }[] = [
  { provider: 'csirt-cl', client: 'red-andina' },
]

export interface CastCommunity {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly nodeCommunity?: true
  readonly members: readonly string[]
}

export const communities: readonly CastCommunity[] = [
  {
    id: 'node-lac',
    name: 'Members of this node',
    description:
      "The node's own community: the police unit in it may read TLP:GREEN that its originator lets police have.",
    nodeCommunity: true,
    members: ['lacnic', 'cert-br', 'csirt-cl', 'colcert', 'cert-mx', 'csirt-ar', 'red-andina', 'policia-cl'],
  },
  {
    id: 'lac-csirts',
    name: 'National CSIRTs of the region',
    description: 'National teams and the registry.',
    members: ['lacnic', 'cert-br', 'csirt-cl', 'colcert', 'cert-mx', 'csirt-ar'],
  },
  {
    id: 'banking-fraud',
    name: 'Fraud against banks',
    description: 'Those who follow banking trojans; sources may stay anonymous in it.',
    members: ['cert-br', 'csirt-cl', 'csirt-ar', 'colcert'],
  },
]

/** Invented, every one: no claim about any state. `validFrom` lies before every run of the demo. */
export const agreements: readonly Agreement[] = [
  {
    id: 'example-regional',
    name: 'Example regional CSIRT accord (invented for the demo)',
    parties: ['AR', 'BR', 'CL', 'CO', 'UY'],
    maxTlp: 'amber+strict',
    purposes: ['defence', 'research'],
    personalData: false,
    validFrom: '2025-01-01T00:00:00.000Z',
    citation: 'Example citation 1/2025 (invented for the demo)',
    example: true,
  },
  {
    id: 'example-br-cl',
    name: 'Example memorandum Brazil–Chile on personal data (invented for the demo)',
    parties: ['BR', 'CL'],
    maxTlp: 'red',
    purposes: ['defence', 'law-enforcement'],
    personalData: true,
    validFrom: '2025-03-01T00:00:00.000Z',
    citation: 'Example citation 2/2025 (invented for the demo)',
    example: true,
  },
  {
    id: 'example-observatory',
    name: 'Example observatory understanding, up to GREEN (invented for the demo)',
    parties: ['AR', 'BR', 'CL', 'CO', 'MX', 'US', 'UY'],
    maxTlp: 'green',
    purposes: ['defence', 'research'],
    personalData: false,
    validFrom: '2025-01-01T00:00:00.000Z',
    citation: 'Example citation 3/2025 (invented for the demo)',
    example: true,
  },
]
