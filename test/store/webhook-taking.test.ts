import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { beat, takeSubscriptions } from '../../src/actions/index.ts'
import { limits } from '../../src/domain/limits.ts'
import { green } from '../blocklists.ts'
import { testNode } from '../node.ts'
import { Receiver, sender, subscribe } from '../webhooks.ts'

t.test('an organisation of many accounts leaves places to others', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const { client } = node.context.database
  const url = 'http://127.0.0.1:9/'
  await subscribe(node, 'camila.csirt-cl', url)
  await client.query(`insert into account (id, organisation, name, roles)
    select 'bot' || n || '.csirt-cl', 'csirt-cl', 'bot', array['reader'] from generate_series(1, 40) n`)
  await client.query(`insert into webhook_subscription
    select (jsonb_populate_record(w, jsonb_build_object('id', gen_random_uuid(), 'account', a.id))).*
    from webhook_subscription w, account a, generate_series(1, 5) where a.id like 'bot%'`)
  const { id: others } = await subscribe(node, 'ana.cert-br', url)
  await node.plant(green, { type: 'domain-name', value: 'evil.example' })

  const sender = randomUUID()
  await beat(node.context, sender)
  const first = await takeSubscriptions(node.context, sender, limits.webhookSendsAtOnce, [])
  t.equal(first.length, limits.webhookSendsOfOrganisation + 1)
  t.ok(first.some(({ id }) => id === others))
  const working = first.map(({ id }) => id)
  t.strictSame(await takeSubscriptions(node.context, sender, 100, working), [], 'nor more while these are served')
  const some = working.slice(10)
  t.equal((await takeSubscriptions(node.context, sender, 100, some)).length, 10, 'and as many as have ended')
  const { rows } = await client.query<{ most: number }>(`select max(n)::int as most
    from (select count(*) as n from webhook_subscription where holder is not null group by account) s`)
  t.ok((rows[0]?.most ?? 99) <= limits.webhookSendsOfAccount)
})

t.test('an endpoint that is slow gives its place back in between', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  endpoint.reply = () => ({ status: 204, after: sleep(20) })
  const { id } = await subscribe(node, 'camila.csirt-cl', endpoint.url, { batch: 1 })
  for (let n = 1; n <= 4; n++) await node.plant(green, { type: 'ipv4-address', value: `192.0.2.${n}` })
  const before = limits.webhookTurnMs
  t.teardown(() => Object.assign(limits, { webhookTurnMs: before }))
  Object.assign(limits, { webhookTurnMs: 10 })
  sender(t, node.context).wake()
  await endpoint.until(4)
  const { rows } = await node.context.database.client.query<{ fence: string }>(
    'select fence from webhook_subscription where id = $1',
    [id],
  )
  t.ok(Number(rows[0]?.fence) >= 4, 'taken anew for each delivery')
})
