import { randomUUID } from 'node:crypto'
import {
  beat,
  beginWork,
  type Context,
  type Held,
  letOthers,
  nextSending,
  settleSending,
  stopSending,
  takeSubscriptions,
} from '../actions/index.ts'
import { limits } from '../domain/limits.ts'
import { type RetryPlan, retryPlan } from '../domain/webhook.ts'

/** Tells `wake` that there may be something new, as soon as it can. @returns stops telling */
export type WakeSource = (wake: () => void) => () => void

export interface WebhookOptions {
  readonly wakes: WakeSource
  /** How endpoints are tried again; as Standard Webhooks recommends when absent. */
  readonly plan?: RetryPlan
}

export interface Webhooks {
  /** Begins nothing more, waits for what is under way, and lets other processes go on at once. */
  stop(): Promise<void>
}

/** What is due by the clock is looked for so often, whatever wakes. */
const lookMs = 1_000
/** Three may be lost before others believe that this process is dead. */
const beatMs = limits.webhookLeaseMs / 4

/**
 * Sends what changed to the endpoints of subscriptions. Each is worked on by one process at a time and gets one delivery after the
 * other; many are under way side by side, so that a slow one delays nobody.
 */
export function startWebhooks(context: Context, { wakes, plan = retryPlan }: WebhookOptions): Webhooks {
  const sender = randomUUID()
  const working = new Map<string, Promise<void>>()
  let looking: Promise<void> | undefined
  let again = false
  let stopping = false

  const wake = (): void => {
    if (stopping) return
    again = true
    looking ??= look()
      .catch((error: unknown) => context.log.warn({ error }, 'webhooks could not be looked for'))
      .finally(() => {
        looking = undefined
        if (again) wake()
      })
  }

  /** Takes what is due until there is no more, or no room. */
  async function look(): Promise<void> {
    while (again && !stopping) {
      again = false
      const room = limits.webhookSendsAtOnce - working.size
      if (room === 0) return
      const taken = await takeSubscriptions(context, sender, room, [...working.keys()])
      for (const held of taken) {
        const work = serve(context, held, plan, () => stopping)
          .catch((error: unknown) => context.log.error({ error, subscription: held.id }, 'a webhook could not be sent'))
          .finally(() => {
            working.delete(held.id)
            // There is room now, and its account may have others.
            wake()
          })
        working.set(held.id, work)
      }
    }
  }

  const pulse = () =>
    beat(context, sender).catch((error: unknown) => context.log.warn({ error }, 'webhooks: not known to be alive'))
  const timers = [setInterval(wake, lookMs), setInterval(() => void pulse(), beatMs)]
  for (const timer of timers) timer.unref()
  const unwake = wakes(wake)
  // Before it is known to be alive it holds nothing.
  void pulse().then(wake)

  return {
    stop: async () => {
      stopping = true
      for (const timer of timers) clearInterval(timer)
      unwake()
      await looking
      await Promise.all(working.values())
      await stopSending(context, sender).catch((error: unknown) =>
        context.log.warn({ error }, 'webhooks: other processes go on in a few seconds'),
      )
    },
  }
}

/** One endpoint: delivery after delivery, until there is no more or others have waited long enough. */
async function serve(context: Context, held: Held, plan: RetryPlan, isStopping: () => boolean): Promise<void> {
  const work = await beginWork(context, held)
  if (work === undefined) return
  const began = performance.now()
  const isItsTurn = (n: number) => n < limits.webhookSendsInARow && performance.now() - began < limits.webhookTurnMs
  for (let n = 0; isItsTurn(n) && !isStopping(); n++) {
    const sending = await nextSending(context, work)
    if (sending === undefined) return
    const outcome = await context.wayOut.post(sending.url, sending.headers, sending.body)
    if (!(await settleSending(context, work, sending, outcome, plan, Math.random()))) return
  }
  await letOthers(context, held)
}

/** Longest that a wait for something heard lasts before it is begun again. */
const waitMs = 60_000

/** Wakes when this process has heard that the feed grew or the policy moved. */
export const whatIsHeard =
  ({ wake: heard }: Pick<Context, 'wake'>): WakeSource =>
  (wake) => {
    const over = new AbortController()
    const listen = async () => {
      for (let { turn } = heard; !over.signal.aborted; { turn } = heard) {
        if (await heard.after(turn, waitMs, over.signal)) wake()
      }
    }
    void listen()
    return () => over.abort()
  }
