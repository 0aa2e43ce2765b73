import { actions } from '../../actions/index.ts'
import type { AmendSubscriptionInput, CreateSubscriptionInput } from '../../actions/subscriptions.ts'
import type { RotateSecretInput } from '../../actions/webhook-upkeep.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { searchFilter } from './filter.ts'

interface ById {
  readonly id: string
}
interface OfWebhook {
  readonly webhook: string
}

/** The fields of `Query` about webhooks. */
export const webhookQueries = {
  webhooks: reading(({ context, caller }: Asked) => actions['list-subscriptions'](context, caller, undefined)),
  webhook: reading(({ context, caller }: Asked, { id }: ById) =>
    orNull(actions['read-subscription'](context, caller, { id })),
  ),
  deadLetters: reading(({ context, caller }: Asked, { webhook }: OfWebhook) =>
    orNull(actions['list-dead-letters'](context, caller, { id: webhook })),
  ),
}

/** The fields of `Mutation` about webhooks: each a verb, nothing decided here. */
export const webhookMutations = {
  createWebhook: changing(async ({ context, caller }: Asked, { input }: { input: CreateSubscriptionInput }) => {
    const filter = searchFilter(input.filter ?? {})
    const { secret, ...webhook } = await actions['create-subscription'](context, caller, { ...input, filter })
    return { webhook, secret }
  }),
  amendWebhook: changing(({ context, caller }: Asked, input: AmendSubscriptionInput) =>
    actions['amend-subscription'](context, caller, input),
  ),
  removeWebhook: changing(async ({ context, caller }: Asked, { id }: ById) => {
    await actions['remove-subscription'](context, caller, { id })
    return id
  }),
  rotateWebhookSecret: changing(({ context, caller }: Asked, input: RotateSecretInput) =>
    actions['rotate-webhook-secret'](context, caller, input),
  ),
  pingWebhook: changing(({ context, caller }: Asked, { id }: ById) =>
    actions['ping-subscription'](context, caller, { id }),
  ),
  replayDeadLetters: changing(
    async ({ context, caller }: Asked, { webhook, letters }: OfWebhook & { readonly letters?: readonly string[] }) => {
      const input = { id: webhook, ...(letters === undefined ? {} : { letters }) }
      return (await actions['replay-dead-letters'](context, caller, input)).replayed
    },
  ),
}
