import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { Test } from 'tap'
import {
  beat,
  beginWork,
  type Context,
  letOthers,
  nextSending,
  settleSending,
  takeSubscriptions,
} from '../src/actions/index.ts'
import { startWebhooks, type WebhookOptions } from '../src/delivery/webhooks.ts'
import { type RetryPlan, retryPlan } from '../src/domain/webhook.ts'
import type { Item } from './follower.ts'
import type { Answer, TestNode } from './node.ts'

/** What an endpoint was sent. */
export interface Got {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies as they come
  readonly body: any
  readonly id: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  /** Answered only when this resolves. */
  readonly after?: Promise<unknown>
}

/** An endpoint of this machine: keeps what it is sent, and answers as it is told. */
export class Receiver {
  readonly got: Got[] = []
  /** 204 unless a test says otherwise. */
  reply: (got: Got, nth: number) => Reply = () => ({ status: 204 })
  url = ''
  #wake: (() => void)[] = []

  static async start(t: Test): Promise<Receiver> {
    const receiver = new Receiver()
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks).toString('utf8')
      const { headers, url: path = '' } = request
      const got = { path, headers, text, body: JSON.parse(text), id: String(headers['webhook-id']) }
      receiver.got.push(got)
      for (const wake of receiver.#wake.splice(0)) wake()
      const reply = receiver.reply(got, receiver.got.length)
      await reply.after
      response.writeHead(reply.status, reply.headers).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    return receiver
  }

  /** Waits until so many deliveries have come in all. */
  async until(count: number): Promise<readonly Got[]> {
    while (this.got.length < count) await this.#another(`${count} deliveries`)
    return this.got
  }

  /** Waits until so many changes have come in all, in whatever deliveries. */
  async untilTold(count: number): Promise<void> {
    while (this.items.length < count) await this.#another(`${count} changes`)
  }

  async #another(wanted: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${wanted} were waited for in vain`)), 60_000)
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Everything that was told, in order. */
  get items(): Item[] {
    return this.got.flatMap(({ body }) => (body.data.changes ?? []) as Item[])
  }
}

/** Whether the official library accepts it. */
export const verifies = (secret: string, { text, headers }: Got): boolean => {
  try {
    new Webhook(secret).verify(text, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

export const json = { 'content-type': 'application/json' }

/** Makes a webhook by the door; it begins at the beginning. @returns the answer's body, with id and secret */
export async function subscribe(node: TestNode, account: string, url: string, more: object = {}, purpose = 'defence') {
  const answer = await node.call(account, {
    method: 'POST',
    url: '/v1/subscriptions',
    headers: { ...json, 'puente-purpose': purpose },
    payload: JSON.stringify({ name: 'test', url, from: 'beginning', ...more }),
  })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body as { id: string; secret: string }
}

/** Starts the sender of a node; `wake` is the test's to call. */
export function sender(t: Test, context: Context, options: Partial<WebhookOptions> = {}) {
  let wake = () => {}
  const webhooks = startWebhooks(context, {
    wakes: (woken) => {
      wake = woken
      return () => {}
    },
    ...options,
  })
  t.teardown(() => webhooks.stop())
  return { wake: () => wake(), stop: () => webhooks.stop() }
}

/** Sends whatever is due until nothing is, one after the other: the sender without its clock. @returns how many attempts there were */
export async function sendAll(context: Context, plan: RetryPlan = retryPlan): Promise<number> {
  const id = randomUUID()
  let attempts = 0
  await beat(context, id)
  for (;;) {
    const taken = await takeSubscriptions(context, id, 100, [])
    if (taken.length === 0) return attempts
    for (const held of taken) {
      const work = await beginWork(context, held)
      const sending = work && (await nextSending(context, work))
      if (work === undefined || sending === undefined) continue
      attempts++
      const outcome = await context.wayOut.post(sending.url, sending.headers, sending.body)
      if (await settleSending(context, work, sending, outcome, plan, 0)) await letOthers(context, work)
    }
  }
}

/** What a new webhook of this account is sent from the beginning; it is removed again. @returns `made`: the door's answer */
export async function deliveredTo(
  node: TestNode,
  endpoint: Receiver,
  account: string,
  more: object = {},
  purpose = 'defence',
): Promise<{ readonly made: Answer; readonly got: readonly Got[]; readonly items: readonly Item[] }> {
  const before = endpoint.got.length
  const made = await node.call(account, {
    method: 'POST',
    url: '/v1/subscriptions',
    headers: { ...json, 'puente-purpose': purpose },
    payload: JSON.stringify({ name: 'test', url: endpoint.url, from: 'beginning', ...more }),
  })
  if (made.status !== 201) return { made, got: [], items: [] }
  await sendAll(node.context)
  const { body } = await node.call(account, { url: `/v1/subscriptions/${made.body.id}` })
  if (body.state !== 'active' || body.waiting > 0) throw new Error(`the webhook stands: ${JSON.stringify(body)}`)
  await node.call(account, { method: 'DELETE', url: `/v1/subscriptions/${made.body.id}` })
  const got = endpoint.got.slice(before)
  return { made, got, items: got.flatMap((each) => each.body.data.changes as Item[]) }
}
