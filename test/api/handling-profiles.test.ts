import t from 'tap'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { ask, dataOf, errorsOf } from './graphql.ts'

const set = (node: TestNode, account: string, name: string, payload: object): Promise<Answer> =>
  node.call(account, { method: 'PUT', url: `/v1/handling-profiles/${name}`, payload })

const push = (node: TestNode, query: string, records: readonly object[], account = 'ana.cert-br'): Promise<Answer> =>
  node.call(account, { method: 'POST', url: `/v1/indicators?${query}`, payload: records })

async function handlingOf(node: TestNode, value: string, account = 'ana.cert-br') {
  const { body } = await node.call(account, { method: 'GET', url: `/v1/indicators?type=domain-name&value=${value}` })
  if (body.items === undefined) throw new Error(JSON.stringify(body))
  return body.items[0]?.handling
}

const banks = {
  ...{ tlp: 'amber', pap: 'amber', audience: ['community:lac-csirts', 'csirt-cl'] },
  ...{ lawEnforcement: 'never', notReleasableTo: ['US'] },
}

t.setTimeout(120_000)

t.test('what is published names a profile, and can only be stricter', async (t) => {
  const node = await testNode(t)
  t.match(await set(node, 'caio.cert-br', 'bancos', banks), { status: 200, body: { name: 'bancos', ...banks } })
  const records = [
    { type: 'domain-name', value: 'plain.example' },
    { type: 'domain-name', value: 'looser.example', tlp: 'clear', pap: 'clear', lawEnforcement: 'allowed' },
    { type: 'domain-name', value: 'stricter.example', tlp: 'amber+strict', pap: 'red', notReleasableTo: ['DE'] },
    { type: 'domain-name', value: 'fewer.example', audience: ['csirt-cl', 'colcert'] },
    { type: 'domain-name', value: 'nobody.example', audience: ['colcert'] },
  ]
  const receipt = await push(node, 'handling=bancos', records)
  t.match(receipt, { status: 207, body: { accepted: 4, rejected: [{ code: 'audience_required' }] } })
  const same = { tlp: 'amber', pap: 'amber', lawEnforcement: 'never', notReleasableTo: ['US'] }
  t.match(await handlingOf(node, 'plain.example'), { ...same, audience: ['csirt-cl', 'community:lac-csirts'] })
  t.match(await handlingOf(node, 'looser.example'), same)
  t.match(await handlingOf(node, 'stricter.example'), {
    tlp: 'amber+strict',
    pap: 'red',
    notReleasableTo: ['DE', 'US'],
  })
  t.strictSame((await handlingOf(node, 'fewer.example')).audience, ['csirt-cl'])

  const records2 = [{ type: 'domain-name', value: 'query.example' }]
  await push(node, 'handling=bancos&tlp=green&pap=red', records2)
  t.match(await handlingOf(node, 'query.example'), { tlp: 'amber', pap: 'red' }, 'nor does the query loosen it')
  const query =
    'mutation ($p: ID!) { publish(input: [{ value: "graph.example", type: "domain-name" }], profile: $p) { accepted } }'
  t.equal((await dataOf(node, 'ana.cert-br', query, { p: 'bancos' })).publish.accepted, 1)
  t.match(await handlingOf(node, 'graph.example'), same)
  const event = {
    info: 'An event',
    Attribute: [{ type: 'domain', category: 'Network activity', value: 'misp.example' }],
  }
  const added = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/misp/events/add',
    headers: { 'puente-handling': 'handling=bancos' },
    payload: event,
  })
  t.equal(added.status, 200)
  t.match(await handlingOf(node, 'misp.example'), same)
})

t.test('a name that is not known takes nothing, at no door', async (t) => {
  const node = await testNode(t)
  await set(node, 'caio.cert-br', 'bancos', banks)
  const records = [{ type: 'domain-name', value: 'lost.example', tlp: 'clear' }]
  const refused = { status: 422, body: { code: 'handling_profile_unknown' } }
  t.match(await push(node, 'handling=banco', records), refused)
  t.match(await push(node, 'handling=bancos', records, 'camila.csirt-cl'), refused, "another organisation's is none")
  const query = 'mutation { publish(input: [{ value: "lost.example" }], profile: "banco") { accepted } }'
  t.strictSame(errorsOf(await ask(node, 'ana.cert-br', query)), ['publish handling_profile_unknown'])
  const misp = { method: 'POST', url: '/misp/events/add', payload: { info: 'x', Attribute: [] } } as const
  t.match(await node.call('ana.cert-br', { ...misp, headers: { 'puente-handling': 'handling=banco' } }), refused)
  t.equal(await handlingOf(node, 'lost.example'), undefined)
})

t.test('profiles are of one organisation, kept by its administrators', async (t) => {
  const node = await testNode(t)
  const list = async (account: string) =>
    (await node.call(account, { method: 'GET', url: '/v1/handling-profiles' })).body.items
  t.match(await set(node, 'ana.cert-br', 'bancos', banks), { status: 403, body: { code: 'role_required' } })
  t.match(await set(node, 'caio.cert-br', 'bancos', { audience: ['nowhere'] }), {
    status: 422,
    body: { code: 'audience_unknown' },
  })
  t.match(await set(node, 'caio.cert-br', 'bancos', { audience: ['community:banca-segura'] }), {
    status: 422,
    body: { code: 'audience_unknown' },
  })
  t.match(await set(node, 'caio.cert-br', 'bancos', { people: ['nobody'] }), { body: { code: 'people_unknown' } })
  for (const wrong of [{}, { tlp: 'blue' }, { originator: 'csirt-cl' }, { expiresAt: 'soon' }])
    t.equal((await set(node, 'caio.cert-br', 'bancos', wrong)).status, 400, JSON.stringify(wrong))
  t.equal((await set(node, 'caio.cert-br', 'B', banks)).status, 400)
  t.strictSame(await list('ana.cert-br'), [])
  await set(node, 'caio.cert-br', 'bancos', banks)
  await set(node, 'caio.cert-br', 'bancos', { tlp: 'green' })
  t.match(await list('ana.cert-br'), [{ name: 'bancos', tlp: 'green', pap: undefined }], 'in place of what was there')
  t.strictSame(await list('camila.csirt-cl'), [], 'nobody else knows of it')
  t.strictSame(await list('marta.lacnic'), [], 'the operator neither')
  const keep =
    'mutation { setHandlingProfile(name: "le", handling: { lawEnforcement: ALLOWED }) { name lawEnforcement tlp } }'
  t.strictSame((await dataOf(node, 'caio.cert-br', keep)).setHandlingProfile, {
    ...{ name: 'le', lawEnforcement: 'ALLOWED', tlp: null },
  })
  t.equal((await dataOf(node, 'bruno.cert-br', '{ handlingProfiles { name } }')).handlingProfiles.length, 2)
  const forget = 'mutation { removeHandlingProfile(name: "le") }'
  t.strictSame(errorsOf(await ask(node, 'hugo.policia-cl', forget)), ['removeHandlingProfile not_found'])
  await dataOf(node, 'caio.cert-br', forget)
  t.equal((await list('ana.cert-br')).length, 1)
  await node.context.database.client.query(
    "insert into handling_profile select 'cert-br', 'p' || n, '{}', now() from generate_series(1, 99) n",
  )
  t.match(await set(node, 'caio.cert-br', 'one-more', banks), { status: 400, body: { code: 'invalid_request' } })
  t.equal((await set(node, 'caio.cert-br', 'bancos', banks)).status, 200, 'what is there can be said anew')
})
