import t from 'tap'
import { type TestNode, testNode } from '../node.ts'

/** What an attacker would try with STIX objects. */

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }
const uuid = (n: number) => `7bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
const times = { created: '2026-05-01T00:00:00.000Z', modified: '2026-05-01T00:00:00.000Z' }
const sdo = (type: string, n: number, members: object) => ({
  type,
  spec_version: '2.1',
  id: `${type}--${uuid(n)}`,
  ...times,
  ...members,
})
const push = (node: TestNode, account: string, query: string, ...objects: object[]) =>
  node.call(account, {
    method: 'POST',
    url: `/v1/indicators${query}`,
    headers: { 'content-type': 'application/stix+json;version=2.1' },
    payload: JSON.stringify({ type: 'bundle', id: `bundle--${uuid(999)}`, objects }),
  })
const get = (node: TestNode, account: string, url: string) => node.call(account, { method: 'GET', url })

t.test('attacks on objects', async (t) => {
  const node = await testNode(t)

  t.test('nobody makes a hidden reference appear by publishing something of its id', async (t) => {
    const hidden = {
      type: 'ipv4-addr',
      spec_version: '2.1',
      id: 'ipv4-addr--5853f6a4-638f-5b4e-9b0f-ded361ae3812',
      value: '198.51.100.3',
    }
    const actor = sdo('threat-actor', 1, { name: 'Hidden actor', threat_actor_types: ['crime-syndicate'] })
    const tool = sdo('tool', 2, { name: 'Open tool' })
    t.equal((await push(node, 'ana.cert-br', '?tlp=amber&audience=cert-br', hidden, actor)).status, 200)
    const grouping = sdo('grouping', 3, {
      name: 'g',
      context: 'unspecified',
      object_refs: [hidden.id, actor.id, tool.id],
    })
    const uses = sdo('relationship', 4, { relationship_type: 'uses', source_ref: actor.id, target_ref: tool.id })
    const answer = await push(node, 'ana.cert-br', '?tlp=green', tool, grouping, uses)
    t.equal(answer.status, 200, answer.text)
    const doors = [
      `/v1/objects/${grouping.id}`,
      `/v1/objects/${uses.id}`,
      '/taxii2/node/collections/all/objects/?match[type]=grouping,relationship',
      `/taxii2/node/collections/all/objects/${uses.id}/`,
      '/v1/objects?type=grouping&type=relationship',
    ]
    const before = await Promise.all(doors.map((url) => get(node, 'carlos.colcert', url)))
    t.notMatch(before.map(({ text }) => text).join(''), hidden.id)
    t.notMatch(before.map(({ text }) => text).join(''), actor.id)
    t.equal(
      (await push(node, 'carlos.colcert', '?tlp=amber&audience=colcert', hidden, { ...actor, name: 'Guessed' })).status,
      200,
    )
    const after = await Promise.all(doors.map((url) => get(node, 'carlos.colcert', url)))
    for (const [n, { text, status }] of after.entries()) {
      t.equal(status, before[n]?.status, doors[n] ?? '')
      t.equal(text, before[n]?.text, doors[n] ?? '')
    }
  })

  t.test('an anonymous object names nobody by its author', async (t) => {
    const author = sdo('identity', 10, { name: 'CERT.br', identity_class: 'organization' })
    const malware = sdo('malware', 11, {
      name: 'anon malware',
      is_family: false,
      created_by_ref: author.id,
      external_references: [{ source_name: 'x', url: 'https://cert.br/' }],
    })
    await push(node, 'ana.cert-br', '?tlp=green', author)
    const { status, text } = await push(node, 'ana.cert-br', '?tlp=green&attribution=anonymous', malware)
    t.equal(status, 200, text)
    const seen = await get(node, 'camila.csirt-cl', `/v1/objects/${malware.id}`)
    t.match(seen.text, 'anon malware')
    t.notMatch(seen.text, author.id)
    t.notMatch(seen.text, /cert-br/)
    const sighting = sdo('sighting', 12, { sighting_of_ref: malware.id, where_sighted_refs: [author.id], count: 3 })
    t.equal((await push(node, 'ana.cert-br', '?tlp=green&attribution=anonymous', sighting)).status, 200)
    const sighted = await get(node, 'camila.csirt-cl', `/v1/objects/${sighting.id}`)
    t.match(sighted.text, '"count":3')
    t.notMatch(sighted.text, author.id, 'nor by where it was seen')
  })
})
void json
