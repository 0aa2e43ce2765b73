import { createHash } from 'node:crypto'
import t from 'tap'
import { auditKey, integrateAudit } from '../../src/actions/integrate-audit.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { formatKey } from '../../src/seal/note.ts'
import { type Event, everything, madeUp, misp, named, push, tags, uuidOf, uuids } from '../misp.ts'
import { plantEvent } from '../misp-events.ts'
import { testNode } from '../node.ts'
import { handling } from './graphql.ts'

t.setTimeout(300_000)

t.test('readers see of an event what they may see, and nothing of one of which nothing is theirs', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  const seen = async (account: string) => {
    const { status, body } = await misp(node, account).get(`events/view/${uuidOf(1)}`)
    return status === 200
      ? { event: body.Event as Event & Record<string, unknown>, shown: uuids(body.Event) }
      : undefined
  }
  const green = await seen('sofia.csirt-ar')
  t.ok(green)
  t.notOk(green?.shown.includes(uuidOf(31)), 'AMBER+STRICT of its own organisation')
  t.notOk(green?.event.Object.some(named(30)), 'and the frame around it')
  t.equal(green?.event.attribute_count, String(green?.shown.length), 'what is hidden does not count')
  t.equal(await seen('anonymous'), undefined, 'GREEN is not for the public')
  const absent = await misp(node, 'anonymous').get(`events/view/${uuidOf(2)}`)
  const hidden = await misp(node, 'anonymous').get(`events/view/${uuidOf(1)}`)
  t.strictSame(hidden.text.replace(uuidOf(1), uuidOf(2)), absent.text)

  // All that is GREEN in it is what its audience may not have: then the title is not theirs either.
  const only = madeUp({
    uuid: uuidOf(3),
    info: 'Only for us',
    Object: [],
    Attribute: [{ uuid: uuidOf(40), type: 'domain', value: 'ours.example.org', distribution: '0' }],
  })
  t.equal((await push(node, 'ana.cert-br', only)).status, 200)
  const found = await misp(node, 'sofia.csirt-ar').post('events/restSearch', {})
  t.strictSame(
    found.body.response.map(({ Event: each }: { Event: Event }) => each.uuid),
    [uuidOf(1)],
  )
  const mine = await misp(node, 'ana.cert-br').post('events/restSearch', {})
  t.strictSame(
    mine.body.response.map(({ Event: each }: { Event: Event }) => each.uuid),
    [uuidOf(1), uuidOf(3)],
  )
  for (const path of ['feed/manifest.json', 'feed/hashes.csv', `feed/${uuidOf(3)}.json`])
    t.notMatch(
      (await misp(node, 'sofia.csirt-ar').get(path)).text,
      /Only for us|3,5bad1b96-53bc-4148-87eb-000000000003/,
      path,
    )
})

t.test('what is added to an event of an anonymous source does not tell the source', async (t) => {
  const node = await testNode(t)
  const pushed = await push(node, 'ana.cert-br', madeUp({ Object: [] }), '&attribution=anonymous')
  t.equal(pushed.status, 200, pushed.text)
  await misp(node, 'ana.cert-br').post(`attributes/add/${uuidOf(1)}`, { type: 'domain', value: 'new.example.org' })
  const seen = await misp(node, 'sofia.csirt-ar').get(`events/view/${uuidOf(1)}`)
  t.match(seen.text, /new\.example\.org/)
  t.notMatch(seen.text, /cert-br|CERT\.br|CERT\.example/)
  t.match(seen.body.Event.Orgc.name, /^source-/)
})

t.test('what is masked says nothing of what MISP called it', async (t) => {
  const node = await testNode(t)
  // With a masked form for a reader whose agreement does not cover personal data.
  const masking = handling('cert-br', { tlp: 'green', personalData: true, maskable: true })
  const id = await node.plant(masking, { type: 'email-address', value: 'victim@example.com' })
  await plantEvent(node, handling('cert-br', { tlp: 'clear' }), uuidOf(5), [id])
  const reader = misp(node, 'sofia.csirt-ar')
  const { status, body } = await reader.get(`events/view/${uuidOf(5)}`)
  t.equal(status, 200)
  t.match(body.Event.Attribute, [
    { type: 'other', category: 'Other', to_ids: false, comment: 'masked email-address', object_relation: null },
  ])
  t.notMatch(JSON.stringify(body), /victim|"domain"/)
  t.strictSame((await reader.post('events/restSearch', { type_attribute: 'domain' })).body.response, [])
  t.equal(
    (await misp(node, 'ana.cert-br').post('events/restSearch', { type_attribute: 'domain' })).body.response.length,
    1,
  )
})

