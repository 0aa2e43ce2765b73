import t, { type Test } from 'tap'
import { amberFor, greenOf, member, plant, recall, revise } from '../follower.ts'
import { type TestNode, testNode } from '../node.ts'
import { EventClient } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'
import { pairOf, register, tokenFor } from '../tokens.ts'

/**
 * The table of docs/changes.md: what each live door does for each change. Both doors stand open on one node, and whoever polls is told
 * the same. Policy changes come within a second; the bound here is wider, since tests share their machine.
 */

t.setTimeout(300_000)

const boundMs = 5_000

interface Doors {
  readonly node: TestNode
  readonly sse: EventClient
  readonly socket: Subscriber
  /** What an act brings at both doors and to who polls, in order. */
  brings(act: () => Promise<unknown>, expected: readonly string[], why: string): Promise<void>
  /** An act that ends both. */
  ends(act: () => Promise<unknown>, code: string, why: string): Promise<void>
}

async function doorsOf(
  t: Test,
  account = 'camila.csirt-cl',
  headers?: (node: TestNode) => Promise<Record<string, string>>,
) {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 3; n++) await plant(node, n, greenOf())
  const given = (await headers?.(node)) ?? node.as(account)
  const sse = await new EventClient(node, 'anonymous').open(given)
  const socket = await new Subscriber(node).open(given)
  await socket.init()
  socket.subscribe('a')
  let cursor = ''
  const poll = async (): Promise<string[]> => {
    const { body } = await node.call('anonymous', { url: `/v1/feed?limit=1000${cursor}`, headers: given })
    cursor = `&cursor=${body.cursor}`
    return body.items.map((item: { change: string; id: string }) => `${item.change} ${item.id.slice(-4)}`)
  }
  await sse.until(({ events }) => events.length === 3)
  await socket.until(({ told }) => told.length === 3)
  await poll()
  t.teardown(() => {
    sse.cut()
    socket.ws.terminate()
  })
  const doors: Doors = {
    node,
    sse,
    socket,
    brings: async (act, expected, why) => {
      const [before, other] = [sse.events.length, socket.told.length]
      await act()
      const began = performance.now()
      await sse.until(({ events }) => events.length >= before + expected.length, why, boundMs)
      await socket.until(({ told }) => told.length >= other + expected.length, why, boundMs)
      t.comment(`${why}: ${Math.round(performance.now() - began)} ms`)
      t.strictSame(sse.told.slice(before), expected, `SSE: ${why}`)
      t.strictSame(
        socket.told.slice(other).map((each) => each.toLowerCase()),
        expected,
        `GraphQL: ${why}`,
      )
      t.strictSame(await poll(), expected, `polled: ${why}`)
    },
    ends: async (act, code, why) => {
      const last = sse.lastId
      await act()
      await sse.until(({ closed }) => closed, why, boundMs)
      await socket.until(({ closed }) => closed !== undefined, why, boundMs)
      t.equal(sse.told.at(-1), `end ${code}`, `SSE: ${why}`)
      t.equal(sse.events.at(-1)?.data.cursor, last, 'with the cursor of what was given last')
      t.strictSame(socket.codes('a'), [code], `GraphQL: ${why}`)
      t.strictSame(socket.closed, { code: 4403, reason: code })
      t.equal(
        socket.messages.find(({ payload }) => payload?.errors)?.payload.errors[0].extensions.cursor,
        socket.cursor,
      )
    },
  }
  return doors
}

t.test('what its originator does: revise, narrow, widen, recall', async (t) => {
  const { node, brings } = await doorsOf(t)
  await brings(() => revise(node, 1, { confidence: 10 }), ['revised 0001'], 'revised')
  await brings(
    () => revise(node, 1, { tlp: 'amber', audience: ['community:lac-csirts'] }),
    ['narrowed 0001'],
    'narrowed, and still seen',
  )
  await brings(
    () => revise(node, 2, { tlp: 'amber', audience: ['csirt-ar'] }),
    ['withdrawn 0002'],
    'narrowed out of sight',
  )
  await brings(() => revise(node, 2, { tlp: 'green' }), ['published 0002'], 'widened')
  await brings(() => recall(node, 3), ['recalled 0003'], 'recalled')
})

t.test('what communities and audiences do: leaving and joining', async (t) => {
  const { node, brings } = await doorsOf(t)
  await brings(() => plant(node, 4, amberFor('lac-csirts')), ['published 0004'], 'published to the community')
  await brings(() => member(node, 'DELETE', 'csirt-cl'), ['withdrawn 0004'], 'left the community')
  await brings(() => member(node, 'PUT', 'csirt-cl'), ['published 0004'], 'joined it')
})

