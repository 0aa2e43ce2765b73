import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AmendAccountInput, CreateAccountInput } from '../../actions/accounts.ts'
import type { AddAgreementInput } from '../../actions/agreements.ts'
import type { AddClientKeyInput } from '../../actions/client-keys.ts'
import type { CreateCommunityInput } from '../../actions/communities.ts'
import type { AddIdentityInput } from '../../actions/identities.ts'
import { actions } from '../../actions/index.ts'
import type { IssueKeyInput } from '../../actions/keys.ts'
import type { AmendOrganisationInput, EnrolInput } from '../../actions/organisations.ts'
import type { RotateInput } from '../../actions/signing-keys.ts'
import type { ConstituencyEntry } from '../../domain/organisation.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import type { JsonObject } from '../../formats/json-text.ts'
import type { Handler } from './handler.ts'

const of = (request: FastifyRequest) => request.params as Readonly<Record<string, string>>
const body = <T>(request: FastifyRequest) => request.body as T
const created = (reply: FastifyReply, value: unknown) => reply.status(201).send(value)

/** The directory's doors: each a verb, its input from path and body, nothing decided here. */
export const directory = {
  whoami: (context, request) => actions.whoami(context, request.caller, undefined),

  listOrganisations: async (context, request) => ({
    items: await actions['list-organisations'](context, request.caller, undefined),
  }),
  enrolOrganisation: async (context, request, reply) =>
    created(reply, await actions['enrol-organisation'](context, request.caller, body<EnrolInput>(request))),
  amendOrganisation: (context, request) =>
    actions['amend-organisation'](context, request.caller, {
      ...body<Omit<AmendOrganisationInput, 'id'>>(request),
      id: of(request).organisation ?? '',
    }),
  readConstituency: async (context, request) => ({
    entries: await actions['read-constituency'](context, request.caller, {
      organisation: of(request).organisation ?? '',
    }),
  }),
  setConstituency: async (context, request) => ({
    entries: await actions['set-constituency'](context, request.caller, {
      organisation: of(request).organisation ?? '',
      entries: body<{ entries: ConstituencyEntry[] }>(request).entries,
    }),
  }),

  listClients: async (context, request) => ({
    items: await actions['list-clients'](context, request.caller, undefined),
  }),
  addClient: (context, request) => actions['add-client'](context, request.caller, clientPair(request)),
  removeClient: async (context, request, reply) => {
    await actions['remove-client'](context, request.caller, clientPair(request))
    return reply.status(204).send()
  },

  listAccounts: async (context, request) => ({
    items: await actions['list-accounts'](context, request.caller, request.query as { organisation?: string }),
  }),
  createAccount: async (context, request, reply) =>
    created(reply, await actions['create-account'](context, request.caller, body<CreateAccountInput>(request))),
  amendAccount: (context, request) =>
    actions['amend-account'](context, request.caller, {
      ...body<Omit<AmendAccountInput, 'id'>>(request),
      id: of(request).account ?? '',
    }),

  listKeys: async (context, request) => ({
    items: await actions['list-keys'](context, request.caller, { id: of(request).account ?? '' }),
  }),
  issueKey: async (context, request, reply) =>
    created(
      reply,
      await actions['issue-key'](context, request.caller, {
        ...body<Omit<IssueKeyInput, 'id'>>(request),
        id: of(request).account ?? '',
      }),
    ),
  revokeKey: async (context, request, reply) => {
    await actions['revoke-key'](context, request.caller, { id: of(request).key ?? '' })
    return reply.status(204).send()
  },

  listCommunities: async (context, request) => ({
    items: await actions['list-communities'](context, request.caller, undefined),
  }),
  createCommunity: async (context, request, reply) =>
    created(reply, await actions['create-community'](context, request.caller, body<CreateCommunityInput>(request))),
  addMember: (context, request) => actions['add-member'](context, request.caller, membership(request)),
  removeMember: async (context, request, reply) => {
    await actions['remove-member'](context, request.caller, membership(request))
    return reply.status(204).send()
  },

  listAgreements: async (context, request) => ({
    items: await actions['list-agreements'](context, request.caller, undefined),
  }),
  addAgreement: async (context, request, reply) =>
    created(reply, await actions['add-agreement'](context, request.caller, body<AddAgreementInput>(request))),
  endAgreement: (context, request) =>
    actions['end-agreement'](context, request.caller, {
      ...(body<{ at?: string } | undefined>(request) ?? {}),
      id: of(request).agreement ?? '',
    }),

  listClientKeys: async (context, request) => ({
    items: await actions['list-client-keys'](context, request.caller, { id: of(request).account ?? '' }),
  }),
  addClientKey: async (context, request, reply) =>
    created(
      reply,
      await actions['add-client-key'](context, request.caller, {
        ...body<Omit<AddClientKeyInput, 'id'>>(request),
        id: of(request).account ?? '',
      }),
    ),
  removeClientKey: async (context, request, reply) => {
    await actions['remove-client-key'](context, request.caller, { id: of(request).key ?? '' })
    return reply.status(204).send()
  },

  listIdentities: async (context, request) => ({
    items: await actions['list-identities'](context, request.caller, { id: of(request).account ?? '' }),
  }),
  addIdentity: async (context, request, reply) =>
    created(
      reply,
      await actions['add-identity'](context, request.caller, {
        ...body<Omit<AddIdentityInput, 'id'>>(request),
        id: of(request).account ?? '',
      }),
    ),
  removeIdentity: async (context, request, reply) => {
    await actions['remove-identity'](context, request.caller, { id: of(request).identity ?? '' })
    return reply.status(204).send()
  },

  listHandlingProfiles: async (context, request) => ({
    items: await actions['list-handling-profiles'](context, request.caller, undefined),
  }),
  setHandlingProfile: (context, request) =>
    actions['set-handling-profile'](context, request.caller, {
      name: of(request).name ?? '',
      handling: handlingFromRecord(body<JsonObject>(request)),
    }),
  removeHandlingProfile: async (context, request, reply) => {
    await actions['remove-handling-profile'](context, request.caller, { name: of(request).name ?? '' })
    return reply.status(204).send()
  },

  rotateSigningKey: async (context, request, reply) =>
    created(
      reply,
      await actions['rotate-signing-key'](context, request.caller, body<RotateInput | undefined>(request) ?? {}),
    ),
} as const satisfies Record<string, Handler>

const clientPair = (request: FastifyRequest) => ({
  provider: of(request).organisation ?? '',
  client: of(request).client ?? '',
})

const membership = (request: FastifyRequest) => ({
  community: of(request).community ?? '',
  organisation: of(request).organisation ?? '',
})
