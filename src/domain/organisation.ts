import type { Jurisdiction } from './jurisdiction.ts'

export const organisationKinds = [
  'rir',
  'national-cert',
  'sector-cert',
  'isp',
  'vendor',
  'research',
  'law-enforcement',
] as const
export type OrganisationKind = (typeof organisationKinds)[number]

/** A party: one kind, one jurisdiction, one home node. */
export interface Organisation {
  /** A slug such as `cert-br`, chosen at enrolment and never reused. */
  readonly id: string
  readonly name: string
  readonly kind: OrganisationKind
  readonly jurisdiction: Jurisdiction
  readonly disabled: boolean
}

/** A named set of organisations that share. Known to its members only. */
export interface Community {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly members: readonly string[]
}

export const constituencyKinds = ['asn', 'prefix', 'country', 'domain'] as const
export type ConstituencyKind = (typeof constituencyKinds)[number]

/** One ASN, prefix, country or domain suffix an organisation answers for. */
export interface ConstituencyEntry {
  readonly kind: ConstituencyKind
  readonly value: string
}
