import { createHash } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { actions, integrateAudit } from '../../src/actions/index.ts'
import { auditKey } from '../../src/actions/integrate-audit.ts'
import type { ReadingSubject } from '../../src/actions/reading.ts'
import { startContext } from '../../src/actions/start.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { openCheckpoint } from '../../src/seal/checkpoint.ts'
import { emptyRoot, Frontier, hashLeaf } from '../../src/seal/merkle.ts'
import { isStored } from '../../src/seal/stored.ts'
import { testDatabase } from '../database.ts'
import { freshAddress, type TestNode, testNode } from '../node.ts'

const handling: Handling = {
  originator: 'cert-br',
  tlp: 'green',
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
}
const amber: Handling = { ...handling, tlp: 'amber', communities: ['lac-csirts'] }
const red: Handling = { ...handling, originator: 'csirt-cl', tlp: 'red', people: ['rosa.red-andina'] }
let address = 0
const plant = (node: TestNode, one: Handling) =>
  node.plant(one, { type: 'ipv6-address', value: freshAddress(address++) })

interface Leaf {
  readonly id: bigint
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read leaves as they are
  readonly said: any
  readonly subject: ReadingSubject
  readonly salt: Buffer
  readonly raw: string
}

async function leavesOf(node: TestNode, action: string): Promise<Leaf[]> {
  const { rows } = await node.context.database.client.query<{
    id: bigint
    leaf: string
    salt: Buffer
    subject: string
  }>(
    'select l.id, l.leaf, s.salt, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id where l.action = $1 order by l.id',
    [action],
  )
  return rows.map(({ id, leaf, salt, subject }) => ({
    ...{ id, text: leaf, salt, raw: subject },
    said: JSON.parse(leaf),
    subject: JSON.parse(subject || '{}'),
  }))
}

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')

