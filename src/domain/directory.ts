import type { Account } from './account.ts'
import type { Agreement } from './agreement.ts'
import type { Community, Organisation } from './organisation.ts'
import type { Peer } from './peer.ts'
import { anonymous, type LegalGrant, type Reader, type World } from './reader.ts'

/** Everything the directory knows that a decision may rest on, as of one policy epoch. */
export interface Directory {
  readonly epoch: bigint
  readonly operator: string | undefined
  /** The community whose law-enforcement members may read GREEN. */
  readonly greenCommunity: string | undefined
  readonly organisations: ReadonlyMap<string, Organisation>
  readonly accounts: ReadonlyMap<string, Account>
  readonly communities: ReadonlyMap<string, Community>
  /** Who serves whom. */
  readonly clients: readonly { readonly provider: string; readonly client: string }[]
  readonly agreements: readonly Agreement[]
  /** Account id → its approved legal requests, each of which serves where the account acts under it. */
  readonly grants: ReadonlyMap<string, readonly LegalGrant[]>
  /** Other nodes, by id. */
  readonly peers: ReadonlyMap<string, Peer>
}

/** The peer at which an organisation is at home; undefined when that is here. */
export const homeOf = ({ peers }: Directory, organisation: string): Peer | undefined =>
  [...peers.values()].find(({ organisations }) => organisations.includes(organisation))

export const worldOf = (directory: Directory): World => ({
  agreements: directory.agreements,
  jurisdictions: new Map([...directory.organisations.values()].map((each) => [each.id, each.jurisdiction])),
})

const communitiesOf = (directory: Directory, organisation: string): string[] =>
  [...directory.communities.values()]
    .filter((community) => community.members.includes(organisation))
    .map((community) => community.id)
    .sort()

/** The policy's view of an organisation without any particular account: what `explain` asks about. */
export function readerOfOrganisation(directory: Directory, id: string): Reader {
  const organisation = directory.organisations.get(id)
  if (organisation === undefined || organisation.disabled) return anonymous
  const communities = communitiesOf(directory, id)
  return {
    roles: ['reader'],
    organisation: { id, kind: organisation.kind, jurisdiction: organisation.jurisdiction },
    communities,
    providers: directory.clients
      .filter(({ client, provider }) => client === id && directory.organisations.get(provider)?.disabled === false)
      .map(({ provider }) => ({ id: provider, communities: communitiesOf(directory, provider) })),
    greenMember: directory.greenCommunity !== undefined && communities.includes(directory.greenCommunity),
    grants: [],
  }
}

/** The policy's view of an account; undefined when it or its organisation is disabled, unknown or at home elsewhere. */
export function readerOfAccount(directory: Directory, id: string): Reader | undefined {
  const account = directory.accounts.get(id)
  if (account === undefined || account.disabled) return undefined
  // An organisation speaks at one node: two would give its indicators two histories.
  if (homeOf(directory, account.organisation) !== undefined) return undefined
  const reader = readerOfOrganisation(directory, account.organisation)
  if (reader.organisation === undefined) return undefined
  return { ...reader, account: id, roles: account.roles }
}

/**
 * The policy's view of a liaison that acts under one of its legal requests. Nowhere else does a request give anything: what is read
 * otherwise would not keep to its scope (ADR 28).
 */
export const readerUnder = (directory: Directory, reader: Reader, request: string): Reader => ({
  ...reader,
  grants: (directory.grants.get(reader.account ?? '') ?? []).filter((each) => each.request === request),
})
