import t from 'tap'
import { startContext } from '../../src/actions/start.ts'
import { buildApp } from '../../src/app.ts'
import { canonicalHandling } from '../../src/domain/handling.ts'
import { freshAddress, type TestNode, testNode } from '../node.ts'

const amberFor = (...communities: string[]) =>
  canonicalHandling({
    originator: 'cert-br',
    tlp: 'amber',
    pap: 'green',
    organisations: [],
    communities,
    people: [],
    lawEnforcement: 'on-request',
    personalData: false,
    maskable: true,
    attribution: 'named',
  })

/** Two processes of one node, as far as anything but the process can tell: two contexts on one database. */
async function twoProcesses(t: Parameters<typeof testNode>[0], listen: boolean) {
  const node = await testNode(t)
  const other = await startContext({
    database: { url: node.context.database.url, connections: 4, statementTimeoutMs: 10_000 },
    clock: node.context.clock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    version: 'test',
    listen,
  })
  const app = await buildApp(other, { root: process.cwd(), requestsPerMinute: 100_000, trustProxy: [] })
  t.teardown(async () => {
    await app.close()
    await other.close()
  })
  const get = (account: string, url: string) => app.inject({ url, headers: node.as(account) })
  const doors = doorsOf((account, request) =>
    app.inject({ ...request, headers: { ...node.as(account), ...request.headers } }),
  )
  return { node, other, get, doors }
}

interface Request {
  readonly url: string
  readonly method?: 'POST'
  readonly headers?: Record<string, string>
  readonly payload?: string
}

/** Whether each door shows an indicator to an account. */
const doorsOf =
  (send: (account: string, request: Request) => Promise<{ readonly body: string }>) =>
  async (account: string, id: string, value: string): Promise<Record<string, boolean>> => {
    const json = { 'content-type': 'application/json' }
    const requests: Record<string, Request> = {
      page: { url: '/v1/indicators?limit=1000' },
      'filtered page': { url: `/v1/indicators?value=${value}` },
      one: { url: `/v1/indicators/${id}` },
      history: { url: `/v1/indicators/${id}/history` },
      lookup: { url: '/v1/lookup', method: 'POST', headers: json, payload: JSON.stringify({ values: [value] }) },
      graphql: {
        url: '/graphql',
        method: 'POST',
        headers: json,
        payload: JSON.stringify({ query: '{ indicators(first: 1000) { edges { node { stixId } } } }' }),
      },
    }
    const shown: Record<string, boolean> = {}
    for (const [door, request] of Object.entries(requests))
      shown[door] = (await send(account, request)).body.includes(id)
    return shown
  }

const everyDoor = (shown: boolean) => ({
  page: shown,
  'filtered page': shown,
  one: shown,
  history: shown,
  lookup: shown,
  graphql: shown,
})

const plantOne = async (node: TestNode, n: number) => {
  const value = freshAddress(n)
  const id = await node.plant(amberFor('lac-csirts'), { type: 'ipv6-address', value })
  return { id, value }
}

const officer = 'policy.lacnic'
const membership = (organisation: string) => `/v1/communities/lac-csirts/members/${organisation}`

