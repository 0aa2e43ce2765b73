import type { ClientKey } from '../../actions/client-keys.ts'
import type { ClientPair } from '../../actions/clients.ts'
import type { MemberInput } from '../../actions/communities.ts'
import type { Identity } from '../../actions/identities.ts'
import { actions } from '../../actions/index.ts'
import type { ApiKey } from '../../actions/keys.ts'
import type { Account } from '../../domain/account.ts'
import type { Agreement } from '../../domain/agreement.ts'
import type { Community, ConstituencyEntry, Organisation } from '../../domain/organisation.ts'
import { type Asked, orNull, reading } from './asked.ts'
import { globalIdOf, localIdOf } from './global-id.ts'

/** The fields of `Query` about the directory. */
export const directoryQueries = {
  me: reading(({ context, caller }: Asked) => actions.whoami(context, caller, undefined)),
  organisations: reading(async ({ known }: Asked) => [...(await known.organisations()).values()]),
  organisation: reading(async ({ known }: Asked, { id }: { id: string }) =>
    (await known.organisations()).get(localIdOf('Organisation', id)),
  ),
  clients: reading(
    ({ context, caller }: Asked): Promise<ClientPair[]> => actions['list-clients'](context, caller, undefined),
  ),
  accounts: reading(
    ({ context, caller }: Asked, { organisation }: { organisation?: string }): Promise<Account[]> =>
      actions['list-accounts'](
        context,
        caller,
        organisation === undefined ? {} : { organisation: localIdOf('Organisation', organisation) },
      ),
  ),
  keys: reading(
    ({ context, caller }: Asked, { account }: { account: string }): Promise<ApiKey[] | null> =>
      orNull(actions['list-keys'](context, caller, { id: localIdOf('Account', account) })),
  ),
  clientKeys: reading(
    ({ context, caller }: Asked, { account }: { account: string }): Promise<ClientKey[] | null> =>
      orNull(actions['list-client-keys'](context, caller, { id: localIdOf('Account', account) })),
  ),
  identities: reading(
    ({ context, caller }: Asked, { account }: { account: string }): Promise<Identity[] | null> =>
      orNull(actions['list-identities'](context, caller, { id: localIdOf('Account', account) })),
  ),
  communities: reading(async ({ known }: Asked) => [...(await known.communities()).values()]),
  handlingProfiles: reading(({ context, caller }: Asked) =>
    actions['list-handling-profiles'](context, caller, undefined),
  ),
  agreements: reading(({ context, caller }: Asked) => actions['list-agreements'](context, caller, undefined)),
  constituency: reading(
    ({ context, caller }: Asked, { organisation }: { organisation: string }): Promise<ConstituencyEntry[] | null> =>
      orNull(actions['read-constituency'](context, caller, { organisation: localIdOf('Organisation', organisation) })),
  ),
}

/** An organisation as its parent has it: whole, or what an indicator tells of its originator. */
type Named = Pick<Organisation, 'id'> & Partial<Organisation>
type NamedCommunity = Pick<Community, 'id' | 'name'> & Partial<Community>

const organisationIn =
  <Parent>(slugOf: (parent: Parent) => string) =>
  async (parent: Parent, _args: object, { known }: Asked): Promise<Organisation | undefined> =>
    (await known.organisations()).get(slugOf(parent))

/** Fields of types that are not simply members of what the actions return. */
export const directoryTypes = {
  Organisation: {
    id: ({ id }: Named) => globalIdOf('Organisation', id),
    slug: ({ id }: Named) => id,
    kind: async ({ id, kind }: Named, _args: object, { known }: Asked) =>
      kind ?? (await known.organisations()).get(id)?.kind,
    disabled: async ({ id, disabled }: Named, _args: object, { known }: Asked) =>
      disabled ?? (await known.organisations()).get(id)?.disabled,
  },
  Account: {
    id: ({ id }: Account) => globalIdOf('Account', id),
    slug: ({ id }: Account) => id,
    organisation: organisationIn(({ organisation }: Account) => organisation),
  },
  Community: {
    id: ({ id }: NamedCommunity) => globalIdOf('Community', id),
    slug: ({ id }: NamedCommunity) => id,
    description: async ({ id, description }: NamedCommunity, _args: object, { known }: Asked) =>
      description ?? (await known.communities()).get(id)?.description,
    members: async ({ id, members }: NamedCommunity, _args: object, { known }: Asked) => {
      const organisations = await known.organisations()
      const ids = members ?? (await known.communities()).get(id)?.members
      return ids?.flatMap((member) => organisations.get(member) ?? [])
    },
  },
  Agreement: {
    id: ({ id }: Agreement) => globalIdOf('Agreement', id),
    slug: ({ id }: Agreement) => id,
  },
  Membership: {
    community: async ({ community }: MemberInput, _args: object, { known }: Asked) =>
      (await known.communities()).get(community),
    organisation: organisationIn(({ organisation }: MemberInput) => organisation),
  },
  ClientPair: {
    provider: organisationIn(({ provider }: ClientPair) => provider),
    client: organisationIn(({ client }: ClientPair) => client),
  },
}