t.test('readings', async (t) => {
  const node = await testNode(t)
  const { client } = node.context.database
  const clear = await plant(node, { ...handling, tlp: 'clear' })

  t.test('a page leaves one leaf with what the policy is asked again with', async (t) => {
    const [green, second] = [await plant(node, handling), await plant(node, amber)]
    const { body } = await node.call('camila.csirt-cl', { url: '/v1/indicators' })
    t.equal(body.items.length, 3)
    t.strictSame(await leavesOf(node, 'search'), [], 'nobody waited for it')
    await node.context.audit.flush()
    const [leaf, ...more] = await leavesOf(node, 'search')
    t.equal(more.length, 0)
    t.match(leaf?.said, {
      action: 'search',
      actor: 'camila.csirt-cl',
      organisation: 'csirt-cl',
      decision: 'permit',
      purpose: 'defence',
      program: 'test',
      count: 2,
    })
    t.ok(leaf?.said.rules.includes('tlp.green') && leaf.said.rules.includes('tlp.amber'))
    t.ok(leaf?.said.agreements.length >= 1, 'agreements between BR and CL')
    t.strictSame(leaf?.subject.items.map(([originator, id, version]) => [originator, id, version]).sort(), [
      ...[green, second].map((id) => ['cert-br', id, 1]).sort(),
    ])
    t.notMatch(leaf?.raw, new RegExp(clear), 'CLEAR is anybody’s')
    t.equal(sha256(Buffer.concat([leaf?.salt ?? emptyRoot, Buffer.from(leaf?.raw ?? '')])), leaf?.said.subject)
    for (const [id, effect, digest] of leaf?.subject.handlings ?? []) {
      const { rows } = await client.query('select digest from handling where id = $1', [id])
      t.equal(rows[0].digest.toString('hex'), digest)
      t.equal(effect, 'permit')
    }
    for (const digest of [leaf?.said.reader, leaf?.said.world]) {
      const { rows } = await client.query("select body from audit_basis where digest = decode($1, 'hex')", [digest])
      t.equal(sha256(rows[0].body), digest)
    }
  })

  t.test('every way of reading leaves one, and what holds nothing above CLEAR leaves none', async (t) => {
    const id = await plant(node, amber)
    const before = await Promise.all(['search', 'read', 'history', 'lookup'].map((action) => leavesOf(node, action)))
    const as = (url: string, payload?: object) =>
      node.call('camila.csirt-cl', payload === undefined ? { url } : { url, method: 'POST', payload })
    await as(`/v1/indicators/${id}`)
    await as(`/v1/indicators/${id}/history`)
    await as('/v1/lookup', { values: [freshAddress(address - 1)] })
    await as('/graphql', { query: '{ indicators(first: 1) { edges { node { value } } } }' })
    await as(`/v1/indicators/${clear}`)
    await node.call('anonymous', { url: '/v1/indicators' })
    await as('/v1/lookup', { values: ['unknown.example.net'] })
    await as('/v1/indicators/indicator--00000000-0000-4000-8000-000000000000')
    await node.context.audit.flush()
    const after = await Promise.all(['search', 'read', 'history', 'lookup'].map((action) => leavesOf(node, action)))
    t.strictSame(
      after.map((leaves, i) => leaves.length - (before[i]?.length ?? 0)),
      [1, 1, 1, 1],
    )
  })

  t.test('RED and law enforcement above CLEAR are durable before the answer, or there is none', async (t) => {
    const id = await plant(node, red)
    const answer = await node.call('rosa.red-andina', { url: `/v1/indicators/${id}` })
    t.equal(answer.status, 200)
    const leaves = await leavesOf(node, 'read')
    t.equal(leaves.at(-1)?.said.actor, 'rosa.red-andina', 'without a flush')
    const police = await plant(node, { ...handling, lawEnforcement: 'allowed', originator: 'csirt-cl' })
    t.equal((await node.call('ignacio.policia-cl', { url: `/v1/indicators/${police}` })).status, 200)
    t.equal((await leavesOf(node, 'read')).at(-1)?.said.actor, 'ignacio.policia-cl')
    const green = await plant(node, handling)
    await client.query('alter table audit_leaf rename to audit_gone')
    const refused = await node.call('rosa.red-andina', { url: `/v1/indicators/${id}` })
    t.equal(refused.status, 503)
    t.equal(refused.body.code, 'unavailable')
    t.notMatch(refused.text, /audit_|relation/, 'the words of the database stay inside')
    t.equal((await node.call('camila.csirt-cl', { url: `/v1/indicators/${green}` })).status, 200, 'ordinary ones wait')
    await client.query('alter table audit_gone rename to audit_leaf')
    t.equal((await node.call('rosa.red-andina', { url: `/v1/indicators/${id}` })).status, 200)
    await node.context.audit.flush()
    const last = (await leavesOf(node, 'read')).slice(-2)
    t.strictSame(last.map(({ said }) => said.actor).sort(), ['camila.csirt-cl', 'rosa.red-andina'])
  })

  t.test('an orderly stop writes what is left', async (t) => {
    const before = (await leavesOf(node, 'search')).length
    const other = await secondContext(t, node.databaseUrl)
    const caller = await actions.authenticate(other, { authorization: node.as('joao.rede-sul').authorization })
    await actions.search(other, caller, { filter: {} })
    t.equal(other.audit.length, 1, 'nobody waited for it')
    await other.close()
    t.equal((await leavesOf(node, 'search')).length, before + 1)
  })

  t.test('the leaf of a push is found by its receipt', async (t) => {
    const { body } = await node.call('ana.cert-br', {
      method: 'POST',
      url: '/v1/indicators?tlp=green',
      payload: { value: 'receipt.example.com' },
    })
    const { rows } = await client.query('select leaf from audit_leaf where receipt = $1', [body.receipt])
    t.equal(rows.length, 1)
    t.equal(JSON.parse(rows[0].leaf).action, 'publish')
  })
})

