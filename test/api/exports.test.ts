import { createHash } from 'node:crypto'
import t from 'tap'
import { forgetPackages, runExports } from '../../src/actions/index.ts'
import { auditKey, integrateAudit } from '../../src/actions/integrate-audit.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { verifyPackage } from '../../src/cli/export/verify-package.ts'
import { packageFiles } from '../../src/domain/export.ts'
import { limits } from '../../src/domain/limits.ts'
import { markingOfTlp } from '../../src/domain/tlp.ts'
import { readZip, writeZip } from '../../src/formats/export-zip.ts'
import { approvedRequest, get, legalNode, post, requestBody } from '../legal.ts'
import { download, fileIn, packageOf, start } from '../packages.ts'
import { ask, handling } from './graphql.ts'

t.setTimeout(240_000)

const liaison = 'ignacio.policia-cl'
const onRequest = handling('csirt-cl', { tlp: 'green' })
const allowed = handling('csirt-cl', { tlp: 'green', lawEnforcement: 'allowed' })
const address = (n: number) => ({ type: 'ipv4-address', value: `192.0.2.${n}` })

/** Values in a package, sorted. */
const valuesIn = (bytes: Buffer): string[] =>
  fileIn(bytes, 'indicators.ndjson')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => /= '([^']+)'/.exec(JSON.parse(line).pattern)?.[1] ?? '')
    .sort()

