import t from 'tap'
import { openSecret } from '../../src/auth/webhook-secrets.ts'
import { testNode } from '../node.ts'
import { json, subscribe } from '../webhooks.ts'

t.test('rotations at once come one after the other: the secret before the last is one of theirs', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const account = 'camila.csirt-cl'
  const { id, secret: original } = await subscribe(node, account, 'http://127.0.0.1:9/')
  const rotate = () =>
    node.call(account, { method: 'POST', url: `/v1/subscriptions/${id}/secret`, headers: json, payload: '{}' })
  const answers = await Promise.all(Array.from({ length: 8 }, rotate))
  const secrets = answers.map(({ body }) => body.secret)
  t.ok(answers.every(({ status }) => status === 200))
  const { rows } = await node.context.database.client.query<{ secret: Buffer; old_secret: Buffer }>(
    'select secret, old_secret from webhook_subscription where id = $1',
    [id],
  )
  const [now, before] = [rows[0]?.secret, rows[0]?.old_secret].map((sealed) =>
    openSecret(node.context.node.idKey, id, sealed ?? Buffer.alloc(0)),
  )
  t.ok(secrets.includes(now))
  t.ok(secrets.includes(before), 'what was the secret before all of them has ended')
  t.not(before, original)
  t.not(before, now)
})
