import { Readable } from 'node:stream'
import t from 'tap'
import { run, type World } from '../../src/cli/main.ts'
import { readConfig } from '../../src/config.ts'
import { outstandingRecalls, type RecallPlace } from '../../src/store/outstanding-recalls.ts'
import type { TestNode } from '../node.ts'
import { adminOf, federation, json, post, publish, sealFeed } from './nodes.ts'

/** What was taken back and is not confirmed: by whom, since when, and who may know. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]
const url = '/v1/outstanding-recalls'
const list = async (account: string, query = '', node: TestNode = br) =>
  await node.call(account, { url: `${url}${query}` })
const ids = async (account: string, query = '', node: TestNode = br): Promise<string[]> =>
  (await list(account, query, node)).body.items.map(({ id }: { id: string }) => id)
const recall = (id: string) => post(br, 'ana.cert-br', `/v1/indicators/${id}/recall`, { reason: 'mistaken' })
const revise = (id: string, payload: object) =>
  br.call('ana.cert-br', {
    ...{ method: 'PATCH', url: `/v1/indicators/${id}`, payload: JSON.stringify(payload) },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
const nodesOf = (item: { nodes: { node: { name: string } }[] }) => item.nodes.map(({ node }) => node.name).sort()

t.test('a recall is outstanding until every node that was given the indicator has stored it', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  await fed.settle()
  t.strictSame((await list('ana.cert-br')).body, { items: [] }, 'nothing was taken back')
  fed.at('2026-06-01T02:00:00Z')
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  await recall(id)
  await fed.settle()
  const { body } = await list('ana.cert-br')
  t.strictSame(body, {
    items: [
      {
        ...{ id, originator: 'cert-br', version: 2, recalled: true, since: '2026-06-01T02:00:00.000Z' },
        ...{ dueAt: '2026-06-01T02:15:00.000Z', overdue: false, overdueSeconds: 0 },
        nodes: [{ node: { id: uy.context.node.id, name: 'lacnic' }, version: 1, told: false, storedVersion: 1 }],
      },
    ],
  })
  t.strictSame(await ids('ana.cert-br', '?overdue=true'), [])
  const holders = (await br.call('ana.cert-br', { url: `/v1/indicators/${id}/holders` })).body.holders
  t.ok(
    holders.every(({ overdue }: { overdue: boolean }) => !overdue),
    'what was given long ago and recalled just now is not overdue',
  )
  fed.at('2026-06-01T02:20:00Z')
  t.match((await list('ana.cert-br', '?overdue=true')).body.items, [{ id, overdue: true, overdueSeconds: 300 }])
  t.strictSame(await ids('ana.cert-br', `?peer=${cl.context.node.id}`), [], 'Santiago has confirmed it')
  t.strictSame(await ids('ana.cert-br', `?peer=${uy.context.node.id}`), [id])

  fed.heal()
  await fed.settle()
  t.strictSame((await list('ana.cert-br')).body, { items: [] })
})

t.test('likewise a narrower version, of whoever has to let go of something', async (t) => {
  const lost = await publish(br, 'ana.cert-br', '3fff::11', 'tlp=green')
  const kept = await publish(br, 'ana.cert-br', '3fff::12', 'tlp=green')
  const wider = await publish(br, 'ana.cert-br', '3fff::13', 'tlp=amber&audience=lacnic')
  await fed.settle()
  fed.cut('lacnic', 'cert-br')
  fed.cut('csirt-cl', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  t.equal((await revise(lost, { tlp: 'amber', audience: ['lacnic'] })).status, 200)
  t.equal((await revise(kept, { tlp: 'amber', audience: ['lacnic', 'csirt-cl'] })).status, 200)
  t.equal((await revise(wider, { tlp: 'green', audience: [] })).status, 200)
  await sealFeed(br.context)
  const { items } = (await list('ana.cert-br')).body
  const of = (id: string) => items.find((each: { id: string }) => each.id === id)
  t.match(of(lost), { recalled: false, version: 2 })
  t.strictSame(nodesOf(of(lost)), ['csirt-cl', 'lacnic'], 'also who may have it has it under the wider handling')
  t.strictSame(nodesOf(of(kept)), ['csirt-cl', 'lacnic'])
  t.equal(of(wider), undefined, 'a wider version takes nothing back')
  fed.heal()
  await fed.settle()
  t.strictSame(await ids('ana.cert-br'), [])
})

t.test('whoever may not have it any more has to let go, whatever the version is called', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::21', 'tlp=amber&audience=lacnic')
  await fed.settle()
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  // GREEN but for the place of the only one that had it.
  t.equal((await revise(id, { tlp: 'green', audience: [], notReleasableTo: ['UY'] })).status, 200)
  await fed.settle()
  t.match((await list('ana.cert-br')).body.items, [{ id, recalled: false, nodes: [{ node: { name: 'lacnic' } }] }])
  fed.heal()
  await fed.settle()
  t.strictSame(await ids('ana.cert-br'), [])
})

const recalled: string[] = []

t.test('pages: the newest first, each once, and none for another reader or question', async (t) => {
  for (let n = 0; n < 5; n++) recalled.push(await publish(br, 'ana.cert-br', `3fff::3${n}`, 'tlp=green'))
  await fed.settle()
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  for (const [n, id] of recalled.entries()) {
    // Two at one instant: they are told apart by their ids.
    fed.at(`2026-06-01T03:0${Math.floor(n / 2)}:00Z`)
    await recall(id)
    if (n % 2 === 1) await fed.pull('csirt-cl', 'cert-br')
  }
  await fed.settle()
  const seen: string[] = []
  let cursor = ''
  for (let page = 0; page < 10; page++) {
    const { body } = await list('ana.cert-br', `?limit=2${cursor}`)
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    if (body.next === undefined) break
    cursor = `&before=${body.next}`
  }
  t.strictSame(seen, await ids('ana.cert-br'))
  t.strictSame([...seen].sort(), [...recalled].sort())
  const since = (await list('ana.cert-br')).body.items.map((item: { since: string }) => item.since)
  t.strictSame(since, [...since].sort().reverse())
  const { next } = (await list('ana.cert-br', '?limit=2')).body
  for (const [account, query] of [
    ['ana.cert-br', `?overdue=true&before=${next}`],
    ['ana.cert-br', `?peer=${uy.context.node.id}&before=${next}`],
    ['paula.rede-sul', `?before=${next}`],
    [adminOf(br), `?of=node&before=${next}`],
    ['ana.cert-br', '?before=x'],
  ] as const)
    t.match((await list(account, query)).body, { code: 'cursor_invalid' }, `${account} ${query}`)
})

t.test('one question looks through so much at most, and says how far it came', async (t) => {
  const { database } = br.context
  const all = await outstandingRecalls(database, { originator: 'cert-br', looked: 100, limit: 100 })
  t.equal(all.reached, undefined)
  let before: RecallPlace | undefined
  const seen: string[] = []
  for (let asked = 0; asked < 20; asked++) {
    const place = before === undefined ? {} : { before }
    const { rows, reached } = await outstandingRecalls(database, {
      ...{ originator: 'cert-br', looked: 1, limit: 100 },
      ...place,
    })
    seen.push(...rows.map(({ stixId }) => stixId))
    t.ok(rows.length <= 1)
    before = reached
    if (reached === undefined) break
  }
  t.strictSame(
    seen,
    all.rows.map(({ stixId }) => stixId),
  )
})

t.test('an originator sees its own alone, and who keeps the node in order all, by id', async (t) => {
  const other = await (async () => {
    const answer = await post(br, 'paula.rede-sul', '/v1/indicators?tlp=green', {
      type: 'ipv6-address',
      value: '3fff::41',
    })
    t.equal(answer.body?.accepted, 1, answer.text)
    return (await br.call('paula.rede-sul', { url: '/v1/indicators?value=3fff::41' })).body.items[0].id as string
  })()
  fed.heal()
  await fed.settle()
  t.strictSame(await ids('ana.cert-br'), [])
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  fed.cut('csirt-cl', 'cert-br')
  await post(br, 'paula.rede-sul', `/v1/indicators/${other}/recall`, { reason: 'mistaken' })
  await sealFeed(br.context)
  t.strictSame(await ids('ana.cert-br'), [], 'nothing of another organisation')
  t.strictSame(await ids('paula.rede-sul'), [other])
  t.match((await list('caio.cert-br', '?of=node')).body.items, [{ id: other, originator: 'rede-sul' }])
  t.strictSame(await ids('diego.csirt-cl', '', cl), [], 'nor at the node that has it')
  t.match(await list('ana.cert-br', '?of=node'), { status: 403, body: { code: 'not_yours', rule: 'recalls.node' } })
  t.equal((await list('paula.rede-sul', '?of=node')).status, 403)
  t.match(
    await list('caio.cert-br'),
    { status: 403, body: { rule: 'recalls.organisation' } },
    'who does not read there',
  )
  t.equal((await list('anonymous')).status, 401)
  const { rows } = await br.context.database.client.query(
    "select count(*)::int as n from audit_leaf where action = 'list-outstanding-recalls' and decision = 'deny'",
  )
  t.equal(rows[0].n, 3, 'refusals are on the audit log')
  fed.heal()
  await fed.settle()
})

t.test('a source that became anonymous is not named to who keeps the node in order', async (t) => {
  const { body } = await post(br, 'paula.rede-sul', '/v1/indicators?tlp=green', {
    type: 'ipv6-address',
    value: '3fff::51',
  })
  t.equal(body.accepted, 1)
  const id = (await br.call('paula.rede-sul', { url: '/v1/indicators?value=3fff::51' })).body.items[0].id
  await fed.settle()
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  const anonymous = await br.call('paula.rede-sul', {
    ...{ method: 'PATCH', url: `/v1/indicators/${id}`, payload: JSON.stringify({ attribution: 'anonymous' }) },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  t.equal(anonymous.status, 200, anonymous.text)
  await fed.settle()
  t.match((await list('paula.rede-sul')).body.items, [{ id, originator: 'rede-sul' }])
  const answer = await list(adminOf(br), '?of=node')
  t.match(answer.body.items, [{ id }])
  t.notMatch(answer.text, /rede-sul/)
  fed.heal()
  await fed.settle()
})

t.test('the same by GraphQL and on the command line', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::61', 'tlp=green')
  await fed.settle()
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  fed.at('2026-06-01T05:00:00Z')
  await recall(id)
  await fed.settle()
  fed.at('2026-06-01T05:16:00Z')
  const query = `{ outstandingRecalls(overdue: true, limit: 5) { next items {
    stixId originator version recalled since dueAt overdue overdueSeconds nodes { node { name } version told storedVersion refused } } } }`
  const asked = await br.call('ana.cert-br', {
    ...{ method: 'POST', url: '/graphql', headers: json, payload: JSON.stringify({ query }) },
  })
  t.match(
    asked.body.data?.outstandingRecalls,
    {
      next: null,
      items: [{ stixId: id, originator: 'cert-br', recalled: true, overdueSeconds: 60, nodes: [{ told: false }] }],
    },
    asked.text,
  )
  const refused = await br.call('ana.cert-br', {
    ...{ method: 'POST', url: '/graphql', headers: json },
    payload: JSON.stringify({ query: '{ outstandingRecalls(of: NODE) { next } }' }),
  })
  t.match(refused.body.errors, [{ extensions: { code: 'not_yours' } }])

  await br.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = br.app.server.address() as { port: number }
  const puente = async (account: string, ...argv: string[]) => {
    const [out, err]: [string[], string[]] = [[], []]
    const environment = {
      PUENTE_URL: `http://127.0.0.1:${port}`,
      PUENTE_API_KEY: br.as(account).authorization?.slice('Bearer '.length) ?? '',
    }
    const world = (): World => ({
      ...readConfig(environment),
      ...{ stdin: Readable.from([]), terminal: { out: false, err: false } },
      ...{ print: (line) => void out.push(line), say: (line) => void err.push(line) },
    })
    return { code: await run(['peer', 'recalls', ...argv], world), out, err }
  }
  const people = await puente('ana.cert-br', '--overdue')
  t.equal(people.code, 0)
  t.match(people.out[1], new RegExp(`^${id} +2 +recalled +2026-06-01T05:00:00.000Z +60 s +lacnic +no +1 +-$`))
  const machines = await puente(adminOf(br), '--of', 'node', '--json')
  t.strictSame(
    machines.out.map((line) => JSON.parse(line).id),
    [id],
  )
  t.equal((await puente('ana.cert-br', '--of', 'node')).code, 4)
  t.match(await puente('ana.cert-br', '--peer', cl.context.node.id), { code: 0, err: ['nothing'] })
})