t.test('a package holds what request and policy let through, is given once, and holds offline', async (t) => {
  const node = await legalNode(t)
  const key = auditKey(node.context)
  await node.plant(onRequest, address(1), { name: '=cmd|calc', description: 'Dirección' })
  await node.plant(allowed, address(2))
  await node.plant({ ...onRequest, lawEnforcement: 'never' }, address(3))
  await node.plant({ ...onRequest, originator: 'red-andina' }, address(4))
  await node.plant(onRequest, { type: 'url', value: 'http://outside.example/' })
  await node.plant({ ...onRequest, expiresAt: '2026-05-01T00:00:00.000Z' }, address(5))
  await node.plant({ ...onRequest, attribution: 'anonymous' }, address(6))
  await node.plant({ ...onRequest, tlp: 'amber', organisations: ['csirt-ar'] }, address(7))
  // What its account is told at other doors does not reach into a package.
  const amended = { method: 'PATCH', url: `/v1/accounts/${liaison}`, payload: { stixMarkings: 'tlp1' } } as const
  t.equal((await node.call('marta.lacnic', amended)).status, 200)
  const request = await approvedRequest(node)
  const id = await start(node, request, { language: 'es' })
  t.match((await get(node, liaison, `/v1/exports/${id}`)).body, { state: 'queued', items: 0 })
  t.match(await download(node, id), { status: 409, code: 'export_not_ready' })
  await runExports(node.context)
  const ready = (await get(node, liaison, `/v1/exports/${id}`)).body
  t.match(ready, { state: 'ready', items: 2, done: 2, masked: 0 })
  for (const other of ['berta.policia-cl', 'iris.csirt-cl', 'diego.csirt-cl']) {
    const answer = await download(node, id, other)
    t.ok(answer.status === 404 || answer.status === 403, `${other} fetches nothing: ${answer.status}`)
  }
  t.match((await get(node, 'policy.lacnic', `/v1/exports/${id}`)).body, { state: 'ready' })
  const count = async () =>
    (
      await node.context.database.client.query(
        "select from audit_leaf where action = 'download-export' and decision = 'permit'",
      )
    ).rows.length
  const before = await count()
  const { status, bytes } = await download(node, id)
  t.equal(status, 200)
  t.equal(await count(), before + 2, 'that it was given, and that the request is fulfilled, is on the log')
  t.equal(bytes.length, ready.bytes)
  t.equal(createHash('sha256').update(bytes).digest('hex'), ready.sha256)
  t.strictSame(valuesIn(bytes), ['192.0.2.1', '192.0.2.2'])
  t.match(await download(node, id), { status: 410, code: 'export_outdated' }, 'once')
  t.match((await get(node, liaison, `/v1/legal-requests/${request}`)).body, { state: 'fulfilled' })
  t.strictSame([...readZip(bytes, limits.exportBytes).keys()], [...packageFiles])
  t.match(fileIn(bytes, 'README.txt'), /^\ufeffPuente: exportación bajo una solicitud legal\r\n/)
  const csv = fileIn(bytes, 'indicators.csv')
  t.match(csv, /^\ufeffid,type,value/)
  t.match(csv, /,'=cmd\|calc,Dirección,/, 'no formula, and accents')
  t.match(fileIn(bytes, 'handling.csv'), /csirt-cl,green.*permit,tlp\.green\|jurisdiction\.agreement\|purpose\.le/)
  const marked = fileIn(bytes, 'indicators.ndjson').match(/marking-definition--[0-9a-f-]+/g)
  t.strictSame(new Set(marked), new Set([markingOfTlp.green]), 'labels are those of TLP 2.0')
  const manifest = JSON.parse(fileIn(bytes, 'manifest.json'))
  t.match(manifest, { request: { id: request, liaison, organisation: 'policia-cl' }, counts: { items: 2, masked: 0 } })
  t.strictSame(
    manifest.request.approvals.map(({ side }: { side: string }) => side),
    ['node', 'originator:csirt-cl'],
  )
  t.notOk(JSON.stringify(manifest).includes('withheld'), 'what is not in it is not counted either')
  t.match(await verifyPackage(bytes, key), { faults: { length: 0 }, request, items: 2 })
  const { rows } = await node.context.database.client.query('select from export_item where stix is not null')
  t.strictSame(rows, [], 'the content is forgotten')
  await integrateAudit(node.context)
  t.strictSame((await verifyAudit(node.context.database, {})).findings, [], 'and the policy says the same of it again')
  t.equal((await get(node, liaison, '/v1/indicators?value=192.0.2.1')).body.items.length, 0, 'no other door gives it')
})

t.test('the same request at the same place has the same bytes, however it was made', async (t) => {
  const node = await legalNode(t)
  for (let n = 1; n <= 9; n++) await node.plant(onRequest, address(n))
  const request = await approvedRequest(node)
  const id = await start(node, request)
  await runExports(node.context)
  const first = (await download(node, id)).bytes
  const again = await start(node, request, { again: id })
  // A step, and then the process is dead: the lease must end before another goes on.
  await runExports(node.context, 1)
  await node.context.database.client.query("update export set held_until = '2026-06-01T00:00:10Z' where id = $1", [
    again,
  ])
  t.equal(await runExports(node.context), 0)
  node.at('2026-06-01T00:00:11.000Z')
  await runExports(node.context)
  const second = (await download(node, again)).bytes
  t.ok(first.equals(second), 'the same bytes')
  const third = await packageOf(node, request)
  t.ok(first.equals(third), 'and a new one, where nothing happened')
  await node.call('camila.csirt-cl', {
    method: 'POST',
    url: `/v1/indicators/${JSON.parse(fileIn(first, 'manifest.json')).items[0].id}/recall`,
    headers: { 'content-type': 'application/json' },
    payload: '{"reason":"wrong"}',
  })
  const late = await start(node, request, { again: id })
  await runExports(node.context)
  t.match(await download(node, late), { status: 410, code: 'export_outdated' }, 'not after something was taken back')
})

t.test('it is decided again when it is written, and when it is fetched', async (t) => {
  const node = await legalNode(t)
  const first = await node.plant(onRequest, address(1))
  await node.plant(onRequest, address(2))
  const request = await approvedRequest(node)
  const id = await start(node, request)
  await runExports(node.context, 1)
  t.match((await get(node, liaison, `/v1/exports/${id}`)).body, { state: 'running', items: 2, done: 0 })
  const change = (word: string, method: 'POST' | 'PATCH', payload: object) =>
    node.call('camila.csirt-cl', {
      method,
      url: `/v1/indicators/${first}${word}`,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    })
  t.equal((await change('', 'PATCH', { description: 'seen again' })).status, 200)
  await runExports(node.context)
  t.match((await get(node, liaison, `/v1/exports/${id}`)).body, { state: 'ready', items: 2 }, 'selected anew')
  t.equal((await change('/recall', 'POST', { reason: 'wrong' })).status, 200)
  t.match(await download(node, id), { status: 410, code: 'export_outdated' })
  t.match((await get(node, liaison, `/v1/exports/${id}`)).body, { state: 'outdated' })
  t.strictSame(valuesIn(await packageOf(node, request)), ['192.0.2.2'])

  const consent = await start(node, request)
  await runExports(node.context)
  const back = await post(node, 'iris.csirt-cl', `/v1/legal-requests/${request}/refuse`, { note: 'No more.' })
  t.equal(back.status, 200)
  t.match(await download(node, consent), { status: 410, code: 'export_outdated' }, 'the consent was taken back')
})

t.test('while the audit log takes nothing no package is made, and none leaves', async (t) => {
  const node = await legalNode(t)
  await node.plant(onRequest, address(1))
  const request = await approvedRequest(node)
  const id = await start(node, request)
  await runExports(node.context)
  const { client } = node.context.database
  await client.query('alter table audit_leaf rename to audit_gone')
  const headers = node.as(liaison)
  const refused = await node.app.inject({ method: 'POST', url: `/v1/exports/${id}/download`, headers })
  t.match(refused, { statusCode: 503, headers: { 'retry-after': '5', 'content-type': /problem/ } })
  t.equal(refused.rawPayload.indexOf('PK'), -1, 'no byte of it')
  t.equal((await post(node, liaison, `/v1/legal-requests/${request}/exports`)).status, 503)
  await client.query('alter table audit_gone rename to audit_leaf')
  t.equal((await download(node, id)).status, 200, 'it is still there')
})

t.test('it can be cancelled, ends with its request, and is forgotten when nobody fetches it', async (t) => {
  const node = await legalNode(t)
  await node.plant(onRequest, address(1))
  const request = await approvedRequest(node)
  const id = await start(node, request)
  await runExports(node.context, 2)
  const cancelled = await node.call(liaison, { method: 'DELETE', url: `/v1/exports/${id}` })
  t.match(cancelled.body, { state: 'cancelled' })
  t.equal((await node.call(liaison, { method: 'DELETE', url: `/v1/exports/${id}` })).status, 409)
  t.equal(await runExports(node.context), 0)
  const old = await start(node, request)
  await runExports(node.context)
  node.at('2026-06-09T00:00:00.000Z')
  t.equal(await forgetPackages(node.context), 1)
  t.match((await get(node, liaison, `/v1/exports/${old}`)).body, { state: 'outdated' })
  const running = await start(node, request)
  await post(node, liaison, `/v1/legal-requests/${request}/close`)
  await runExports(node.context)
  t.match((await get(node, liaison, `/v1/exports/${running}`)).body, { state: 'failed' })
  const late = await post(node, liaison, `/v1/legal-requests/${request}/exports`)
  t.match([late.status, late.body.code], [409, 'request_state'])
  const preserving = await approvedRequest(node, liaison, { instrument: 'budapest-16-29' })
  t.equal((await post(node, liaison, `/v1/legal-requests/${preserving}/exports`)).status, 409, 'it asks to keep only')
})

t.test('two liaisons of one case have their scopes, and no more', async (t) => {
  const node = await legalNode(t)
  await node.plant(onRequest, address(1))
  await node.plant(onRequest, address(2))
  await node.plant(onRequest, address(3))
  const scope = (value: string) => ({ scope: { originators: ['csirt-cl'], values: [value] } })
  const [a, b] = [
    await approvedRequest(node, liaison, scope('192.0.2[.]1')),
    await approvedRequest(node, 'berta.policia-cl', scope('192.0.2.2')),
  ]
  t.strictSame(valuesIn(await packageOf(node, a)), ['192.0.2.1'])
  t.strictSame(valuesIn(await packageOf(node, b, {}, 'berta.policia-cl')), ['192.0.2.2'])
  t.equal((await post(node, liaison, `/v1/legal-requests/${b}/exports`)).status, 404, 'nor under the other request')
  const narrow = async (more: object) =>
    valuesIn(
      await packageOf(node, await approvedRequest(node, liaison, { scope: { originators: ['csirt-cl'], ...more } })),
    )
  t.strictSame(await narrow({ network: '192.0.2.2/31' }), ['192.0.2.2', '192.0.2.3'])
  t.strictSame(await narrow({ types: ['ipv4-address'], until: '2026-05-01' }), [])
  t.strictSame(await narrow({ types: ['domain-name'] }), [])
})

t.test('what one may not have leaves no trace in a package', async (t) => {
  const both = await Promise.all(
    [false, true].map(async (hidden) => {
      const node = await legalNode(t)
      await node.plant(onRequest, address(1), { id: 'indicator--00000000-0000-4000-8000-000000000001' })
      const secret = hidden ? await node.plant({ ...onRequest, lawEnforcement: 'never' }, address(2)) : undefined
      const request = await approvedRequest(node)
      if (secret !== undefined)
        await node.call('camila.csirt-cl', {
          method: 'PATCH',
          url: `/v1/indicators/${secret}`,
          headers: { 'content-type': 'application/json' },
          payload: '{"confidence":3}',
        })
      const bytes = await packageOf(node, request)
      const { position, node: _, request: __, policy: ___, ...manifest } = JSON.parse(fileIn(bytes, 'manifest.json'))
      t.match(position, /^[0-9a-f]{32}$/, 'positions count what is hidden')
      const files = manifest.files.filter(
        ({ name }: { name: string }) => !['README.txt', 'handling.csv'].includes(name),
      )
      return {
        ...manifest,
        files,
        lines: fileIn(bytes, 'indicators.ndjson'),
        handling: fileIn(bytes, 'handling.csv').replaceAll(request, 'R'),
      }
    }),
  )
  t.strictSame(both[1], both[0])
})

t.test('every byte that is flipped is found, and what was changed is named', async (t) => {
  const node = await legalNode(t)
  for (let n = 1; n <= 4; n++) await node.plant(onRequest, address(n))
  const bytes = await packageOf(node, await approvedRequest(node))
  const key = auditKey(node.context)
  t.strictSame((await verifyPackage(bytes, key)).faults, [])
  let seed = 7
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const unfound: number[] = []
  for (let n = 0; n < 2_000; n++) {
    const [at, copy] = [next(bytes.length), Buffer.from(bytes)]
    copy[at] = (copy[at] ?? 0) ^ (1 << next(8))
    if ((await verifyPackage(copy, key)).faults.length === 0) unfound.push(at)
  }
  t.strictSame(unfound, [])
  for (const cut of [0, 1, 100, bytes.length - 1])
    t.ok((await verifyPackage(bytes.subarray(0, cut), key)).faults.length > 0)
  t.ok((await verifyPackage(Buffer.concat([bytes, Buffer.from('x')]), key)).faults.length > 0)

  // Whoever writes the zip anew, too.
  const rewritten = async (name: string, change: (text: string) => string) => {
    const entries = [...readZip(bytes, limits.exportBytes)].map(([each, content]) => ({
      name: each as (typeof packageFiles)[number],
      parts: [each === name ? Buffer.from(change(Buffer.from(content).toString())) : content],
    }))
    const parts: Uint8Array[] = []
    for await (const part of writeZip(entries)) parts.push(part)
    return (await verifyPackage(Buffer.concat(parts), key)).faults.map(({ where }) => where)
  }
  const [, second] = JSON.parse(fileIn(bytes, 'manifest.json')).items
  t.strictSame(await rewritten('README.txt', (text) => text), [])
  const item = await rewritten('indicators.ndjson', (text) => {
    const lines = text.split('\n')
    lines[1] = (lines[1] ?? '').replace('192.0.2.', '198.51.100.')
    return lines.join('\n')
  })
  t.strictSame(item, ['indicators.ndjson', `indicators.ndjson:2 ${second.id}`])
  t.strictSame(await rewritten('handling.csv', (text) => text.replace('green', 'clear')), ['handling.csv'])
  t.strictSame(await rewritten('README.txt', (text) => `${text} `), ['README.txt'])
  t.ok((await rewritten('manifest.json', (text) => text.replace('policia-cl', 'policia-xx'))).includes('manifest.json'))
  t.strictSame(await rewritten('manifest.jws', (text) => text.replace(/.\n$/, '\n')), ['manifest.json'])
  t.ok(
    (await rewritten('audit-proof.json', (text) => text.replace('"leaf":{', '"leaf":{"index":1,'))).includes(
      'audit-proof.json',
    ),
  )
})

t.test('what was given is seen by its originator, taken back, and confirmed', async (t) => {
  const node = await legalNode(t)
  const first = await node.plant(onRequest, address(1))
  await node.plant(onRequest, address(2))
  const request = await approvedRequest(node)
  t.strictSame((await get(node, 'diego.csirt-cl', '/v1/disclosures')).body.items, [])
  await packageOf(node, request)
  const waiting = await start(node, request)
  await runExports(node.context)
  const told = (await get(node, 'diego.csirt-cl', '/v1/disclosures')).body.items
  t.match(told, [{ request, organisation: 'policia-cl', instrument: 'domestic-order', items: 2, recalled: 0 }])
  t.equal(told.length, 1, 'what was not fetched was not given')
  t.strictSame((await get(node, 'bruno.cert-br', '/v1/disclosures')).body.items, [], 'nobody else is told')
  await node.call('camila.csirt-cl', {
    method: 'POST',
    url: `/v1/indicators/${first}/recall`,
    headers: { 'content-type': 'application/json' },
    payload: '{"reason":"wrong"}',
  })
  t.match((await get(node, 'diego.csirt-cl', '/v1/disclosures')).body.items, [{ items: 2, recalled: 1 }])
  const at = `/v1/legal-requests/${request}`
  t.equal((await post(node, 'iris.csirt-cl', `${at}/claw-back`)).status, 400, 'it says why')
  t.equal((await post(node, 'berta.policia-cl', `${at}/confirm`, { note: 'x' })).status, 404)
  t.equal((await post(node, liaison, `${at}/confirm`, { note: 'x' })).status, 409, 'nothing was taken back')
  const taken = await post(node, 'iris.csirt-cl', `${at}/claw-back`, { note: 'It was a test page.' })
  t.match(taken.body, { state: 'clawed-back' })
  t.match(await download(node, waiting), { status: 410 }, 'what waited to be fetched does not any more')
  t.equal((await post(node, liaison, `${at}/close`)).status, 409, 'closing is no confirmation')
  const ids = async (account: string, query: string) =>
    (await get(node, account, `/v1/legal-requests?${query}`)).body.items.map(({ id }: { id: string }) => id)
  t.strictSame(await ids(liaison, 'queue=true'), [request], 'the liaison is told')
  t.strictSame(await ids('policy.lacnic', 'overdue=true'), [])
  node.at('2026-06-05T00:00:00.000Z')
  t.strictSame(await ids('policy.lacnic', 'overdue=true'), [request], 'after 96 hours it is overdue')
  t.strictSame(await ids('iris.csirt-cl', 'overdue=true'), [request])
  t.match((await post(node, liaison, `${at}/confirm`, { note: 'Deleted.' })).body, { state: 'closed' })
  t.strictSame(await ids('policy.lacnic', 'overdue=true'), [])
  const { rows } = await node.context.database.client.query(
    "select action from audit_leaf where action in ('claw-back-request', 'confirm-request') and decision = 'permit' order by id",
  )
  t.strictSame(
    rows.map(({ action }) => action),
    ['claw-back-request', 'confirm-request'],
  )
})

t.test('an originator is not told of a confidential disclosure until its date', async (t) => {
  const node = await legalNode(t)
  await node.plant(allowed, address(1))
  const body = requestBody({ confidentialUntil: '2026-07-01T00:00:00.000Z' })
  const { id } = (await post(node, liaison, '/v1/legal-requests', body)).body
  await post(node, liaison, `/v1/legal-requests/${id}/file`)
  await post(node, 'policy.lacnic', `/v1/legal-requests/${id}/approve`)
  t.strictSame(valuesIn(await packageOf(node, id)), ['192.0.2.1'])
  t.strictSame((await get(node, 'diego.csirt-cl', '/v1/disclosures')).body.items, [])
  node.at('2026-07-01T00:00:00.000Z')
  t.match((await get(node, 'diego.csirt-cl', '/v1/disclosures')).body.items, [{ request: id, items: 1 }])
})

t.test('GraphQL starts and follows exports', async (t) => {
  const node = await legalNode(t)
  const request = await approvedRequest(node)
  const { body } = await ask(
    node,
    liaison,
    'mutation ($r: ID!) { startExport(request: $r, language: PT) { id state language } }',
    { r: request },
  )
  t.match(body.data.startExport, { state: 'QUEUED', language: 'PT' })
  await runExports(node.context)
  const query = 'query ($r: ID!) { exports(request: $r) { id state items sha256 } }'
  t.match((await ask(node, liaison, query, { r: request })).body.data.exports, [{ state: 'READY', items: 0 }])
  t.strictSame((await ask(node, 'berta.policia-cl', query, { r: request })).body.data, { exports: null })
})
