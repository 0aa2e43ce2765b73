import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { Registry } from 'prom-client'
import t from 'tap'
import { measureState } from '../../src/api/metrics/gauges.ts'
import { listenForMetrics } from '../../src/api/metrics/listener.ts'
import { toldRoute } from '../../src/api/metrics/requests.ts'
import { readContract } from '../../src/api/rest/contract.ts'
import { testDatabase } from '../database.ts'
import { testNode } from '../node.ts'
import { gone, startServer } from '../server.ts'

t.setTimeout(300_000)

/** The number that a text of metrics has under a name and, as they are written, labels. */
const numberOf = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

t.test('what is done about legal requests, sources and partners is told apart from nothing', async (t) => {
  const routes = [...new Set(readContract('openapi.yaml').operations.map(({ url }) => url))]
  const others = [...new Set(routes.filter((url) => toldRoute(url) === 'other').map((url) => url.split('/')[2]))]
  t.strictSame(others.sort(), [
    ...[
      'agreements',
      'assistance',
      'attribution-requests',
      'audit',
      'claw-backs',
      'client-keys',
      'clients',
      'disclosures',
    ],
    ...[
      'exports',
      'federation-keys',
      'handling-profiles',
      'identities',
      'jwks.json',
      'keys',
      'legal-requests',
      'list-keys',
    ],
    ...[
      'oauth-authorization-server',
      'outstanding-recalls',
      'preservations',
      'puente',
      'quarantine',
      'replies',
      'retention',
      'signing-keys',
    ],
    ...['transparency', 'warninglists', 'widening-requests'],
  ])
  t.equal(toldRoute('/v1/indicators/:id'), '/v1/indicators/:id')
  t.equal(toldRoute('/v1/indicatorsandmore'), 'other', 'a path is no prefix of a word')
  t.equal(toldRoute(undefined), 'other')
})

t.test('a node counts, and names nobody and nothing', async (t) => {
  const registry = new Registry()
  const node = await testNode(t, { registry })
  const publisher = 'ana.cert-br'
  const secret = 'secret-name.example.com'
  const headers = { 'content-type': 'application/x-ndjson' }
  const push = await node.call(publisher, {
    ...{ method: 'POST', url: '/v1/indicators?tlp=green', headers },
    payload: `{"value":"${secret}","description":"told to nobody"}\n{"value":"bad value"}\n`,
  })
  t.equal(push.status, 207)
  const { items } = (await node.call(publisher, { method: 'GET', url: `/v1/indicators?value=${secret}` })).body
  const id = items[0].id as string
  t.equal((await node.call(publisher, { method: 'GET', url: `/v1/indicators/${id}` })).status, 200)
  await node.call(publisher, { method: 'GET', url: '/v1/legal-requests/7144e2d9-b91c-4e68-a820-22dd3031491c' })
  await node.call('anonymous', { method: 'GET', url: '/v1/operation-swordfish' })
  await node.call('anonymous', { method: 'PROPFIND' as 'GET', url: '/swordfish' })
  await node.call(publisher, {
    method: 'POST',
    url: '/v1/observations',
    headers,
    payload: `"${secret}"\n"a.example"\n`,
  })
  await node.context.audit.flush()
  const text = await registry.metrics()

  t.equal(numberOf(text, 'puente_records_total{outcome="accepted"}'), 1)
  t.equal(numberOf(text, 'puente_records_total{outcome="rejected"}'), 1)
  t.equal(numberOf(text, 'puente_observations_total'), 2)
  t.equal(numberOf(text, 'puente_http_requests_total{method="POST",route="/v1/indicators",status="207"}'), 1)
  t.equal(numberOf(text, 'puente_http_requests_total{method="GET",route="/v1/indicators/:id",status="200"}'), 1)
  const others = text
    .split('\n')
    .filter((line) => line.startsWith('puente_http_requests_total{method="other",route="other"'))
  t.equal(
    others.reduce((sum, line) => sum + Number(line.split('} ')[1]), 0),
    3,
    others.join(' '),
  )
  t.equal(numberOf(text, 'puente_http_request_duration_seconds_count{route="/v1/indicators/:id"}'), 1)
  t.equal(numberOf(text, 'puente_feed_position'), 1)
  t.equal(numberOf(text, 'puente_audit_queue_leaves'), 0)
  t.equal(numberOf(text, 'puente_followers'), 0)
  t.ok((numberOf(text, 'puente_database_connections{state="idle"}') ?? 0) > 0)
  t.ok((numberOf(text, 'process_resident_memory_bytes') ?? 0) > 0)
  t.ok((numberOf(text, 'nodejs_eventloop_lag_p99_seconds') ?? -1) >= 0)

  const words = [
    ...[secret, id, id.slice(11), 'secret-name', 'swordfish', '7144e2d9', 'legal', 'told to nobody'],
    ...node.world.organisations.flatMap(({ id, name }) => [id, name]),
    ...node.world.accounts.map(({ id }) => id),
    ...node.world.communities.map(({ id }) => id),
  ]
  t.strictSame(
    words.filter((word) => text.toLowerCase().includes(word.toLowerCase())),
    [],
  )
  t.equal(numberOf(await registry.metrics(), 'puente_records_total{outcome="accepted"}'), 1, 'asking counts nothing')
})

