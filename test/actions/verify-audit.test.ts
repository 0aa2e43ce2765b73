import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { FindingKind } from '../../src/actions/audit-findings.ts'
import { integrateAudit } from '../../src/actions/index.ts'
import { auditKey } from '../../src/actions/integrate-audit.ts'
import { readingOf } from '../../src/actions/reading.ts'
import { type VerifyAuditInput, verifyAudit, verifyRows } from '../../src/actions/verify-audit.ts'
import { permittedFor } from '../../src/actions/visible.ts'
import type { Caller } from '../../src/domain/caller.ts'
import { readerOfAccount } from '../../src/domain/directory.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { originOf, signCheckpoint } from '../../src/seal/checkpoint.ts'
import { Frontier, hashLeaf } from '../../src/seal/merkle.ts'
import { formatKey, noteKey, publicKeyOf } from '../../src/seal/note.ts'
import { isStored } from '../../src/seal/stored.ts'
import { appendAudits } from '../../src/store/audit.ts'
import type { Transaction } from '../../src/store/database.ts'
import { freshAddress, type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

const green: Handling = {
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

/** A node whose log has grown in many steps, by readings, pushes, refusals and administration. */
async function busyNode(): Promise<TestNode> {
  const node = await testNode(t)
  const readers = ['camila.csirt-cl', 'diego.csirt-cl', 'ana.cert-br', 'joao.rede-sul', 'rosa.red-andina']
  for (let n = 0; n < 120; n++) {
    const amber: Handling = { ...green, tlp: 'amber', communities: ['lac-csirts'] }
    if (n % 4 === 0) {
      await node.plant(n % 8 === 0 ? green : amber, { type: 'ipv6-address', value: freshAddress(n) })
    }
    const reader = readers[n % readers.length] ?? ''
    if (n % 5 === 0) await node.call('ana.cert-br', publishing(`v${n}.example.com`))
    await node.call(reader, { url: `/v1/indicators?limit=${1 + (n % 7)}` })
    if (n % 11 === 0) await node.call('bruno.cert-br', publishing('refused.example.com'))
    if (n % 3 === 0) {
      await node.context.audit.flush()
      await integrateAudit(node.context)
    }
  }
  await node.context.audit.flush()
  await integrateAudit(node.context)
  return node
}

const publishing = (value: string) => ({
  method: 'POST' as const,
  url: '/v1/indicators?tlp=green',
  payload: { value },
})

/** What an examination finds after rows were changed past the triggers; the change is taken back. */
async function findingsAfter(
  node: TestNode,
  change: (sql: (text: string, values?: unknown[]) => Promise<void>, transaction: Transaction) => Promise<void>,
  input: VerifyAuditInput = {},
): Promise<FindingKind[]> {
  let kinds: FindingKind[] = []
  const undo = new Error('undo')
  await node.context.database
    .transaction(async (transaction) => {
      await transaction.client.query('set local session_replication_role = replica')
      await change(async (text, values = []) => {
        const { rowCount } = await transaction.client.query(text, values)
        if (rowCount === 0) throw new Error(`nothing was changed by ${text}`)
      }, transaction)
      const { counts } = await verifyRows(transaction, input)
      kinds = (Object.keys(counts) as FindingKind[]).sort()
      throw undo
    })
    .catch((error) => {
      if (error !== undo) throw error
    })
  return kinds
}

/** Makes hashes and inner nodes what the leaves of the tree now give, as somebody would who hides a change. */
async function coverUp({ client }: Transaction): Promise<{ readonly size: number; readonly root: Buffer }> {
  const { rows } = await client.query<{ index: bigint; leaf: string }>(
    'select t.index, l.leaf from audit_tree t join audit_leaf l on l.id = t.leaf order by t.index',
  )
  await client.query('delete from audit_node')
  const frontier = new Frontier()
  const nodes: { level: number; index: number; hash: Buffer }[] = []
  for (const { leaf } of rows) {
    frontier.append(hashLeaf(leaf), (subtree, hash) => {
      if (isStored(subtree)) nodes.push({ ...subtree, hash })
    })
  }
  await client.query(
    'update audit_tree t set hash = n.hash from unnest($1::bigint[], $2::bytea[]) n (index, hash) where n.index = t.index',
    [rows.map(({ index }) => String(index)), rows.map(({ leaf }) => hashLeaf(leaf))],
  )
  await client.query(
    'insert into audit_node (level, index, hash) select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])',
    [nodes.map(({ level }) => level), nodes.map(({ index }) => index), nodes.map(({ hash }) => hash)],
  )
  return { size: frontier.size, root: frontier.root() }
}

t.test('the log', async (t) => {
  const node = await busyNode()
  const { client } = node.context.database
  const { size, leaves } = await extent(node)
  t.ok(size > 100, `${size} leaves`)

  t.test('an untouched log has no findings, and the policy agrees with itself', async (t) => {
    const report = await verifyAudit(node.context.database, { key: formatKey(auditKey(node.context)) })
    t.strictSame(report.findings, [])
    t.equal(report.size, size)
    t.ok(report.checkpoints > 35, `${report.checkpoints} checkpoints`)
    t.ok(report.readings > 80 && report.decisions >= report.readings, `${report.readings} readings asked again`)
    const { rows } = await client.query('select note, root from audit_checkpoint order by size desc limit 1')
    t.equal(report.root, rows[0].root.toString('hex'))
    const seen: number[] = []
    await verifyAudit(node.context.database, { onProgress: (done, all) => seen.push(done, all) })
    t.strictSame(seen, [size, size])
  })

  t.test('every alteration of a sampled leaf is found', async (t) => {
    const other = (id: bigint) => leaves[(leaves.indexOf(id) + 1) % leaves.length]
    const ways: Record<string, (id: bigint) => Parameters<typeof findingsAfter>[1]> = {
      'the text': (id) => (sql) =>
        sql(`update audit_leaf set leaf = replace(leaf, '"actor"', '"acton"') where id = $1`, [id]),
      'the text and its hash': (id) => async (sql) => {
        await sql(`update audit_leaf set leaf = replace(leaf, '"decision"', '"decisiom"') where id = $1`, [id])
        const { rows } = await client.query('select leaf from audit_leaf where id = $1', [String(id)])
        const altered = hashLeaf(rows[0].leaf.replace('"decision"', '"decisiom"'))
        await sql('update audit_tree set hash = $2 where leaf = $1', [id, altered])
      },
      'the text, and everything made to fit': (id) => async (sql, transaction) => {
        await sql(`update audit_leaf set leaf = replace(leaf, '"policy"', '"policz"') where id = $1`, [id])
        await coverUp(transaction)
      },
      'a column': (id) => (sql) => sql(`update audit_leaf set actor = 'nobody' where id = $1`, [id]),
      'the time of a column': (id) => (sql) =>
        sql(`update audit_leaf set at = at + interval '1 ms' where id = $1`, [id]),
      'the subject': (id) => (sql) => sql(`update audit_subject set subject = subject || ' ' where leaf = $1`, [id]),
      'the salt': (id) => (sql) => sql(`update audit_subject set salt = $2 where leaf = $1`, [id, randomBytes(16)]),
      'dropped from the log': (id) => (sql) => sql('delete from audit_leaf where id = $1', [id]),
      'dropped from the tree': (id) => (sql) => sql('delete from audit_tree where leaf = $1', [id]),
      'dropped from both': (id) => async (sql) => {
        await sql('delete from audit_leaf where id = $1', [id])
        await sql('delete from audit_tree where leaf = $1', [id])
      },
      'dropped, and the rest moved up': (id) => async (sql, transaction) => {
        const { rows } = await transaction.client.query('delete from audit_tree where leaf = $1 returning index', [id])
        await sql('delete from audit_leaf where id = $1', [id])
        // the unique index is checked row by row: through negative numbers it never clashes
        await transaction.client.query('alter table audit_tree drop constraint audit_tree_index_check')
        await transaction.client.query('update audit_tree set index = -index where index > $1', [rows[0].index])
        await transaction.client.query('update audit_tree set index = -index - 1 where index < 0')
        await coverUp(transaction)
      },
      'exchanged with another': (id) => async (sql) => {
        const { rows } = await client.query<{ leaf: bigint; index: bigint; hash: Buffer }>(
          'select leaf, index, hash from audit_tree where leaf = any($1::bigint[])',
          [[String(id), String(other(id))]],
        )
        const [a, b] = rows
        await sql('delete from audit_tree where leaf = any($1::bigint[])', [[String(a?.leaf), String(b?.leaf)]])
        await sql('insert into audit_tree (index, leaf, hash) values ($1, $2, $3)', [a?.index, b?.leaf, b?.hash])
        await sql('insert into audit_tree (index, leaf, hash) values ($1, $2, $3)', [b?.index, a?.leaf, a?.hash])
      },
      'repeated in the log': (id) => (sql) =>
        sql(
          `insert into audit_leaf (at, action, actor, organisation, decision, leaf)
           select at, action, actor, organisation, decision, leaf from audit_leaf where id = $1`,
          [id],
        ),
      'repeated at the end of the tree': (id) => (sql) =>
        sql(
          `with copy as (insert into audit_leaf (at, action, actor, organisation, decision, leaf)
             select at, action, actor, organisation, decision, leaf from audit_leaf where id = $1 returning id)
           insert into audit_tree (index, leaf, hash)
           select (select max(index) + 1 from audit_tree), copy.id, t.hash from copy, audit_tree t where t.leaf = $1`,
          [id],
        ),
    }
    let sampled = 0
    for (const [name, way] of Object.entries(ways)) {
      for (const at of fc.sample(fc.nat(leaves.length - 1), 8)) {
        const id = leaves[at] ?? 0n
        if ((await findingsAfter(node, way(id))).length === 0) t.fail(`${name} of leaf ${id} was not found`)
        sampled++
      }
    }
    t.ok(sampled > 100, `${sampled} alterations`)
    // what each is called, once
    const first = leaves[40] ?? 0n
    const kinds = async (name: string) => findingsAfter(node, ways[name]?.(first) ?? (async () => {}))
    t.strictSame(await kinds('the text'), ['leaf-altered'])
    t.strictSame(await kinds('the text, and everything made to fit'), ['root'])
    t.strictSame(await kinds('a column'), ['columns-altered'])
    t.strictSame(await kinds('the subject'), ['subject-altered'])
    t.strictSame(await kinds('dropped from the log'), ['leaf-missing'])
    t.strictSame(await kinds('dropped from the tree'), ['leaf-stranger', 'place-missing'])
    t.strictSame(await kinds('exchanged with another'), ['node-altered', 'root'])
    t.strictSame(await kinds('repeated in the log'), ['leaf-stranger'])
    t.strictSame(await kinds('repeated at the end of the tree'), ['unsigned'])
  })

  t.test('what stands beside the leaves is examined too', async (t) => {
    const found = (change: string) => findingsAfter(node, (sql) => sql(change))
    const some = 'size = (select size from audit_checkpoint order by size offset 9 limit 1)'
    t.strictSame(await found(`update audit_checkpoint set root = decode(repeat('00', 32), 'hex') where ${some}`), [
      'checkpoint',
      'root',
    ])
    t.strictSame(await found(`update audit_checkpoint set note = replace(note, '—', '-') where ${some}`), [
      'checkpoint',
    ])
    t.strictSame(
      await found(
        `update audit_checkpoint set note = (select note from audit_checkpoint order by size limit 1) where ${some}`,
      ),
      ['checkpoint'],
    )
    t.strictSame(await found('delete from audit_checkpoint where size = (select max(size) from audit_checkpoint)'), [
      'unsigned',
    ])
    t.strictSame(
      await found("update audit_node set hash = decode(repeat('00', 32), 'hex') where level = 4 and index = 2"),
      ['node-altered'],
    )
    t.strictSame(await found('delete from audit_node where level = 4 and index = 2'), ['node-altered'])
    t.strictSame(await found("insert into audit_node values (4, 1000, '\\x00')"), ['node-altered'])
    t.strictSame(await found("update audit_basis set body = replace(body, 'csirt-cl', 'csirt-co')"), ['basis'])
    t.strictSame(await found('delete from audit_basis'), ['basis'])
    t.strictSame(
      await found(`update handling set body = replace(body, 'amber', 'green'),
        digest = sha256(convert_to(replace(body, 'amber', 'green'), 'UTF8')) where body like '%amber%'`),
      ['basis'],
    )
    t.strictSame(await found('insert into audit_pending values (999999)'), ['leaf-missing'])
    t.strictSame(await found('insert into audit_pending select leaf from audit_tree where index = 5'), ['leaf-missing'])
    t.strictSame(await found('update audit_leaf set requests = array[gen_random_uuid()] where id = 5'), [
      'columns-altered',
    ])
    t.strictSame(
      await found("update audit_leaf set receipt = gen_random_uuid() where action = 'publish' and decision = 'permit'"),
      ['columns-altered'],
    )
  })

  t.test(
    'a log that was cut at its end is found by its checkpoints, and by one kept outside when those are cut too',
    async (t) => {
      const { rows } = await client.query('select note, size from audit_checkpoint order by size desc limit 1')
      const kept = { checkpoints: [rows[0].note] }
      const cut = async (sql: (text: string) => Promise<void>) => {
        const beyond = '(select size from audit_checkpoint order by size desc offset 3 limit 1)'
        await sql(`delete from audit_leaf where id in (select leaf from audit_tree where index >= ${beyond})`)
        await sql(`delete from audit_tree where index >= ${beyond}`)
      }
      const cutHeads = 'delete from audit_checkpoint where size > (select max(index) + 1 from audit_tree)'
      t.strictSame(await findingsAfter(node, cut), ['unsigned'])
      const both = async (sql: (text: string) => Promise<void>) => {
        await cut(sql)
        await sql(cutHeads)
      }
      t.strictSame(await findingsAfter(node, both), [], 'the rows alone cannot tell')
      t.strictSame(await findingsAfter(node, both, kept), ['extension'])
      t.strictSame(await findingsAfter(node, async () => {}, kept), [], 'and an honest log extends it')
    },
  )

  t.test('who has the node’s key and signs everything anew is found by a checkpoint kept outside', async (t) => {
    const { rows } = await client.query('select note from audit_checkpoint order by size offset 5 limit 1')
    const rewrite = async (sql: (text: string, values?: unknown[]) => Promise<void>, transaction: Transaction) => {
      await sql(`update audit_leaf set leaf = replace(leaf, '"policy"', '"policz"') where id = $1`, [leaves[2]])
      const { size: now, root } = await coverUp(transaction)
      await sql('delete from audit_checkpoint')
      const note = signCheckpoint(now, root, auditKey(node.context), node.context.node.signingKey)
      await sql('insert into audit_checkpoint values ($1, $2, $3, now())', [now, root, note])
    }
    t.strictSame(await findingsAfter(node, rewrite), [], 'the rows alone cannot tell')
    t.strictSame(await findingsAfter(node, rewrite, { checkpoints: [rows[0].note] }), ['extension'])
  })

  t.test('another key that signs everything anew is found by the key known from elsewhere', async (t) => {
    const seed = createHash('sha256').update('another key').digest()
    const key = noteKey(originOf(node.context.node.id), publicKeyOf(seed))
    const resign = async (
      sql: (text: string, values?: unknown[]) => Promise<void>,
      { client: inside }: Transaction,
    ) => {
      await sql('update node set signing_key = $1', [seed])
      const { rows } = await inside.query('select size, root from audit_checkpoint')
      for (const { size: at, root } of rows) {
        await sql('update audit_checkpoint set note = $2 where size = $1', [
          at,
          signCheckpoint(Number(at), root, key, seed),
        ])
      }
    }
    t.strictSame(await findingsAfter(node, resign), [], 'the rows alone cannot tell')
    const known = { key: formatKey(auditKey(node.context)) }
    t.strictSame(await findingsAfter(node, resign, known), ['checkpoint'])
  })

  t.test('a decision that today’s rules would not take is named', async (t) => {
    const standing = await node.context.policy.current()
    const [handlingId = 0] = await node.context.policy.intern([{ ...green, tlp: 'amber', organisations: ['rede-sul'] }])
    const caller: Caller = { reader: reader('joao.rede-sul'), scopes: ['read'], purpose: 'defence', operator: false }
    const indicator = { originator: 'cert-br', id: 'indicator--x', version: 1, handlingId } as never
    const permitted = permittedFor(node.context, caller, standing)
    const honest = readingOf(node.context, caller, standing, permitted, 'read', [indicator])
    if (honest === undefined) throw new Error('no reading')
    const elsewhere = JSON.stringify({ ...reader('raul.red-andina') })
    const digest = createHash('sha256').update(elsewhere).digest('hex')
    const { count = 1, world = '' } = honest.entry.reading ?? {}
    const wrong = { ...honest.entry, actor: 'raul.red-andina', reading: { count, world, reader: digest } }
    await appendAudits(node.context.database, [honest.entry], honest.bases)
    await appendAudits(node.context.database, [wrong], [{ digest, body: elsewhere }])
    await integrateAudit(node.context)
    const { counts, findings } = await verifyAudit(node.context.database)
    t.strictSame(counts, { decision: 1 })
    t.match(findings[0]?.sentence, /raul\.red-andina was given cert-br's TLP:AMBER .*: permit; .* deny by tlp\.amber/)

    function reader(account: string) {
      const known = readerOfAccount(standing.directory, account)
      if (known === undefined) throw new Error(`${account} is not enrolled`)
      return known
    }
  })

  t.test('a subject may be erased, and the tree and its proofs stay whole', async (t) => {
    await client.query('delete from audit_subject where leaf = any($1::bigint[])', [leaves.slice(3, 9).map(String)])
    const report = await verifyAudit(node.context.database)
    t.equal(report.erased, 6)
    t.strictSame(Object.keys(report.counts), ['decision'], 'only what was there before')
    await t.rejects(client.query("update audit_subject set subject = ''"), { code: 'PU002' }, 'erased, never rewritten')
  })
})

async function extent(node: TestNode) {
  const { rows } = await node.context.database.client.query<{ leaf: bigint }>(
    'select leaf from audit_tree order by index',
  )
  return { size: rows.length, leaves: rows.map(({ leaf }) => leaf) }
}
