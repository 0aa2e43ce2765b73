import type { FastifyRequest } from 'fastify'
import { actions } from '../../actions/index.ts'
import type { AmendSubscriptionInput, CreateSubscriptionInput } from '../../actions/subscriptions.ts'
import type { ReplayInput, RotateSecretInput } from '../../actions/webhook-upkeep.ts'
import type { Handler } from './handler.ts'

const idOf = (request: FastifyRequest) => ({ id: (request.params as { readonly subscription: string }).subscription })
const body = <T>(request: FastifyRequest) => (request.body ?? {}) as T

/** The doors of webhooks: each a verb, nothing decided here. */
export const subscriptions = {
  listSubscriptions: async (context, request) => ({
    items: await actions['list-subscriptions'](context, request.caller, undefined),
  }),
  createSubscription: async (context, request, reply) => {
    const made = await actions['create-subscription'](context, request.caller, body<CreateSubscriptionInput>(request))
    return reply.status(201).send(made)
  },
  readSubscription: (context, request) => actions['read-subscription'](context, request.caller, idOf(request)),
  amendSubscription: (context, request) =>
    actions['amend-subscription'](context, request.caller, {
      ...body<Omit<AmendSubscriptionInput, 'id'>>(request),
      ...idOf(request),
    }),
  removeSubscription: async (context, request, reply) => {
    await actions['remove-subscription'](context, request.caller, idOf(request))
    return reply.status(204).send()
  },
  rotateWebhookSecret: (context, request) =>
    actions['rotate-webhook-secret'](context, request.caller, {
      ...body<Omit<RotateSecretInput, 'id'>>(request),
      ...idOf(request),
    }),
  pingSubscription: (context, request) => actions['ping-subscription'](context, request.caller, idOf(request)),
  listDeadLetters: async (context, request) => ({
    items: await actions['list-dead-letters'](context, request.caller, idOf(request)),
  }),
  replayDeadLetters: (context, request) =>
    actions['replay-dead-letters'](context, request.caller, {
      ...body<Omit<ReplayInput, 'id'>>(request),
      ...idOf(request),
    }),
} as const satisfies Readonly<Record<string, Handler>>