/** What the tree must be, from its rows alone. */
async function rebuilt(node: TestNode) {
  const { client } = node.context.database
  const { rows } = await client.query<{ index: bigint; hash: Buffer; leaf: string }>(
    'select t.index, t.hash, l.leaf from audit_tree t join audit_leaf l on l.id = t.leaf order by t.index',
  )
  const frontier = new Frontier()
  const roots = new Map<number, Buffer>()
  const nodes: string[] = []
  for (const [i, { index, hash, leaf }] of rows.entries()) {
    if (Number(index) !== i || !hashLeaf(leaf).equals(hash)) throw new Error(`leaf ${i} is not where it should be`)
    frontier.append(hash, (subtree, joined) => {
      if (isStored(subtree)) nodes.push(`${subtree.level}/${subtree.index}/${joined.toString('hex')}`)
    })
    roots.set(frontier.size, frontier.root())
  }
  return { size: rows.length, roots, nodes: nodes.sort() }
}

const storedNodes = async (node: TestNode): Promise<string[]> => {
  const { rows } = await node.context.database.client.query<{ node: string }>(
    "select level || '/' || index || '/' || encode(hash, 'hex') as node from audit_node",
  )
  return rows.map((row) => row.node).sort()
}

const checkpointsOf = async (node: TestNode) =>
  (
    await node.context.database.client.query<{ size: bigint; root: Buffer; note: string }>(
      'select size, root, note from audit_checkpoint order by size',
    )
  ).rows

/** Leaves as other writers would append them. */
const scribble = (node: TestNode, from: number, count: number) =>
  node.context.database.client.query(
    `insert into audit_leaf (at, action, decision, leaf)
     select now(), 'read', 'permit', '{"n":' || n || '}' from generate_series($1::int, $1::int + $2::int - 1) n`,
    [from, count],
  )

/** Leaves that a new node has: its first key for tokens, and its first for other nodes. */
const keys = 2