t.test('the public sends no events to be read, and nobody a document of any size', async (t) => {
  const node = await testNode(t)
  const anybody = await misp(node, 'anonymous').post('events/add', madeUp())
  t.match([anybody.status, anybody.body.code], [403, 'credentials_required'])
  t.equal((await misp(node, 'sofia.csirt-ar').post('events/add', madeUp())).body.code, 'role_required')
  const large = { value: ['x'.repeat(2 * 1024 * 1024)] }
  t.match((await misp(node, 'ana.cert-br').post('events/restSearch', large)).body, {
    code: 'body_too_large',
    url: '/misp/events/restSearch',
  })
  for (const [path, body] of [
    ['events/add', []],
    ['events/add', { Event: 7 }],
    ['events/add', { uuid: 'x', info: 'x', ...tags('tlp:green') }],
    ['events/add', { info: 7, ...tags('tlp:green') }],
    ['attributes/restSearch', { page: 'x' }],
    ['attributes/restSearch', { limit: 1_000, page: 1_000 }],
    ['attributes/restSearch', { eventinfo: 'x' }],
    ['sightings/add', { timestamp: 'soon', values: ['x'] }],
  ] as const) {
    const answer = await misp(node, 'ana.cert-br').post(path, body as object)
    t.ok(answer.status >= 400 && answer.status < 500, `${path} ${JSON.stringify(body)}: ${answer.status}`)
    t.strictSame(Object.keys(answer.body).slice(0, 4), ['name', 'message', 'url', 'code'])
  }
  const broken = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/misp/events/add',
    headers: { 'content-type': 'application/json' },
    payload: '{"info":"a","info":"b"}',
  })
  t.match([broken.status, broken.body.code], [400, 'duplicate_key'])
})

t.test('a feed of MISP has what the reader may have', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  const red = {
    ...madeUp().Event,
    uuid: uuidOf(4),
    ...tags('tlp:red', 'puente:people="sofia.csirt-ar"'),
    Object: [],
    Attribute: [{ uuid: uuidOf(60), type: 'domain', value: 'red.example.org' }],
  }
  t.equal((await push(node, 'ana.cert-br', { Event: red })).status, 200)
  const sofia = misp(node, 'sofia.csirt-ar')
  const ana = misp(node, 'ana.cert-br')
  t.equal((await ana.get(`events/view/${uuidOf(4)}`)).status, 200, 'RED by whom it is from')
  t.equal((await ana.get(`feed/${uuidOf(4)}.json`)).status, 404, 'but in no feed')
  t.notOk(Object.hasOwn((await ana.get('feed/manifest.json')).body, uuidOf(4)))
  const { body: manifest } = await sofia.get('feed/manifest.json')
  t.strictSame(Object.keys(manifest), [uuidOf(1)])
  t.match(manifest[uuidOf(1)], {
    info: 'A campaign against banks',
    date: '2026-05-04',
    analysis: '1',
    threat_level_id: '2',
    Orgc: { name: 'CERT.example' },
    Tag: [{ name: 'tlp:green' }],
  })
  const file = await sofia.get(`feed/${uuidOf(1)}.json`)
  const lines = (await sofia.get('feed/hashes.csv')).text.trim().split('\n')
  const md5 = (value: string) => createHash('md5').update(value).digest('hex')
  const values = everything(file.body.Event).flatMap(({ type, value }) =>
    type.includes('|') ? value.split('|') : [value],
  )
  t.strictSame(lines.sort(), [...new Set(values)].map((value) => `${md5(value)},${uuidOf(1)}`).sort())
  t.ok(values.includes('a.exe') && !values.includes('c2.example.org'))
  const again = await push(node, 'martin.csirt-ar', file.body)
  t.equal(again.status, 200, 'a file of the feed is an event that can be published')
  t.equal((await sofia.get('feed/x.json')).status, 404)
  t.strictSame((await misp(node, 'anonymous').get('feed/manifest.json')).body, {})
})

t.test('what was read of events is on the log, and the policy says the same of it again', async (t) => {
  const node = await testNode(t)
  await push(node, 'ana.cert-br', madeUp())
  for (const path of [`events/view/${uuidOf(1)}`, 'feed/manifest.json', 'feed/hashes.csv', 'events/index'])
    await misp(node, 'sofia.csirt-ar').get(path)
  await misp(node, 'sofia.csirt-ar').post('attributes/restSearch', { value: '192.0.2.7' })
  await node.context.audit.flush()
  await integrateAudit(node.context)
  const { rows } = await node.context.database.client.query<{ action: string; subject: string }>(
    `select l.action, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id
     where l.actor = 'sofia.csirt-ar' order by l.id`,
  )
  t.strictSame(new Set(rows.map(({ action }) => action)), new Set(['search-events', 'search']))
  const [first] = rows
  for (const told of [
    `x-misp-event--${uuidOf(1)}`,
    `x-misp-context--${uuidOf(13)}`,
    `x-misp-object--${uuidOf(20)}`,
    `indicator--${uuidOf(10)}`,
  ])
    t.ok(first?.subject.includes(told), told)
  t.notOk(first?.subject.includes(uuidOf(31)), 'and nothing that was not told')
  const report = await verifyAudit(node.context.database, { key: formatKey(auditKey(node.context)) })
  t.strictSame(report.findings, [])
  t.ok(report.readings >= rows.length && report.decisions > rows.length, `${report.decisions} decisions asked again`)
})
