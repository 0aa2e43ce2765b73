import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openSecret } from '../../src/auth/webhook-secrets.ts'
import { testNode } from '../node.ts'
import { json, subscribe } from '../webhooks.ts'

t.test('of two rotations at once the second replaces what the first made', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const { database, node: own } = node.context
  const account = 'camila.csirt-cl'
  const { id } = await subscribe(node, account, 'http://127.0.0.1:9/')
  const rotate = () =>
    node.call(account, { method: 'POST', url: `/v1/subscriptions/${id}/secret`, headers: json, payload: '{}' })
  // Neither can write before both have read what they may.
  const answers = await database.transaction(async ({ client }) => {
    await client.query('select from webhook_subscription where id = $1 for update', [id])
    const both = [rotate(), rotate()]
    await sleep(300)
    return both
  })
  const secrets = (await Promise.all(answers)).map(({ status, body }) => {
    t.equal(status, 200)
    return body.secret
  })
  const { rows } = await database.client.query<{ secret: Buffer; old_secret: Buffer }>(
    'select secret, old_secret from webhook_subscription where id = $1',
    [id],
  )
  const kept = rows.flatMap(({ secret, old_secret: old }) =>
    [secret, old].map((each) => openSecret(own.idKey, id, each)),
  )
  t.strictSame(kept.sort(), secrets.sort(), 'both are good, and the one before them is not')
})