t.test('the tree', async (t) => {
  t.test('grows by what was committed, and every head is signed', async (t) => {
    const node = await testNode(t)
    t.equal(await integrateAudit(node.context), keys + 1, 'the first keys, and the set-up')
    t.equal(await integrateAudit(node.context), 0)
    for (const [i, count] of [1, 2, 13, 16, 40, 200, 1].entries()) {
      await scribble(node, i * 1_000, count)
      t.equal(await integrateAudit(node.context), count)
    }
    const { size, roots, nodes } = await rebuilt(node)
    t.equal(size, keys + 274)
    t.strictSame(await storedNodes(node), nodes)
    const checkpoints = await checkpointsOf(node)
    t.strictSame(
      checkpoints.map((each) => Number(each.size)),
      [1, 2, 4, 17, 33, 73, 273, 274].map((leaves) => keys + leaves),
      'one for each time that it grew',
    )
    for (const { size: at, root, note } of checkpoints) {
      const opened = openCheckpoint(note, auditKey(node.context))
      t.equal(opened.size, Number(at))
      t.ok(opened.root.equals(root) && roots.get(Number(at))?.equals(root))
    }
  })

  t.test('more leaves than one transaction takes', async (t) => {
    const node = await testNode(t, { seed: false })
    await scribble(node, 0, 4_500)
    t.equal(await integrateAudit(node.context), keys + 4_500, 'and the first keys')
    const { size, roots, nodes } = await rebuilt(node)
    t.strictSame(await storedNodes(node), nodes)
    const checkpoints = await checkpointsOf(node)
    t.equal(checkpoints.length, 3)
    t.ok(checkpoints.at(-1)?.root.equals(roots.get(size) ?? emptyRoot))
  })

  t.test('a leaf that commits late, with a smaller number, gets a later place', async (t) => {
    const node = await testNode(t, { seed: false })
    const late = new pg.Client({ connectionString: node.databaseUrl })
    await late.connect()
    await late.query('begin')
    await late.query(`insert into audit_leaf (at, action, decision, leaf) values (now(), 'read', 'permit', '"late"')`)
    await scribble(node, 0, 3)
    t.equal(await integrateAudit(node.context), keys + 3, 'nobody waits for it')
    await late.query('commit')
    await late.end()
    t.equal(await integrateAudit(node.context), 1, 'and it is not forgotten')
    const { rows } = await node.context.database.client.query(
      'select l.leaf from audit_tree t join audit_leaf l on l.id = t.leaf order by t.index',
    )
    t.equal(rows.at(-1)?.leaf, '"late"')
    const { rows: order } = await node.context.database.client.query(
      'select array_agg(leaf order by index) = array_agg(leaf order by leaf) as same from audit_tree',
    )
    t.equal(order[0]?.same, false)
  })

  t.test('twenty processes at once give each leaf one place', async (t) => {
    const node = await testNode(t, { seed: false })
    const others = await Promise.all(Array.from({ length: 4 }, () => secondContext(t, node.databaseUrl)))
    const writing = Array.from({ length: 20 }, (_, n) => scribble(node, n * 100, 30))
    const taking = Array.from({ length: 20 }, (_, n) => integrateAudit(others[n % others.length] ?? node.context))
    await Promise.all([...writing, ...taking])
    await integrateAudit(node.context)
    const { size, roots, nodes } = await rebuilt(node)
    t.equal(size, keys + 600)
    t.strictSame(await storedNodes(node), nodes)
    for (const { size: at, root } of await checkpointsOf(node)) t.ok(roots.get(Number(at))?.equals(root))
  })

  t.test('what breaks in the middle leaves nothing half done', async (t) => {
    const node = await testNode(t, { seed: false })
    await scribble(node, 0, 20)
    const { client } = node.context.database
    await client.query('alter table audit_checkpoint rename to elsewhere')
    await t.rejects(integrateAudit(node.context))
    const { rows } = await client.query(
      'select (select count(*) from audit_tree)::int as tree, (select count(*) from audit_pending)::int as pending',
    )
    t.strictSame(rows, [{ tree: 0, pending: keys + 20 }])
    await client.query('alter table elsewhere rename to audit_checkpoint')
    t.equal(await integrateAudit(node.context), keys + 20)
  })

  t.test('a leaf that has its place already stops nothing', async (t) => {
    const node = await testNode(t, { seed: false })
    await scribble(node, 0, 5)
    await integrateAudit(node.context)
    await node.context.database.client.query('insert into audit_pending select leaf from audit_tree where index = 2')
    await scribble(node, 10, 3)
    t.equal(await integrateAudit(node.context), 3)
    t.equal((await rebuilt(node)).size, keys + 8)
  })

  t.test('a node from before it signed gets a key at its start, and keeps it', async (t) => {
    const url = await testDatabase(t)
    const first = await secondContext(t, url)
    const { signingKey } = first.node
    t.equal(signingKey.length, 32)
    t.ok((await secondContext(t, url)).node.signingKey.equals(signingKey))
    await first.database.client.query('update node set signing_key = null')
    const [a, b] = await Promise.all([secondContext(t, url), secondContext(t, url)])
    t.ok(a?.node.signingKey.equals(b?.node.signingKey ?? emptyRoot))
    t.notOk(a?.node.signingKey.equals(signingKey))
  })

  t.test('its rows are append-only', async (t) => {
    const node = await testNode(t, { seed: false })
    await scribble(node, 0, 20)
    await integrateAudit(node.context)
    const { client } = node.context.database
    for (const table of ['audit_leaf', 'audit_tree', 'audit_node', 'audit_checkpoint']) {
      await t.rejects(client.query(`delete from ${table}`), { code: 'PU002' }, table)
      await t.rejects(client.query(`truncate ${table}`), { code: 'PU002' }, table)
    }
    await t.rejects(client.query("update audit_tree set hash = ''"), { code: 'PU002' })
    await t.rejects(client.query("update audit_node set hash = ''"), { code: 'PU002' })
  })
})

async function secondContext(t: Test, url: string) {
  const context = await startContext({
    database: { url, connections: 2, statementTimeoutMs: 30_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: (facts, message) => t.comment(message, facts) },
    version: 'test',
  })
  let closed = false
  const close = async () => {
    if (!closed) await context.close()
    closed = true
  }
  t.teardown(close)
  return { ...context, close }
}
