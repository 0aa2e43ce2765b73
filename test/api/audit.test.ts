import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { integrateAudit } from '../../src/actions/index.ts'
import { run } from '../../src/cli/main.ts'
import { readConfig } from '../../src/config.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { openCheckpoint } from '../../src/seal/checkpoint.ts'
import { hashLeaf } from '../../src/seal/merkle.ts'
import { parseKey } from '../../src/seal/note.ts'
import { verifyConsistency, verifyInclusion } from '../../src/seal/proofs.ts'
import { testNode } from '../node.ts'

t.setTimeout(120_000)

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
const bytes = (path: readonly string[]) => path.map((step) => Buffer.from(step, 'hex'))

/** One command line in this process. */
async function puente(environment: NodeJS.ProcessEnv, ...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(argv, () => ({
    ...readConfig(environment),
    stdin: Readable.from([]),
    terminal: { out: false, err: false },
    print: (line) => void out.push(line),
    say: (line) => void err.push(line),
  }))
  return { code, out: out.join('\n'), err: err.join('\n') }
}

t.test('the doors of the audit log', async (t) => {
  const node = await testNode(t)
  const get = (account: string, url: string) => node.call(account, { url: `/v1/audit/${url}` })

  t.test('before the first checkpoint there is none', async (t) => {
    t.equal((await get('anonymous', 'checkpoint')).status, 404)
    t.equal((await get('anonymous', 'proofs/consistency?from=1')).status, 400)
    t.equal((await get('anonymous', `proofs/inclusion?hash=${'0'.repeat(64)}`)).status, 404)
  })

  await node.plant(green, { type: 'domain-name', value: 'seen.example.com' })
  const pushed = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    payload: { value: 'pushed.example.com' },
  })
  await node.call('camila.csirt-cl', { url: '/v1/indicators' })
  await node.call('diego.csirt-cl', { url: '/v1/indicators' })
  await node.call('bruno.cert-br', { method: 'POST', url: '/v1/indicators?tlp=green', payload: { value: 'x.example' } })
  await node.context.audit.flush()
  await integrateAudit(node.context)
  const early = (await get('anonymous', 'checkpoint')).text
  for (let n = 0; n < 30; n++) {
    await node.call('joao.rede-sul', { url: '/v1/indicators?limit=1' })
    await node.context.audit.flush()
    if (n % 7 === 0) await integrateAudit(node.context)
  }
  await integrateAudit(node.context)
  const key = parseKey((await get('anonymous', 'key')).body.key)

  t.test('anybody gets the signed head, and can check that the log only grew', async (t) => {
    const answer = await get('anonymous', 'checkpoint')
    t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    const [older, newer] = [openCheckpoint(early, key), openCheckpoint(answer.text, key)]
    t.ok(newer.size > older.size)
    const { body } = await get('anonymous', `proofs/consistency?from=${older.size}`)
    t.equal(body.to, newer.size)
    t.ok(verifyConsistency({ older: body.from, newer: body.to, path: bytes(body.path) }, older.root, newer.root))
    const { body: list } = await get('joao.rede-sul', 'checkpoints?limit=2')
    t.equal(list.items.length, 2)
    t.equal(list.items[0].note, early)
    const { body: rest } = await get('joao.rede-sul', `checkpoints?after=${list.next}`)
    t.equal(rest.items.at(-1).note, answer.text)
    t.equal(rest.next, undefined)
    t.equal((await get('anonymous', 'checkpoints')).status, 401)
  })

  t.test('a publisher finds the leaf of its push by the receipt, and proves that it is in the log', async (t) => {
    const { body } = await get('ana.cert-br', `leaves?receipt=${pushed.body.receipt}`)
    t.equal(body.items.length, 1)
    const [leaf] = body.items
    t.equal(hashLeaf(leaf.text).toString('hex'), leaf.hash)
    t.equal(JSON.parse(leaf.subject).receipt, pushed.body.receipt)
    const commitment = createHash('sha256').update(Buffer.from(leaf.salt, 'hex')).update(leaf.subject).digest('hex')
    t.equal(commitment, JSON.parse(leaf.text).subject)
    const { body: proof } = await get('ana.cert-br', `proofs/inclusion?leaf=${leaf.id}`)
    t.strictSame(proof.leaf, leaf)
    const head = openCheckpoint(proof.checkpoint, key)
    const steps = { index: proof.index, size: proof.size, path: bytes(proof.path) }
    t.ok(verifyInclusion(Buffer.from(leaf.hash, 'hex'), steps, head.root))
    const { body: byHash } = await get('anonymous', `proofs/inclusion?hash=${leaf.hash}&size=${proof.size}`)
    t.strictSame(byHash, (({ leaf: _, ...more }) => more)(proof), 'who has the hash has the leaf')
    const smaller = openCheckpoint(early, key)
    const { body: inEarly } = await get('anonymous', `proofs/inclusion?hash=${leaf.hash}&size=${smaller.size}`)
    t.ok(verifyInclusion(hashLeaf(leaf.text), { ...inEarly, path: bytes(inEarly.path) }, smaller.root))
    t.equal(inEarly.checkpoint, early)
  })

  t.test('leaves are listed by whose they are, and what they are about only to whoever did it', async (t) => {
    const own = await get('camila.csirt-cl', 'leaves')
    t.ok(own.body.items.length > 0)
    for (const { text, subject, salt } of own.body.items) {
      t.equal(JSON.parse(text).actor, 'camila.csirt-cl')
      t.type(subject, 'string')
      t.type(salt, 'string')
    }
    const ours = await get('elena.csirt-cl', 'leaves?of=organisation')
    const actors = new Set(ours.body.items.map(({ text }: { text: string }) => JSON.parse(text).actor))
    t.strictSame([...actors].sort(), ['camila.csirt-cl', 'diego.csirt-cl'])
    t.ok(
      ours.body.items.every((leaf: object) => !('subject' in leaf) && !('salt' in leaf)),
      'not even to who answers for it',
    )
    const all = await get('policy.lacnic', 'leaves?of=node')
    const organisations = new Set(all.body.items.map(({ text }: { text: string }) => JSON.parse(text).organisation))
    t.ok(organisations.size > 2)
    t.ok(all.body.items.every((leaf: object) => !('subject' in leaf)))
    for (const [account, of] of [
      ['camila.csirt-cl', 'organisation'],
      ['elena.csirt-cl', 'node'],
      ['admin.lacnic', 'node'],
      ['marta.lacnic', 'node'],
    ] as const) {
      const refused = await get(account, `leaves?of=${of}`)
      t.equal(refused.status, 403, `${account} asks for ${of}`)
      t.equal(refused.body.rule, `leaves.${of}`)
    }
    t.equal((await get('anonymous', 'leaves')).status, 401)
    const refusals = await get('policy.lacnic', 'leaves?of=node&action=list-leaves')
    t.equal(refusals.body.items.length, 4, 'refusals are on the log')
  })

  t.test('somebody else’s leaf is not there, like one that does not exist', async (t) => {
    await integrateAudit(node.context)
    const [leaf] = (await get('camila.csirt-cl', 'leaves')).body.items
    const absent = await get('joao.rede-sul', 'proofs/inclusion?leaf=999999999')
    t.equal(absent.status, 404)
    for (const account of ['joao.rede-sul', 'diego.csirt-cl', 'ana.cert-br']) {
      const answer = await get(account, `proofs/inclusion?leaf=${leaf.id}`)
      t.strictSame([answer.status, answer.text], [404, absent.text], account)
    }
    t.equal((await get('anonymous', `proofs/inclusion?leaf=${leaf.id}`)).text, absent.text)
    t.equal((await get('elena.csirt-cl', `proofs/inclusion?leaf=${leaf.id}`)).body.leaf.hash, leaf.hash)
    t.equal((await get('policy.lacnic', `proofs/inclusion?leaf=${leaf.id}`)).body.leaf.subject, undefined)
    const foreign = await get('joao.rede-sul', `leaves?receipt=${pushed.body.receipt}`)
    t.strictSame(foreign.body, { items: [] })
  })

  t.test('pages of leaves go on where they ended', async (t) => {
    const seen: string[] = []
    let before = ''
    for (let pages = 0; pages < 20; pages++) {
      const { body } = await get('joao.rede-sul', `leaves?limit=4${before}`)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      if (body.next === undefined) break
      before = `&before=${body.next}`
    }
    t.equal(seen.length, 30)
    t.equal(new Set(seen).size, 30)
    t.strictSame(
      seen,
      [...seen].sort((a, b) => Number(b) - Number(a)),
    )
    const later = await get('joao.rede-sul', 'leaves?since=2027-01-01')
    t.strictSame(later.body, { items: [] })
    t.equal((await get('joao.rede-sul', 'leaves?until=2027-01-01&action=search')).body.items.length, 30)
  })

  t.test('bad input is refused by name', async (t) => {
    const bad = [
      'proofs/inclusion',
      `proofs/inclusion?leaf=1&hash=${'0'.repeat(64)}`,
      'proofs/inclusion?leaf=-1',
      'proofs/inclusion?leaf=9999999999999999999999',
      'proofs/inclusion?hash=zz',
      `proofs/inclusion?hash=${'A'.repeat(64)}`,
      'proofs/inclusion?leaf=1&size=0',
      'proofs/inclusion?leaf=1&size=1e99',
      'proofs/inclusion?leaf=1&unknown=1',
      'proofs/consistency',
      'proofs/consistency?from=0',
      'proofs/consistency?from=9&to=3',
      'proofs/consistency?from=x',
      'proofs/consistency?from=1.5',
      'leaves?of=everybody',
      'leaves?receipt=x',
      'leaves?before=x',
      'leaves?since=yesterday',
      'leaves?limit=0',
      'leaves?limit=1001',
      'leaves?action=%00',
      'checkpoints?after=-1',
      'checkpoints?limit=5000',
    ]
    for (const url of bad) {
      const answer = await get('ana.cert-br', url)
      t.equal(answer.status, 400, url)
      t.match(answer.headers['content-type'], /^application\/problem\+json/)
    }
    t.equal((await get('ana.cert-br', 'proofs/consistency?from=1&to=9007199254740991')).status, 404)
    t.equal((await get('ana.cert-br', `proofs/inclusion?hash=${'0'.repeat(64)}&size=9007199254740991`)).status, 404)
    t.strictSame((await get('ana.cert-br', 'leaves?action=unknown')).body, { items: [] })
  })

  t.test('the command line: heads, leaves, evidence that is checked offline, and the examination', async (t) => {
    const url = await node.app.listen({ host: '127.0.0.1', port: 0 })
    const apiKey = node.as('ana.cert-br').authorization?.replace('Bearer ', '')
    const environment = { PUENTE_URL: url, PUENTE_API_KEY: apiKey, DATABASE_URL: node.databaseUrl }
    const folder = t.testdir({})
    const file = (name: string) => path.join(folder, name)
    const { out: vkey } = await puente(environment, 'audit', 'key')
    t.strictSame(parseKey(vkey), key)
    const head = await puente(environment, 'audit', 'checkpoint')
    writeFileSync(file('head.txt'), `${head.out}\n`)
    t.equal(openCheckpoint(`${head.out}\n`, key).origin, key.name)
    t.match((await puente(environment, 'audit', 'checkpoint', '--list')).out, /SIZE/)
    const listed = await puente(environment, 'audit', 'leaves', '--receipt', pushed.body.receipt, '--json')
    const { id } = JSON.parse(listed.out)
    t.match((await puente(environment, 'audit', 'leaves', '--action', 'publish')).out, /publish .* permit/)
    t.equal((await puente(environment, 'audit', 'prove', id, '--out', file('proof.json'))).code, 0)
    const offline = { PUENTE_URL: 'http://127.0.0.1:1' }
    const checked = await puente(offline, 'audit', 'check', file('proof.json'), '--key', vkey, '--json')
    t.equal(checked.code, 0)
    t.strictSame(JSON.parse(checked.out).faults, [])
    const { out: evidence } = await puente(environment, 'audit', 'prove', id)
    const faulty = async (change: (text: string) => string) => {
      writeFileSync(file('altered.json'), change(evidence))
      return await puente(offline, 'audit', 'check', file('altered.json'), '--key', vkey)
    }
    for (const change of [
      (text: string) => text.replace('permit', 'denied'),
      (text: string) => text.replace(/"hash":"(.)/g, (_, digit) => `"hash":"${digit === 'f' ? '0' : 'f'}`),
      (text: string) => text.replace(/"index":\d+,"size"/, '"index":0,"size"'),
      (text: string) => text.replace('pushed', 'others').replace('\\"written\\":1', '\\"written\\":2'),
      (text: string) => text.replace(/"path":\[.*\]/, '"path":[]'),
      (text: string) => text.replace(/\\n— /, '\\n\\n— '),
    ]) {
      t.equal((await faulty(change)).code, 1, String(change))
    }
    t.equal((await faulty(() => '{}')).code, 2)
    t.equal((await faulty(() => 'no json')).code, 2)
    t.equal((await puente(offline, 'audit', 'check', file('none.json'), '--key', vkey)).code, 2)
    t.equal((await puente(offline, 'audit', 'check', file('proof.json'), '--key', 'x')).code, 2)
    const stranger = vkey.replace(/\+.*/, '+6d9b9a0c+AW0=')
    t.equal((await puente(offline, 'audit', 'check', file('proof.json'), '--key', stranger)).code, 2)

    const good = await puente(environment, 'audit', 'verify', '--key', vkey, '--checkpoint', file('head.txt'))
    t.equal(good.code, 0, good.err)
    t.match(good.out, /nothing was found/)
    writeFileSync(file('early.txt'), early)
    const both = ['--checkpoint', file('early.txt'), '--checkpoint', file('head.txt')]
    t.equal((await puente(environment, 'audit', 'verify', ...both)).code, 0)
    writeFileSync(file('bad.txt'), early.replace('puente', 'puenta'))
    t.equal((await puente(environment, 'audit', 'verify', '--checkpoint', file('bad.txt'))).code, 2)
    const { client } = node.context.database
    await client.query('alter table audit_leaf disable trigger all')
    await client.query(`update audit_leaf set leaf = replace(leaf, 'permit', 'denied') where id = $1`, [id])
    await client.query('alter table audit_leaf enable trigger all')
    const found = await puente(environment, 'audit', 'verify')
    t.equal(found.code, 1)
    t.match(found.out, new RegExp(`leaf-altered leaf ${id}: `))
    const machine = await puente(environment, 'audit', 'verify', '--json')
    t.equal(machine.code, 1)
    t.strictSame(JSON.parse(machine.out).counts, { 'leaf-altered': 1 })
    const away = await puente({ ...environment, DATABASE_URL: 'postgres://127.0.0.1:1/x' }, 'audit', 'verify')
    t.equal(away.code, 3)
  })
})
