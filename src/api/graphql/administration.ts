import type { AmendAccountInput, CreateAccountInput } from '../../actions/accounts.ts'
import type { AddAgreementInput, EndAgreementInput } from '../../actions/agreements.ts'
import type { AddClientKeyInput } from '../../actions/client-keys.ts'
import type { ClientPair } from '../../actions/clients.ts'
import type { CreateCommunityInput, MemberInput } from '../../actions/communities.ts'
import type { AddIdentityInput } from '../../actions/identities.ts'
import { actions } from '../../actions/index.ts'
import type { IssueKeyInput } from '../../actions/keys.ts'
import type { AmendOrganisationInput, EnrolInput } from '../../actions/organisations.ts'
import type { RotateInput } from '../../actions/signing-keys.ts'
import type { HandlingInput } from '../../domain/handling.ts'
import type { ConstituencyEntry } from '../../domain/organisation.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { type Asked, changing } from './asked.ts'
import { localIdOf } from './global-id.ts'

interface ConstituencyArgs {
  readonly organisation: string
  readonly entries: readonly ConstituencyEntry[]
}

/** The fields of `Mutation` about the directory: each a verb, nothing decided here. */
export const directoryMutations = {
  enrolOrganisation: changing(({ context, caller }: Asked, { input }: { input: EnrolInput }) =>
    actions['enrol-organisation'](context, caller, input),
  ),
  amendOrganisation: changing(({ context, caller }: Asked, input: AmendOrganisationInput) =>
    actions['amend-organisation'](context, caller, { ...input, id: localIdOf('Organisation', input.id) }),
  ),
  setConstituency: changing(({ context, caller }: Asked, { organisation, entries }: ConstituencyArgs) =>
    actions['set-constituency'](context, caller, { organisation: localIdOf('Organisation', organisation), entries }),
  ),
  addClient: changing(({ context, caller }: Asked, pair: ClientPair) =>
    actions['add-client'](context, caller, localPair(pair)),
  ),
  removeClient: changing(async ({ context, caller }: Asked, pair: ClientPair) => {
    await actions['remove-client'](context, caller, localPair(pair))
    return localPair(pair)
  }),
  createAccount: changing(({ context, caller }: Asked, { input }: { input: CreateAccountInput }) =>
    actions['create-account'](context, caller, {
      ...input,
      organisation: localIdOf('Organisation', input.organisation),
    }),
  ),
  amendAccount: changing(({ context, caller }: Asked, input: AmendAccountInput) =>
    actions['amend-account'](context, caller, { ...input, id: localIdOf('Account', input.id) }),
  ),
  issueKey: changing(async ({ context, caller }: Asked, { account, ...input }: IssueKeyArgs) => {
    const id = localIdOf('Account', account)
    const { secret, ...key } = await actions['issue-key'](context, caller, { ...input, id })
    return { key, secret }
  }),
  revokeKey: changing(async ({ context, caller }: Asked, { id }: { id: string }) => {
    await actions['revoke-key'](context, caller, { id })
    return id
  }),
  addClientKey: changing(({ context, caller }: Asked, { account, ...input }: OfAccount<AddClientKeyInput>) =>
    actions['add-client-key'](context, caller, { ...input, id: localIdOf('Account', account) }),
  ),
  removeClientKey: changing(async ({ context, caller }: Asked, { id }: { id: string }) => {
    await actions['remove-client-key'](context, caller, { id })
    return id
  }),
  addIdentity: changing(({ context, caller }: Asked, { account, ...input }: OfAccount<AddIdentityInput>) =>
    actions['add-identity'](context, caller, { ...input, id: localIdOf('Account', account) }),
  ),
  removeIdentity: changing(async ({ context, caller }: Asked, { id }: { id: string }) => {
    await actions['remove-identity'](context, caller, { id })
    return id
  }),
  setHandlingProfile: changing(({ context, caller }: Asked, { name, handling }: ProfileArgs) =>
    actions['set-handling-profile'](context, caller, {
      name,
      handling: handlingFromRecord({ ...handling }, '/handling'),
    }),
  ),
  removeHandlingProfile: changing(async ({ context, caller }: Asked, { name }: { name: string }) => {
    await actions['remove-handling-profile'](context, caller, { name })
    return name
  }),
  rotateSigningKey: changing(({ context, caller }: Asked, input: RotateInput) =>
    actions['rotate-signing-key'](context, caller, input),
  ),
  createCommunity: changing(({ context, caller }: Asked, { input }: { input: CreateCommunityInput }) =>
    actions['create-community'](context, caller, input),
  ),
  addMember: changing(({ context, caller }: Asked, input: MemberInput) =>
    actions['add-member'](context, caller, localMember(input)),
  ),
  removeMember: changing(async ({ context, caller }: Asked, input: MemberInput) => {
    await actions['remove-member'](context, caller, localMember(input))
    return localMember(input)
  }),
  addAgreement: changing(({ context, caller }: Asked, { input }: { input: AddAgreementInput }) =>
    actions['add-agreement'](context, caller, input),
  ),
  endAgreement: changing(({ context, caller }: Asked, input: EndAgreementInput) =>
    actions['end-agreement'](context, caller, { ...input, id: localIdOf('Agreement', input.id) }),
  ),
}

interface ProfileArgs {
  readonly name: string
  readonly handling: HandlingInput
}

type OfAccount<Input> = Omit<Input, 'id'> & { readonly account: string }
type IssueKeyArgs = OfAccount<IssueKeyInput>

const localPair = ({ provider, client }: ClientPair): ClientPair => ({
  provider: localIdOf('Organisation', provider),
  client: localIdOf('Organisation', client),
})

const localMember = ({ community, organisation }: MemberInput): MemberInput => ({
  community: localIdOf('Community', community),
  organisation: localIdOf('Organisation', organisation),
})