t.test('what waits with webhooks and peers is counted', async (t) => {
  const registry = new Registry()
  const node = await testNode(t, { registry })
  const { client } = node.context.database
  const at = node.context.clock().toISOString()
  const endpoint = (id: number, more: string) =>
    client.query(
      `insert into webhook_subscription (id, account, credential_kind, credential, purpose, name, url, filter, own_system, batch, secret,
         created_at, failing_since, paused_at)
       select $1::uuid, id, 'key', 'x', 'defence', 'x', 'https://x.example', '{}', false, 100, '\\x00', $2, ${more}
       from account order by id limit 1`,
      [`00000000-0000-4000-8000-00000000000${id}`, at],
    )
  await endpoint(1, 'null, null')
  await endpoint(2, '$2::timestamptz, null')
  await endpoint(3, 'null, $2::timestamptz')
  await client.query(
    `insert into webhook_delivery (id, subscription, number, steps, feed_epoch, cursor, created_at, dead_at)
     select n::text, '00000000-0000-4000-8000-000000000001', n, '[]', gen_random_uuid(), '', $1::timestamptz - n * interval '10 seconds',
       case when n = 3 then $1::timestamptz end from generate_series(1, 3) n`,
    [at],
  )
  await client.query(
    `with made as (
       insert into peer (id, name, url, direction, state, state_since, items_per_hour, bytes_per_hour, enrolled_at)
       select ('00000000-0000-4000-8000-00000000001' || n)::uuid, 'peer', 'https://x.example', direction, state, $1::timestamptz, 1, 1,
         $1::timestamptz - interval '1 hour'
       from (values (1, 'both', 'active'), (2, 'receive', 'active'), (3, 'send', 'active'), (4, 'both', 'expelled')) p (n, direction, state)
       returning id)
     insert into peer_state (peer, last_page_at, failing_since)
     select id, $1::timestamptz - interval '20 seconds', $1 from made where id = '00000000-0000-4000-8000-000000000011'`,
    [at],
  )
  const text = await registry.metrics()
  const of = (series: string) => numberOf(text, series)
  const states = (name: string, ...values: string[]) => values.map((value) => of(`${name}{state="${value}"}`))
  t.strictSame(states('puente_webhook_endpoints', 'active', 'failing', 'paused'), [1, 1, 1])
  t.strictSame(states('puente_webhook_deliveries', 'waiting', 'dead'), [2, 1])
  t.equal(of('puente_webhook_delivery_age_seconds'), 20)
  t.strictSame(
    states('puente_peers', 'active', 'failing', 'stale'),
    [3, 1, 1],
    'one to which is only sent is not awaited',
  )
  t.equal(of('puente_peer_silence_seconds'), 3_600)
})

t.test('while the database does not answer, what it would say is absent and the rest is there', async (t) => {
  const { context, app } = await testNode(t, { seed: false })
  const registry = new Registry()
  const warnings: string[] = []
  const client = { query: async () => await Promise.reject(new Error('gone')) }
  const database = { connections: context.database.connections, client }
  const log = { ...context.log, warn: (_: object, message: string) => void warnings.push(message) }
  measureState({ ...context, log, database: database as never }, app.streams, registry)
  const text = await registry.metrics()
  t.equal(numberOf(text, 'puente_feed_position'), undefined)
  t.equal(numberOf(text, 'puente_peers{state="active"}'), undefined)
  t.equal(numberOf(text, 'puente_pushes'), 0)
  t.strictSame(warnings, ['the node could not be measured'], 'one look for all of them')
})

t.test('no door of the node has metrics', async (t) => {
  const { call } = await testNode(t, { registry: new Registry() })
  for (const account of ['anonymous', 'marta.lacnic'])
    for (const url of ['/metrics', '/v1/metrics'])
      t.match(
        await call(account, { method: 'GET', url }),
        { status: 404, body: { code: 'not_found' } },
        `${account} ${url}`,
      )
})

t.test('the port of metrics answers this machine, and one path', async (t) => {
  let broken = false
  const errors: unknown[] = []
  const read = async () => {
    if (broken) throw new Error('broken')
    return 'up 1\n'
  }
  const listener = await listenForMetrics(0, { contentType: 'text/plain', read }, (error) => errors.push(error))
  t.teardown(() => listener.stop())
  const { hostname, port, origin } = new URL(listener.url)
  t.equal(hostname, '127.0.0.1')
  const ask = (path: string, method = 'GET', host = `127.0.0.1:${port}`) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const sent = request(`${origin}${path}`, { method, headers: { host }, agent: false }, async (answer) => {
        let text = ''
        for await (const chunk of answer) text += chunk
        resolve({ status: answer.statusCode, text })
      })
      sent.on('error', reject)
      sent.end()
    })
  t.strictSame(await ask('/metrics'), { status: 200, text: 'up 1\n' })
  t.equal((await ask('/metrics', 'GET', `localhost:${port}`)).status, 200)
  t.equal((await ask('/metrics', 'GET', `rebound.example:${port}`)).status, 404, 'by the name of a page')
  for (const path of ['/', '/metrics/', '/healthz']) t.equal((await ask(path)).status, 404, path)
  t.equal((await ask('/metrics', 'POST')).status, 404)
  broken = true
  t.equal((await ask('/metrics')).status, 503)
  t.equal(errors.length, 1)
  await listener.stop()
  await t.rejects(ask('/metrics'), 'it has stopped')
})

t.test('a node that was told a port answers there, and lets go of it when it stops', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  holder.close()
  await once(holder, 'close')
  const { child, url } = await startServer(t, await testDatabase(t), { PUENTE_METRICS_PORT: String(port) })
  await fetch(`${url}/healthz`)
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
  t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
  t.equal(numberOf(await answer.text(), 'puente_http_requests_total{method="GET",route="/healthz",status="200"}'), 1)
  t.equal((await fetch(`${url}/metrics`)).status, 404)
  child.kill('SIGTERM')
  await gone(child)
  t.equal(child.exitCode, 0)
})
