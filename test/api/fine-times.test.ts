import t from 'tap'
import { testNode } from '../node.ts'
import { indicator, marked, TaxiiClient } from '../taxii.ts'
import { ask } from './graphql.ts'

/** Times finer than the database keeps, which rounds them. */

t.setTimeout(300_000)

/** What .NET writes for "never". */
const never = '9999-12-31T23:59:59.9999999Z'
const fourDigits = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

t.test('the last tenth of a microsecond of the year 9999 is a time like others', async (t) => {
  const node = await testNode(t)
  const post = (...records: object[]) =>
    node.call('ana.cert-br', {
      method: 'POST',
      url: '/v1/indicators?tlp=green',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: records.map((each) => JSON.stringify(each)).join('\n'),
    })
  const named = { type: 'domain-name', value: 'never.example.com' }
  const times = { created: never, firstSeen: never, lastSeen: never, validUntil: never }
  t.equal((await post({ ...named, ...times })).status, 200)
  const { body } = await node.call('camila.csirt-cl', { method: 'GET', url: '/v1/indicators' })
  const [item] = body.items
  for (const name of ['created', 'validFrom', 'firstSeen', 'lastSeen', 'validUntil'])
    t.match(item[name], fourDigits, name)
  const decay = await ask(
    node,
    'camila.csirt-cl',
    '{ indicators { edges { node { sightings { decay { score } } } } } }',
  )
  t.equal(decay.body.errors, undefined, 'no internal error for whoever reads')
  const quality = await node.call('camila.csirt-cl', { method: 'GET', url: `/v1/indicators/${item.id}/sightings` })
  t.type(quality.body.decay.score, 'number')
  const others = [1, 2].map((n) => ({ type: 'domain-name', value: `other${n}.example.com` }))
  const later = await post({ ...named, name: 'later' }, ...others)
  t.match(later, { status: 200, body: { accepted: 3 } }, 'one record does not stop a batch')
  const patched = await node.call('ana.cert-br', {
    method: 'PATCH',
    url: `/v1/indicators/${item.id}`,
    payload: { name: 'x' },
  })
  t.equal(patched.status, 200, patched.text)
})

t.test('a version is found over TAXII by the time that the object itself says', async (t) => {
  const node = await testNode(t)
  const [ana, diego] = [new TaxiiClient(node, 'ana.cert-br'), new TaxiiClient(node, 'diego.csirt-cl')]
  const [community, all] = [await ana.collection('community-lac-csirts'), await diego.collection('all')]
  for (const fraction of ['123', '123456', '1239999', '123999999']) {
    const one = indicator({ ...marked('green'), modified: `2026-05-02T00:00:00.${fraction}Z` })
    await ana.add(community, { objects: [one] })
    const { body } = await diego.ask(`${all}objects/${one.id}/`)
    const { modified } = body.objects[0]
    const again = await diego.ask(`${all}objects/${one.id}/`, { 'match[version]': modified })
    t.equal(again.body.objects?.length, 1, modified)
  }
})
