import type { FastifyRequest } from 'fastify'
import type { RotateNodeKeyInput } from '../../actions/federation-keys.ts'
import { actions, describeNode } from '../../actions/index.ts'
import type { PinPeerKeyInput, RevokePeerKeyInput } from '../../actions/peer-pins.ts'
import type { AddPeerInput, AmendPeerInput } from '../../actions/peers.ts'
import type { QuarantineInput } from '../../actions/quarantine.ts'
import type { Handler } from './handler.ts'

const of = (request: FastifyRequest) => request.params as Readonly<Record<string, string>>
const body = <T>(request: FastifyRequest) => request.body as T

/** The doors of the directory of peers: other nodes, as they were enrolled here by hand. */
export const peers = {
  describeNode: async (context, _request, reply) => {
    reply.header('cache-control', 'no-store')
    return await describeNode(context)
  },
  listPeers: async (context, request) => ({
    items: await actions['list-peers'](context, request.caller, undefined),
  }),
  addPeer: async (context, request, reply) =>
    reply.status(201).send(await actions['add-peer'](context, request.caller, body<AddPeerInput>(request))),
  amendPeer: (context, request) =>
    actions['amend-peer'](context, request.caller, {
      ...body<Omit<AmendPeerInput, 'id'>>(request),
      id: of(request).peer ?? '',
    }),
  readPeer: (context, request) => actions['read-peer'](context, request.caller, { id: of(request).peer ?? '' }),
  pullPeer: (context, request) => actions['pull-peer'](context, request.caller, { id: of(request).peer ?? '' }),
  listQuarantine: async (context, request) => ({
    items: await actions['list-quarantine'](context, request.caller, request.query as QuarantineInput),
  }),
  readQuarantined: (context, request) =>
    actions['read-quarantined'](context, request.caller, { id: of(request).item ?? '' }),
  releaseQuarantined: (context, request) =>
    actions['release-quarantined'](context, request.caller, { id: of(request).item ?? '' }),
  dropQuarantined: async (context, request, reply) => {
    await actions['drop-quarantined'](context, request.caller, { id: of(request).item ?? '' })
    return reply.status(204).send()
  },
  expelPeer: (context, request) => actions['expel-peer'](context, request.caller, { id: of(request).peer ?? '' }),
  pinPeerKey: (context, request) =>
    actions['pin-peer-key'](context, request.caller, {
      ...body<Omit<PinPeerKeyInput, 'id'>>(request),
      id: of(request).peer ?? '',
    }),
  revokePeerKey: (context, request) =>
    actions['revoke-peer-key'](context, request.caller, {
      ...(body<Pick<RevokePeerKeyInput, 'from'> | undefined>(request) ?? {}),
      id: of(request).peer ?? '',
      thumbprint: of(request).thumbprint ?? '',
    }),
  rotateNodeKey: async (context, request, reply) =>
    reply
      .status(201)
      .send(
        await actions['rotate-node-key'](context, request.caller, body<RotateNodeKeyInput | undefined>(request) ?? {}),
      ),
} as const satisfies Record<string, Handler>