for (const listen of [true, false]) {
  t.test(`what changes in one process holds in another at once, ${listen ? 'told' : 'untold'}`, async (t) => {
    const { node, get, doors } = await twoProcesses(t, listen)
    const { id, value } = await plantOne(node, 1)
    t.match(
      await doors('camila.csirt-cl', id, value),
      everyDoor(true),
      'published elsewhere, with a handling not known here',
    )

    await node.call(officer, { method: 'DELETE', url: membership('csirt-cl') })
    t.strictSame(await doors('camila.csirt-cl', id, value), everyDoor(false), 'a member left')
    await node.call(officer, { method: 'PUT', url: membership('csirt-cl') })
    t.strictSame(await doors('camila.csirt-cl', id, value), everyDoor(true), 'and came back')

    const end = {
      method: 'POST',
      url: '/v1/agreements/cono-sur/end',
      payload: { at: '2026-06-01T00:00:00Z' },
    } as const
    const ended = await node.call(officer, end)
    t.equal(ended.status, 200, ended.text)
    t.strictSame(await doors('camila.csirt-cl', id, value), everyDoor(false), 'an agreement ended')

    const second = await plantOne(node, 2)
    t.strictSame(await doors('ana.cert-br', second.id, second.value), everyDoor(true))
    const revised = await node.call('ana.cert-br', {
      method: 'PATCH',
      url: `/v1/indicators/${second.id}`,
      payload: { tlp: 'clear' },
    })
    t.equal(revised.status, 200, revised.text)
    t.strictSame(await doors('camila.csirt-cl', second.id, second.value), { ...everyDoor(true) }, 'widened')
    await node.call('ana.cert-br', {
      method: 'POST',
      url: `/v1/indicators/${second.id}/recall`,
      payload: { reason: 'wrong' },
    })
    t.strictSame(await doors('camila.csirt-cl', second.id, second.value), everyDoor(false), 'recalled')

    t.equal((await get('camila.csirt-cl', '/v1/me')).statusCode, 200)
    await node.call('admin.lacnic', {
      method: 'PATCH',
      url: '/v1/accounts/camila.csirt-cl',
      payload: { disabled: true },
    })
    t.equal((await get('camila.csirt-cl', '/v1/indicators')).statusCode, 401, 'an account was disabled')
  })

  t.test(`a key revoked in one process opens nothing in another, ${listen ? 'told' : 'untold'}`, async (t) => {
    const { node, get } = await twoProcesses(t, listen)
    t.equal((await get('diego.csirt-cl', '/v1/indicators')).statusCode, 200)
    const keys = await node.call('admin.lacnic', { url: '/v1/accounts/diego.csirt-cl/keys' })
    const [key] = keys.body.items ?? keys.body
    const revoked = await node.call('admin.lacnic', { method: 'DELETE', url: `/v1/keys/${key.id}` })
    t.equal(revoked.status, 204, revoked.text)
    for (const url of ['/v1/indicators', '/v1/me', '/v1/organisations']) {
      t.equal((await get('diego.csirt-cl', url)).statusCode, 401, url)
    }
  })
}

t.test('a process is told of a change, and knows it before anybody asks', async (t) => {
  const { node, other, doors } = await twoProcesses(t, true)
  const { id, value } = await plantOne(node, 1)
  await doors('camila.csirt-cl', id, value)
  const before = await other.policy.known()
  await node.call(officer, { method: 'DELETE', url: membership('csirt-cl') })
  const began = performance.now()
  while ((await other.policy.known()).directory.epoch === before.directory.epoch) {
    if (performance.now() - began > 5_000) break
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const elapsedMs = performance.now() - began
  t.ok(elapsedMs < 1_000, `known after ${elapsedMs.toFixed(1)} ms`)
  const head = other.column.now.head
  await plantOne(node, 2)
  const published = performance.now()
  while (other.column.now.head === head && performance.now() - published < 5_000) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  t.equal(other.column.now.head, head + 1, 'what was published is in the column without being asked for')
})

t.test('a column that lags shows nothing that is not visible any more', async (t) => {
  const node = await testNode(t)
  const { id } = await plantOne(node, 1)
  t.equal((await node.call('camila.csirt-cl', { url: '/v1/indicators' })).body.items.length, 1)
  // The column is kept from learning of the recall: the page must not rest on it.
  const { column } = node.context
  const catchUp = column.catchUp.bind(column)
  column.catchUp = async () => {}
  await node.call('ana.cert-br', { method: 'POST', url: `/v1/indicators/${id}/recall`, payload: { reason: 'wrong' } })
  t.strictSame((await node.call('camila.csirt-cl', { url: '/v1/indicators' })).body, { items: [] })
  column.catchUp = catchUp
  t.strictSame((await node.call('camila.csirt-cl', { url: '/v1/indicators' })).body, { items: [] })
})
