import t from 'tap'
import { adminOf, federation, post, publish, sees, tablesWith } from './nodes.ts'

/** Nodes that share: what arrives, what does not, and what becomes of what is taken back. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl, uy] = [fed.node('cert-br'), fed.node('csirt-cl'), fed.node('lacnic')]

t.test('an indicator goes where somebody may have it, and is nowhere else', async (t) => {
  const green = await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  await publish(uy, 'carlos.colcert', '3fff::2', 'tlp=amber%2Bstrict&audience=csirt-cl')
  await publish(br, 'ana.cert-br', '3fff::3', 'tlp=amber&audience=lacnic')
  await publish(br, 'ana.cert-br', '3fff::5', 'tlp=green&attribution=anonymous')
  await post(br, 'ana.cert-br', '/v1/indicators', {
    ...{ type: 'ipv6-address', value: '3fff::4', tlp: 'red', people: ['diego.csirt-cl', 'ana.cert-br'] },
  })
  t.ok(await fed.settle())

  t.match(await sees(cl, 'diego.csirt-cl', '3fff::1'), {
    id: green,
    version: 1,
    originator: { id: 'cert-br' },
    handling: { tlp: 'green' },
  })
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::1'))
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::2'), 'AMBER+STRICT at the home of its audience')
  t.notOk(await sees(cl, 'raul.red-andina', '3fff::2'), 'but not for a client of it')
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::3'))
  for (const [node, value] of [
    [br, '3fff::2'],
    [cl, '3fff::3'],
    [cl, '3fff::4'],
    [uy, '3fff::4'],
    [cl, '3fff::5'],
    [uy, '3fff::5'],
  ] as const)
    t.strictSame(await tablesWith(node, value), [], `${value} is in no table where nobody may have it`)
  t.ok((await tablesWith(br, '3fff::4')).length > 0, 'what is looked for is found where it is')

  const way = await cl.call('diego.csirt-cl', { url: `/v1/indicators/${green}/provenance` })
  t.match(way.body, {
    id: green,
    node: { id: br.context.node.id, name: 'cert-br' },
    here: false,
    narrowedHere: false,
    sealedHandling: { tlp: 'green', audience: { length: 0 }, lawEnforcement: 'on-request' },
  })
  t.equal((await cl.call('anonymous', { url: `/v1/indicators/${green}/provenance` })).status, 404)
  t.equal(await fed.settle(), 0, 'nothing comes twice')
})

t.test('a version follows another, and a recall reaches every copy and empties it', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::11', 'tlp=green')
  await fed.settle()
  const patched = await br.call('ana.cert-br', {
    method: 'PATCH',
    url: `/v1/indicators/${id}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    payload: JSON.stringify({ confidence: 77 }),
  })
  t.equal(patched.status, 200)
  await fed.settle()
  t.match(await sees(cl, 'diego.csirt-cl', '3fff::11'), { version: 2, confidence: 77 })

  const holders = await br.call('ana.cert-br', { url: `/v1/indicators/${id}/holders` })
  t.strictSame(
    holders.body.holders
      .map(({ node, version, storedVersion }: { node: { name: string }; version: number; storedVersion: number }) => [
        ...[node.name, version, storedVersion],
      ])
      .sort(),
    [
      ['csirt-cl', 2, 2],
      ['lacnic', 2, 2],
    ],
  )
  t.equal((await cl.call('diego.csirt-cl', { url: `/v1/indicators/${id}/holders` })).status, 403, 'for its originator')

  const begin = await cl.call('diego.csirt-cl', { url: '/v1/feed?from=now' })
  fed.cut('lacnic', 'cert-br')
  fed.cut('lacnic', 'csirt-cl')
  t.equal((await post(br, 'ana.cert-br', `/v1/indicators/${id}/recall`, { reason: 'mistaken' })).status, 200)
  fed.at('2026-06-01T00:01:00Z')
  await fed.settle()
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::11'))
  t.strictSame(await tablesWith(cl, '3fff::11'), [], 'its content is in no table of the copy')
  const told = await cl.call('diego.csirt-cl', { url: `/v1/feed?cursor=${begin.body.cursor}` })
  t.match(told.body.items, [{ change: 'recalled', id }], 'its readers are told')

  fed.at('2026-06-01T01:00:00Z')
  const overdue = (await br.call('ana.cert-br', { url: `/v1/indicators/${id}/holders` })).body.holders
  t.match(
    overdue.find(({ node }: { node: { name: string } }) => node.name === 'lacnic'),
    { overdue: true, acknowledged: false, storedVersion: 2 },
    'who was not reached is overdue',
  )
  t.match(
    overdue.find(({ node }: { node: { name: string } }) => node.name === 'csirt-cl'),
    { overdue: false, withdrawn: true, acknowledged: true, storedVersion: 3 },
  )
  const state = await br.call(adminOf(br), { url: `/v1/peers/${uy.context.node.id}` })
  t.match(state.body.giving, { overdueRecalls: 1 })
  fed.heal()
  await fed.settle()
  t.strictSame(await tablesWith(uy, '3fff::11'), [])
  t.match((await br.call(adminOf(br), { url: `/v1/peers/${uy.context.node.id}` })).body.giving, { overdueRecalls: 0 })
})

t.test('who loses it by a narrower version gets a withdrawal, and not the version', async (t) => {
  const id = await publish(br, 'ana.cert-br', '3fff::21', 'tlp=green')
  await fed.settle()
  const narrowed = await br.call('ana.cert-br', {
    method: 'PATCH',
    url: `/v1/indicators/${id}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    payload: JSON.stringify({ tlp: 'amber', audience: ['lacnic'], description: 'only for Montevideo' }),
  })
  t.equal(narrowed.status, 200, narrowed.text)
  await fed.settle()
  t.match(await sees(uy, 'lucia.lacnic', '3fff::21'), { version: 2, handling: { tlp: 'amber' } })
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::21'))
  for (const text of ['3fff::21', 'only for Montevideo']) t.strictSame(await tablesWith(cl, text), [], text)

  const widened = await br.call('ana.cert-br', {
    method: 'PATCH',
    url: `/v1/indicators/${id}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    payload: JSON.stringify({ tlp: 'green', audience: [] }),
  })
  t.equal(widened.status, 200, widened.text)
  await fed.settle()
  t.match(await sees(cl, 'diego.csirt-cl', '3fff::21'), { version: 3 }, 'and has it again when it is widened')
})

t.test('a relay passes on what it was given, and its withdrawals', async (t) => {
  // Brazil and Chile know of each other, and reach each other only by Montevideo.
  fed.cut('csirt-cl', 'cert-br')
  const id = await publish(br, 'ana.cert-br', '3fff::31', 'tlp=green')
  await fed.settle()
  t.match(await sees(cl, 'diego.csirt-cl', '3fff::31'), { originator: { id: 'cert-br' }, version: 1 })
  t.match((await cl.call('diego.csirt-cl', { url: `/v1/indicators/${id}/provenance` })).body, {
    node: { id: br.context.node.id },
    hops: [{ node: { id: uy.context.node.id }, from: { id: br.context.node.id } }],
  })
  const bytes = async (node: typeof br) =>
    (
      await node.context.database.client.query(
        "select body, encode(path, 'hex') as path, leaf from envelope where stix_id = $1",
        [id.slice(11)],
      )
    ).rows
  t.strictSame(await bytes(cl), await bytes(br), 'the bytes are those of its node')

  await br.call('ana.cert-br', {
    method: 'PATCH',
    url: `/v1/indicators/${id}`,
    headers: { 'content-type': 'application/merge-patch+json' },
    payload: JSON.stringify({ tlp: 'amber', audience: ['lacnic'] }),
  })
  await fed.settle()
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::31'))
  t.strictSame(await tablesWith(cl, '3fff::31'), [], 'who may not have it any more loses it also behind a relay')

  fed.heal()
  await fed.settle()
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::31'))
})

t.test('what two peers bring at once is applied once', async (t) => {
  fed.cut('csirt-cl', 'cert-br')
  fed.cut('csirt-cl', 'lacnic')
  const ids = [await publish(br, 'ana.cert-br', '3fff::51', 'tlp=green')]
  ids.push(await publish(br, 'ana.cert-br', '3fff::52', 'tlp=green'))
  await fed.settle()
  fed.heal()
  await Promise.all([fed.pull('csirt-cl', 'cert-br'), fed.pull('csirt-cl', 'lacnic')])
  const { rows } = await cl.context.database.client.query('select kind from feed where stix_id = any($1::uuid[])', [
    ids.map((id) => id.slice(11)),
  ])
  t.strictSame(rows, [{ kind: 'published' }, { kind: 'published' }])
})

t.test('an organisation that speaks elsewhere is taken from its node alone', async (t) => {
  const refused = await post(cl, 'ana.cert-br', '/v1/indicators?tlp=green', { type: 'ipv6-address', value: '3fff::41' })
  t.equal(refused.status, 401)
})

t.test('a page is never longer than a receiver takes, also where each version is in both forms', async (t) => {
  const lines = Array.from({ length: 600 }, (_, n) =>
    JSON.stringify({ type: 'ipv6-address', value: `3fff:0:61::${n.toString(16)}` }),
  )
  const push = async (query: string) => {
    const answer = await br.call('ana.cert-br', {
      ...{ method: 'POST', url: `/v1/indicators?${query}`, headers: { 'content-type': 'application/x-ndjson' } },
      payload: lines.join('\n'),
    })
    t.match(answer, { status: 200, body: { accepted: lines.length } }, answer.text)
  }
  await push('tlp=green')
  await fed.settle()
  await push('tlp=amber&audience=lacnic')
  t.ok((await fed.pull('lacnic', 'cert-br')) >= 2 * lines.length, 'the narrower version and the withdrawal of each')
  t.match(await sees(uy, 'lucia.lacnic', '3fff:0:61::257'), { version: 2, handling: { tlp: 'amber' } })
  await fed.settle()
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff:0:61::257'))
})

t.test('nothing is sent back to where it was, and a recall comes by whichever way there is', async (t) => {
  fed.cut('csirt-cl', 'cert-br')
  const id = await publish(br, 'ana.cert-br', '3fff::81', 'tlp=green')
  await fed.settle()
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::81'), 'it came by Montevideo')
  for (const node of [br, cl, uy]) {
    const { rows } = await node.context.database.client.query("select item from quarantine where code = 'loop'")
    t.strictSame(rows, [])
  }
  fed.heal()
  await fed.settle()
  fed.cut('lacnic', 'cert-br')
  t.equal((await post(br, 'ana.cert-br', `/v1/indicators/${id}/recall`, { reason: 'mistaken' })).status, 200)
  await fed.settle()
  t.strictSame(await tablesWith(uy, '3fff::81'), [], 'Montevideo hears it from Santiago, to which it had given it')
  fed.heal()
  await fed.settle()
})
