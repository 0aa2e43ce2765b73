import type { Role } from './account.ts'
import type { Agreement } from './agreement.ts'
import type { Jurisdiction } from './jurisdiction.ts'
import type { OrganisationKind } from './organisation.ts'

/**
 * An approved legal request, as the policy sees it. `originators` are the organisations whose indicators it covers;
 * an empty list covers nothing (fail closed).
 */
export interface LegalGrant {
  readonly request: string
  readonly originators: readonly string[]
  /** ISO 8601. */
  readonly approvedAt: string
  readonly expiresAt: string
}

/** Who asks, with everything the directory knows that a rule may need. `account` is absent for the anonymous public. */
export interface Reader {
  readonly account?: string
  readonly roles: readonly Role[]
  /** Absent for the anonymous public. */
  readonly organisation?: {
    readonly id: string
    readonly kind: OrganisationKind
    readonly jurisdiction: Jurisdiction
  }
  /** Ids of the communities the reader's organisation belongs to. */
  readonly communities: readonly string[]
  /** Ids of the organisations whose client the reader's organisation is, with the communities of each. */
  readonly providers: readonly { readonly id: string; readonly communities: readonly string[] }[]
  /** True when the node's own community declares the reader's organisation a member (TLP:GREEN for law enforcement). */
  readonly greenMember: boolean
  readonly grants: readonly LegalGrant[]
}

/** The facts that are not the reader's own: what binds jurisdictions, and where originators are. */
export interface World {
  readonly agreements: readonly Agreement[]
  /** Organisation id → jurisdiction. An originator that is not in it is unknown: refuse. */
  readonly jurisdictions: ReadonlyMap<string, Jurisdiction>
}

export const anonymous: Reader = {
  roles: [],
  communities: [],
  providers: [],
  greenMember: false,
  grants: [],
}