t.test('what time does: expiry, and an agreement that begins and ends', async (t) => {
  const { node, brings } = await doorsOf(t, 'sofia.csirt-ar')
  const expiresAt = '2026-06-01T01:00:00.000Z'
  await brings(() => plant(node, 4, greenOf({ expiresAt })), ['published 0004'], 'that expires')
  await brings(async () => node.at('2026-06-01T01:00:00.000Z'), ['withdrawn 0004'], 'expired')
  // Between Argentina and Mexico there is none.
  await node.plant(
    greenOf({ originator: 'cert-mx', tlp: 'amber', organisations: ['csirt-ar'] }),
    { type: 'ipv6-address', value: '2001:db8::99' },
    { id: 'indicator--00000000-0000-4000-8000-000000000099' },
  )
  const add = (id: string, validFrom: string, validTo?: string) =>
    node.call('policy.lacnic', {
      method: 'POST',
      url: '/v1/agreements',
      payload: {
        ...{ id, name: 'x', parties: ['AR', 'MX'], maxTlp: 'amber', purposes: ['defence'], personalData: false },
        ...{ validFrom, citation: 'x', example: true },
        ...(validTo === undefined ? {} : { validTo }),
      },
    })
  await add('ar-mx', '2026-06-01T02:00:00.000Z', '2026-06-01T03:00:00.000Z')
  await brings(async () => node.at('2026-06-01T02:00:00.000Z'), ['published 0099'], 'the agreement begins')
  await brings(async () => node.at('2026-06-01T03:00:00.000Z'), ['withdrawn 0099'], 'the agreement ends')
  await brings(() => add('ar-mx-2', '2026-06-01T00:00:00.000Z'), ['published 0099'], 'an agreement is made')
  const end = () => node.call('policy.lacnic', { method: 'POST', url: '/v1/agreements/ar-mx-2/end', payload: {} })
  await brings(end, ['withdrawn 0099'], 'and ended')
})

t.test('a disabled account, or organisation, is shown out', async (t) => {
  const { node, ends } = await doorsOf(t)
  const disable = () =>
    node.call('marta.lacnic', { method: 'PATCH', url: '/v1/accounts/camila.csirt-cl', payload: { disabled: true } })
  await ends(disable, 'credentials_invalid', 'account disabled')
  const other = await doorsOf(t)
  const whole = () =>
    other.node.call('marta.lacnic', { method: 'PATCH', url: '/v1/organisations/csirt-cl', payload: { disabled: true } })
  await other.ends(whole, 'credentials_invalid', 'organisation disabled')
})

t.test('a revoked key is shown out', async (t) => {
  const { node, ends } = await doorsOf(t)
  const { rows } = await node.context.database.client.query<{ id: string }>(
    "select id from api_key where account = 'camila.csirt-cl'",
  )
  const revoke = () => node.call('marta.lacnic', { method: 'DELETE', url: `/v1/keys/${rows[0]?.id}` })
  await ends(revoke, 'credentials_invalid', 'key revoked')
})

const token = async (node: TestNode): Promise<Record<string, string>> => {
  const pair = await pairOf()
  await register(node, 'camila.csirt-cl', pair)
  return { authorization: `Bearer ${await tokenFor(node, 'camila.csirt-cl', pair)}` }
}

t.test('a token that ends is shown out, though nothing changed', async (t) => {
  const { node, ends } = await doorsOf(t, 'camila.csirt-cl', token)
  await ends(async () => node.at('2026-06-01T00:10:00.000Z'), 'credentials_invalid', 'token ended')
})

t.test('a token that is revoked is shown out', async (t) => {
  let revoke: (() => Promise<unknown>) | undefined
  const { ends } = await doorsOf(t, 'camila.csirt-cl', async (node) => {
    const headers = await token(node)
    revoke = async () => {
      const secret = String(headers.authorization).slice(7)
      const { jti } = JSON.parse(Buffer.from(secret.split('.')[1] ?? '', 'base64url').toString())
      await node.context.database.client.query(
        "insert into revoked_token (jti, client, expires_at) values ($1, 'camila.csirt-cl', now() + interval '1 day')",
        [jti],
      )
    }
    return headers
  })
  await ends(async () => revoke?.(), 'credentials_invalid', 'token revoked')
})
