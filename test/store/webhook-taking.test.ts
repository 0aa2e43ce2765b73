import { randomUUID } from 'node:crypto'
import t from 'tap'
import { beat, takeSubscriptions } from '../../src/actions/index.ts'
import { limits } from '../../src/domain/limits.ts'
import { green } from '../blocklists.ts'
import { testNode } from '../node.ts'
import { subscribe } from '../webhooks.ts'

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
