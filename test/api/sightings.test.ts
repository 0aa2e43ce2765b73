import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import pg from 'pg'
import t from 'tap'
import { integrateAudit, mergeObservations } from '../../src/actions/index.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import { migrate } from '../../src/store/migrate.ts'
import { testDatabase } from '../database.ts'
import { type TestNode, testNode } from '../node.ts'
import { readerOf, worldOf } from '../policy/cases.ts'
import { oracle } from '../policy/oracle.ts'
import { sight, sightings } from '../sightings.ts'
import { ask, dataOf, errorsOf, handling, ipv6, statements } from './graphql.ts'

t.setTimeout(300_000)

const green = handling('cert-br', { tlp: 'green' })
const domain = { type: 'domain-name', value: 'evil.example.com' }
const now = '2026-06-01T00:00:00.000Z'

t.test('what is said is added up by who says it, and refreshes the score', async (t) => {
  const node = await testNode(t)
  node.at('2026-05-01T00:00:00.000Z')
  const id = await node.plant(green, domain, { confidence: 90 })
  node.at(now)
  const before = (await sightings(node, 'sofia.csirt-ar', id)).body
  const prevalence = { organisations: 0, jurisdictions: 0 }
  t.match(before, { id, reports: { length: 0 }, seen: { count: 0 }, expired: { count: 0 }, prevalence })
  t.match(before.decay, { baseScore: 90, since: '2026-05-01T00:00:00.000Z', decayed: false })
  const first = await sight(node, 'diego.csirt-cl', id)
  t.strictSame([first.status, first.body], [201, { id, type: 'seen', count: 1, firstSeen: now, lastSeen: now }])
  await sight(node, 'diego.csirt-cl', id, {
    count: 4,
    firstSeen: '2026-05-20T10:00:00+02:00',
    lastSeen: '2026-05-30T00:00:00Z',
  })
  await sight(node, 'ana.cert-br', id, { type: 'false-positive', lastSeen: '2026-05-29T00:00:00Z' })
  await sight(node, 'sofia.csirt-ar', id, { type: 'expired', firstSeen: '2026-05-28T00:00:00Z' })
  const { body } = await sightings(node, 'sofia.csirt-ar', id)
  const by = (organisation: string, name: string, jurisdiction: string) => ({
    organisation: { id: organisation, name, jurisdiction },
  })
  t.strictSame(body, {
    id,
    reports: [
      {
        type: 'seen',
        observed: false,
        ...by('csirt-cl', 'CSIRT Chile', 'CL'),
        count: 5,
        firstSeen: '2026-05-20T08:00:00.000Z',
        lastSeen: now,
      },
      {
        type: 'false-positive',
        observed: false,
        ...by('cert-br', 'CERT.br', 'BR'),
        count: 1,
        firstSeen: '2026-05-29T00:00:00.000Z',
        lastSeen: '2026-05-29T00:00:00.000Z',
      },
      {
        type: 'expired',
        observed: false,
        ...by('csirt-ar', 'CSIRT Argentina', 'AR'),
        count: 1,
        firstSeen: '2026-05-28T00:00:00.000Z',
        lastSeen: '2026-05-28T00:00:00.000Z',
      },
    ],
    seen: { count: 5, firstSeen: '2026-05-20T08:00:00.000Z', lastSeen: now },
    falsePositive: { count: 1, firstSeen: '2026-05-29T00:00:00.000Z', lastSeen: '2026-05-29T00:00:00.000Z' },
    expired: { count: 1, firstSeen: '2026-05-28T00:00:00.000Z', lastSeen: '2026-05-28T00:00:00.000Z' },
    prevalence: { organisations: 1, jurisdictions: 1 },
    decay: { score: 90, baseScore: 90, lifetimeDays: 365, decaySpeed: 2, since: now, decayed: false },
  })
  const log = await node.context.database.client.query("select leaf from audit_leaf where action = 'sight'")
  t.equal(log.rowCount, 4, 'each is on the log')
})

t.test('observations are sightings too, merged or not, and both make one prevalence', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const observe = (account: string, lines: string) =>
    node.call(account, {
      method: 'POST',
      url: '/v1/observations',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: lines,
    })
  await observe('diego.csirt-cl', '{"value":"evil.example.com","at":"2026-05-31T22:10:00Z","count":3}')
  for (let n = 0; n < 2; n++) {
    await sight(node, 'diego.csirt-cl', id, { firstSeen: '2026-05-31T20:00:00Z' })
    const { body } = await sightings(node, 'ana.cert-br', id)
    t.match(body.seen, {
      count: 4 + 3 * n + n,
      firstSeen: '2026-05-31T20:00:00.000Z',
      lastSeen: '2026-05-31T22:00:00.000Z',
    })
    t.match(body.reports, [
      { observed: true, count: 3 * (n + 1) },
      { observed: false, count: n + 1 },
    ])
    t.strictSame(body.prevalence, { organisations: 1, jurisdictions: 1 }, 'one organisation, however it says it')
    await mergeObservations(node.context)
    t.strictSame((await sightings(node, 'ana.cert-br', id)).body, body, 'merging changes no answer')
    await observe('diego.csirt-cl', '{"value":"evil.example.com","at":"2026-05-31T22:10:00Z","count":3}')
  }
  await sight(node, 'sofia.csirt-ar', id)
  const observations = await node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators/${id}/observations` })
  t.match(observations.body, { times: 9, prevalence: { organisations: 2, jurisdictions: 2 } })
  await sight(node, 'sofia.csirt-ar', id, { type: 'false-positive' })
  await sight(node, 'martin.csirt-ar', id, { type: 'expired' })
  t.strictSame((await sightings(node, 'ana.cert-br', id)).body.prevalence, { organisations: 2, jurisdictions: 2 })
})

t.test('who may say something: readers and publishers of what they may see', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(handling('cert-br', { tlp: 'amber', organisations: ['csirt-cl'] }), domain)
  const nobody = { code: 'credentials_required', detail: /Authorization: Bearer <key>/ }
  t.match((await sight(node, 'anonymous', id)).body, nobody, 'and what to send is said')
  const unmarked = await sight(node, 'camila.csirt-cl', id, { audience: ['csirt-cl'] })
  t.match(unmarked.body, { detail: /give "tlp" with it/ })
  t.equal((await sight(node, 'caio.cert-br', id)).body.code, 'role_required')
  const absent = await sight(node, 'sofia.csirt-ar', id)
  const never = await sight(node, 'sofia.csirt-ar', 'indicator--00000000-0000-4000-8000-000000000009')
  t.strictSame([absent.status, absent.text], [404, never.text])
  t.equal((await sight(node, 'sofia.csirt-ar', 'no id')).text, never.text)
  t.equal((await sight(node, 'diego.csirt-cl', id)).status, 201)
  await node.context.database.client.query(`update api_key set scopes = '{read}' where account = 'diego.csirt-cl'`)
  t.equal((await sight(node, 'diego.csirt-cl', id)).body.code, 'scope_required')
  t.equal((await sightings(node, 'sofia.csirt-ar', id)).text, never.text)
})

t.test('bad input is refused, and counts nothing', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const refused: [unknown, string, number][] = [
    [{ type: 'seem' }, 'invalid_request', 400],
    [{ count: 0 }, 'invalid_request', 400],
    [{ count: 1.5 }, 'invalid_request', 400],
    [{ count: 1_000_000_000 }, 'invalid_request', 400],
    [{ count: '3' }, 'invalid_request', 400],
    [{ lastSeen: 'yesterday' }, 'invalid_request', 400],
    [{ lastSeen: '2026-02-30T00:00:00Z' }, 'invalid_request', 400],
    [{ firstSeen: '2026-05-02T00:00:00Z', lastSeen: '2026-05-01T00:00:00Z' }, 'invalid_request', 400],
    [{ lastSeen: '2026-06-01T01:00:00.001Z' }, 'time_out_of_range', 422],
    [{ note: 'x' }, 'invalid_request', 400],
    [{ tlp: 'amber' }, 'audience_required', 422],
    [{ tlp: 'purple' }, 'marking_unknown', 422],
    [{ audience: ['csirt-cl'] }, 'marking_required', 422],
    [{ tlp: 'amber', audience: ['community:banca-segura'] }, 'audience_unknown', 422],
    [{ tlp: 'red', people: ['nobody'] }, 'people_unknown', 422],
    [[], 'invalid_request', 400],
    [null, 'invalid_request', 400],
  ]
  for (const [body, code, status] of refused) {
    const answer = await sight(node, 'ana.cert-br', id, body)
    t.match({ status: answer.status, code: answer.body?.code }, { status, code }, JSON.stringify(body))
  }
  t.equal(
    (await sight(node, 'ana.cert-br', id, { lastSeen: '2026-06-01T01:00:00Z' })).status,
    201,
    'an hour ahead is taken',
  )
  t.equal((await sightings(node, 'ana.cert-br', id)).body.seen.count, 1)
  const page = (query: string) => node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators${query}` })
  for (const query of [
    '?include=everything',
    '?include=quality,x',
    '?include=quality&format=csv',
    `/${id}?include=quality%00`,
  ]) {
    t.equal((await page(query)).body.code, 'invalid_request', query)
  }
})

t.test('a report is for those who may have the indicator from the reporter', async (t) => {
  const node = await testNode(t)
  const audience = ['csirt-cl', 'colcert', 'csirt-ar']
  const id = await node.plant(handling('cert-br', { tlp: 'amber', organisations: audience }), domain)
  await sight(node, 'diego.csirt-cl', id, { count: 7 })
  const seenBy = async (account: string) => {
    const { body } = await sightings(node, account, id)
    return [body.reports.length, body.seen.count, body.prevalence.organisations, body.decay.score]
  }
  node.at('2026-06-11T00:00:00.000Z')
  const refreshed = (await seenBy('diego.csirt-cl'))[3]
  t.strictSame(await seenBy('ana.cert-br'), [1, 7, 1, refreshed], 'the originator')
  t.strictSame(await seenBy('sofia.csirt-ar'), [1, 7, 1, refreshed], 'the audience')
  await sight(node, 'diego.csirt-cl', id, { lastSeen: '2026-06-11T00:00:00Z' })
  await node.context.database.client.query("update organisation set jurisdiction = 'MX' where id = 'csirt-cl'")
  t.strictSame(
    await seenBy('sofia.csirt-ar'),
    [0, 0, 0, refreshed],
    'without an agreement it is not there, and refreshes nothing',
  )
})

t.test('a handling of its own narrows a sighting, from the originator too', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(handling('cert-br', { tlp: 'amber', communities: ['lac-csirts'] }), domain)
  t.equal((await sight(node, 'camila.csirt-cl', id, { count: 2, tlp: 'amber', audience: ['csirt-ar'] })).status, 201)
  const of = async (account: string) => {
    const { body } = await sightings(node, account, id)
    return body.reports.map((each: { organisation?: { id: string }; alias?: string; count: number }) =>
      [each.organisation?.id ?? each.alias?.slice(0, 7), each.count].join(' '),
    )
  }
  t.strictSame(await of('diego.csirt-cl'), ['csirt-cl 2'], 'its own')
  t.strictSame(await of('sofia.csirt-ar'), ['csirt-cl 2'])
  t.strictSame(await of('ana.cert-br'), [], 'not the originator of the indicator')
  t.strictSame(await of('rosa.red-andina'), [], 'nor a client of the reporter, who may have the indicator')
  t.strictSame((await sightings(node, 'ana.cert-br', id)).body.prevalence, { organisations: 0, jurisdictions: 0 })
  // What its own handling would let through the indicator's does not.
  await sight(node, 'camila.csirt-cl', id, { count: 5, tlp: 'clear' })
  t.equal((await sightings(node, 'anonymous', id)).status, 404)
  t.strictSame(await of('ana.cert-br'), ['csirt-cl 5'], 'of two handlings, what the reader may know')
  t.strictSame((await of('sofia.csirt-ar')).sort(), ['csirt-cl 2', 'csirt-cl 5'])
  await sight(node, 'martin.csirt-ar', id, { count: 9, attribution: 'anonymous' })
  t.ok((await of('diego.csirt-cl')).includes('source- 9'), 'a reporter may stay anonymous')
  t.ok((await of('sofia.csirt-ar')).includes('csirt-ar 9'), 'to itself it has a name')
  t.notMatch((await sightings(node, 'diego.csirt-cl', id)).text, /csirt-ar|Argentina/)
  for (let n = 0; n < limits.sightingHandlings; n++) {
    const answer = await sight(node, 'diego.csirt-cl', id, { expiresAt: `2027-01-0${n + 1}T00:00:00Z` })
    t.equal(answer.status, n + 2 < limits.sightingHandlings ? 201 : 413, `${n + 3} handlings`)
  }
  const known = await sight(node, 'diego.csirt-cl', id, { expiresAt: '2027-01-01T00:00:00Z' })
  t.equal(known.status, 201, 'under a known one more is taken')
})

t.test('an anonymous source makes anonymous reporters, and five organisations a prevalence', async (t) => {
  const node = await testNode(t)
  const id = await node.plant({ ...green, attribution: 'anonymous' }, domain)
  await sight(node, 'diego.csirt-cl', id)
  const [report] = (await sightings(node, 'sofia.csirt-ar', id)).body.reports
  t.match(report.alias, /^source-[0-9a-f]{12}$/)
  t.equal(report.organisation, undefined)
  // No agreement joins these with Germany.
  const hidden = await node.plant(handling('beobachter-de', { tlp: 'green' }), {
    type: 'domain-name',
    value: 'de.example.com',
  })
  const add = `insert into sighting (stix_id, originator, reporter, type, times, first_seen, last_seen) values ($1, 'beobachter-de', $2, 'seen', 3, $3, $3)`
  for (const [n, reporter] of ['csirt-cl', 'cert-br', 'colcert', 'rede-sul', 'csirt-ar'].entries()) {
    await node.context.database.client.query(add, [hidden.slice('indicator--'.length), reporter, now])
    const { body } = await sightings(node, 'jonas.beobachter-de', hidden)
    t.strictSame(
      body.prevalence,
      n < 4 ? { organisations: 0, jurisdictions: 0 } : { organisations: 5, jurisdictions: 4 },
    )
    t.match(body, { reports: { length: 0 }, seen: { count: 0 } }, 'how often is never told')
  }
})

t.test('what is masked can be sighted, and tells only its own reports', async (t) => {
  const node = await testNode(t)
  const personal: Handling = handling('cert-br', {
    tlp: 'amber',
    communities: ['lac-csirts'],
    personalData: true,
    maskable: true,
  })
  const id = await node.plant(personal, { type: 'email-address', value: 'someone@evil.example.com' })
  await sight(node, 'ana.cert-br', id, { count: 3 })
  t.equal((await sight(node, 'sofia.csirt-ar', id, { count: 2 })).status, 201)
  t.match((await sightings(node, 'sofia.csirt-ar', id)).body, { seen: { count: 2 }, prevalence: { organisations: 1 } })
  t.match((await sightings(node, 'ana.cert-br', id)).body.seen, { count: 3 }, 'nor is its report for who has the value')
})

t.test('with the indicator its sightings are gone', async (t) => {
  const node = await testNode(t)
  const expiring = { ...green, expiresAt: '2026-06-01T00:10:00.000Z' }
  const [id, other] = [
    await node.plant(green, domain),
    await node.plant(expiring, { type: 'domain-name', value: 'b.example.com' }),
  ]
  for (const each of [id, other]) await sight(node, 'diego.csirt-cl', each)
  await node.call('ana.cert-br', {
    method: 'POST',
    url: `/v1/indicators/${id}/recall`,
    headers: { 'content-type': 'application/json' },
    payload: '{"reason":"wrong"}',
  })
  t.equal((await sightings(node, 'diego.csirt-cl', id)).status, 404, 'recalled')
  t.equal((await sight(node, 'diego.csirt-cl', id)).status, 404)
  t.equal((await sightings(node, 'ana.cert-br', id)).body.seen.count, 1, 'the originator still has both')
  node.at('2026-06-01T00:10:00.000Z')
  t.equal((await sightings(node, 'diego.csirt-cl', other)).status, 404, 'its sharing ended')
})

t.test('what is said and what is read of it is on the log, and stands when it is examined', async (t) => {
  const node = await testNode(t)
  const amber = handling('cert-br', { tlp: 'amber', communities: ['lac-csirts'] })
  const id = await node.plant(amber, domain)
  const open = await node.plant(handling('cert-br', { tlp: 'clear' }), { type: 'domain-name', value: 'b.example.com' })
  await sight(node, 'diego.csirt-cl', id, { tlp: 'amber', audience: ['csirt-ar'] })
  for (const each of [id, open]) {
    await sightings(node, 'sofia.csirt-ar', each)
    await node.call('sofia.csirt-ar', { method: 'GET', url: `/v1/indicators/${each}/related` })
  }
  await node.call('sofia.csirt-ar', { method: 'GET', url: '/v1/indicators?include=quality' })
  await node.context.audit.flush()
  await integrateAudit(node.context)
  const { rows } = await node.context.database.client.query(
    `select l.action, l.actor, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id
     where l.action in ('sight', 'read-sightings', 'list-related') order by l.id`,
  )
  t.strictSame(
    rows.map(({ action, actor, subject }) => [action, actor, subject.includes(id), subject.includes(open)]),
    [
      ['sight', 'diego.csirt-cl', true, false],
      ['read-sightings', 'sofia.csirt-ar', true, false],
      ['list-related', 'sofia.csirt-ar', true, false],
      ['list-related', 'sofia.csirt-ar', true, false],
      ['read-sightings', 'sofia.csirt-ar', true, false],
    ],
    'what is related to something CLEAR may be above it',
  )
  const report = await verifyAudit(node.context.database)
  t.strictSame(report.findings, [])
  t.ok(report.readings >= 4, `${report.readings} readings asked again`)
})

t.test('with an Idempotency-Key a sighting counts once, also of twenty at once', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const keyed = (key: string, body: object = { count: 3 }) =>
    sight(node, 'diego.csirt-cl', id, body, { 'idempotency-key': key })
  const answers = await Promise.all(Array.from({ length: 20 }, () => keyed('a')))
  for (const answer of answers) t.strictSame([answer.status, answer.text], [201, answers[0]?.text])
  node.at('2026-06-01T00:20:00.000Z')
  t.equal((await keyed('a')).text, answers[0]?.text, 'the first answer, also later')
  t.equal((await keyed('a', { count: 4 })).body.code, 'idempotency_key_reused')
  t.equal((await keyed('b')).status, 201)
  t.equal((await keyed('', {})).body.code, 'invalid_request')
  t.equal((await sightings(node, 'diego.csirt-cl', id)).body.seen.count, 6)
  await Promise.all(Array.from({ length: 20 }, () => sight(node, 'ana.cert-br', id)))
  t.equal((await sightings(node, 'diego.csirt-cl', id)).body.seen.count, 26, 'without one each counts')
})

t.test('pages and single answers carry quality where it is asked for, and cost one statement more', async (t) => {
  const node = await testNode(t)
  for (let n = 1; n <= 30; n++) await node.plant(n % 2 === 0 ? green : { ...green, attribution: 'anonymous' }, ipv6(n))
  const { body: all } = await node.call('diego.csirt-cl', { method: 'GET', url: '/v1/indicators?limit=30' })
  t.equal(
    all.items.some((item: object) => 'quality' in item),
    false,
  )
  const [first, second] = all.items
  for (const { id } of [first, second]) await sight(node, 'ana.cert-br', id, { count: 2 })
  const page = (query: string) => node.call('diego.csirt-cl', { method: 'GET', url: `/v1/indicators?${query}` })
  const { body } = await page('limit=30&include=quality')
  t.strictSame(
    body.items.map(({ quality, ...item }: { quality: object }) => item),
    all.items,
    'everything else is as before',
  )
  t.strictSame(
    body.items.map(({ quality }: { quality: { seen: { count: number } } }) => quality.seen.count),
    [2, 2, ...Array.from({ length: 28 }, () => 0)],
    'of anonymous sources too',
  )
  const { id: _, reports: __, ...quality } = (await sightings(node, 'diego.csirt-cl', first.id)).body
  t.strictSame(body.items[0].quality, quality)
  const lines = (await page('limit=30&include=quality&format=ndjson')).text.trim().split('\n')
  t.strictSame(
    lines.map((line) => JSON.parse(line)),
    body.items,
  )
  const one = await node.call('diego.csirt-cl', { method: 'GET', url: `/v1/indicators/${first.id}?include=quality` })
  t.strictSame(one.body, body.items[0])
  const plain = await statements(() => page('limit=30'))
  const [ten, thirty] = [
    await statements(() => page('limit=10&include=quality')),
    await statements(() => page('limit=30&include=quality')),
  ]
  t.ok(thirty.count <= ten.count + 6, `${ten.count}, ${thirty.count} statements`)
  t.ok(thirty.count <= plain.count + 8, `${plain.count}, ${thirty.count} statements`)
})

t.test('GraphQL says the same, for a page by one statement', async (t) => {
  const node = await testNode(t)
  const ids: string[] = []
  for (let n = 1; n <= 100; n++)
    ids.push(await node.plant(n % 2 === 0 ? green : { ...green, attribution: 'anonymous' }, ipv6(n)))
  const sent = await dataOf(
    node,
    'diego.csirt-cl',
    `mutation ($id: ID!) { sight(id: $id, sighting: { type: FALSE_POSITIVE, count: 3, firstSeen: "2026-05-30T00:00:00Z" }, handling: { tlp: AMBER, audience: ["csirt-ar"] }, idempotencyKey: "k") {
      stixId type count firstSeen lastSeen } }`,
    { id: ids[99] },
  )
  const time = '2026-05-30T00:00:00.000Z'
  t.strictSame(sent.sight, { stixId: ids[99], type: 'FALSE_POSITIVE', count: 3, firstSeen: time, lastSeen: time })
  const whole =
    'sightings { stixId reports { type observed organisation { slug } alias count } seen { count firstSeen } falsePositive { count } prevalence { organisations } decay { score since decayed } }'
  const read = await dataOf(
    node,
    'sofia.csirt-ar',
    `query ($id: ID!) { sightings(id: $id) { falsePositive { count } } indicator(id: $id) { ${whole} } }`,
    { id: ids[99] },
  )
  t.strictSame(read.sightings, { falsePositive: { count: 3 } })
  t.match(read.indicator.sightings, {
    reports: [{ type: 'FALSE_POSITIVE', observed: false, organisation: { slug: 'csirt-cl' }, alias: null, count: 3 }],
    seen: { count: 0, firstSeen: null },
    decay: { score: 80, decayed: false },
  })
  t.equal(
    (
      await dataOf(node, 'ana.cert-br', 'query ($id: ID!) { sightings(id: $id) { falsePositive { count } } }', {
        id: ids[99],
      })
    ).sightings.falsePositive.count,
    0,
  )
  t.equal(
    (await dataOf(node, 'anonymous', 'query ($id: ID!) { sightings(id: $id) { stixId } }', { id: ids[99] })).sightings,
    null,
  )
  t.strictSame(errorsOf(await ask(node, 'anonymous', `mutation { sight(id: "${ids[0]}") { count } }`)), [
    'sight credentials_required',
  ])
  t.strictSame(
    errorsOf(await ask(node, 'ana.cert-br', `mutation { sight(id: "${ids[0]}", sighting: { count: 0 }) { count } }`)),
    ['sight invalid_request'],
  )
  const page = `query ($first: Int!) { indicators(first: $first) { edges { node { sightings { falsePositive { count } decay { score } } } } } }`
  for (let n = 0; n < 5; n++) await dataOf(node, 'sofia.csirt-ar', page, { first: 10 })
  const [ten, hundred] = [
    await statements(() => dataOf(node, 'sofia.csirt-ar', page, { first: 10 })),
    await statements(() => dataOf(node, 'sofia.csirt-ar', page, { first: 100 })),
  ]
  const counts = hundred.result.indicators.edges.map(
    (edge: { node: { sightings: { falsePositive: { count: number } } } }) => edge.node.sightings.falsePositive.count,
  )
  t.strictSame(counts, [3, ...Array.from({ length: 99 }, () => 0)])
  // The audit log is written meanwhile, or is not.
  t.ok(hundred.count <= ten.count + 6, `${ten.count}, ${hundred.count} statements`)
})

t.test('what was observed before there were totals is added up by the migration', async (t) => {
  const url = await testDatabase(t)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const folder = mkdtempSync(path.join(tmpdir(), 'puente-migrations-'))
  try {
    await client.query('drop schema public cascade; create schema public')
    for (const name of readdirSync('migrations').filter((each) => /^000[1-7]_.*sql$/.test(each)))
      copyFileSync(path.join('migrations', name), path.join(folder, name))
    await migrate(url, folder)
    await client.query(
      `insert into organisation (id, name, kind, jurisdiction) values ('cert-br', 'x', 'isp', 'BR'), ('csirt-cl', 'x', 'isp', 'CL');
       insert into observation (stix_id, originator, reporter, hour, times)
       select '00000000-0000-4000-8000-000000000001', 'cert-br', r, timestamptz '2026-05-01T00:00:00Z' + n * interval '1 hour', n
       from generate_series(1, 4) n, unnest(array['cert-br', 'csirt-cl']) r`,
    )
    await migrate(url, 'migrations')
    const { rows } = await client.query(
      'select reporter, times::int, first_hour, last_hour from observation_total order by reporter',
    )
    const total = {
      times: 10,
      first_hour: new Date('2026-05-01T01:00:00Z'),
      last_hour: new Date('2026-05-01T04:00:00Z'),
    }
    t.strictSame(rows, [
      { reporter: 'cert-br', ...total },
      { reporter: 'csirt-cl', ...total },
    ])
  } finally {
    rmSync(folder, { recursive: true })
    await client.end()
  }
})

/** The written policy's word on a report: the indicator's handling with the reporter as originator, and the reporter's own. */
function mayKnow(node: TestNode, reader: string, of: Handling, reporter: string, own: Handling | undefined): boolean {
  const world = worldOf(node.world)
  const who = readerOf(node.world, reader, [])
  const amber = of.tlp === 'amber' || of.tlp === 'amber+strict'
  const asReported = {
    ...of,
    originator: reporter,
    organisations: amber ? [...of.organisations, of.originator] : of.organisations,
  }
  return [asReported, ...(own === undefined ? [] : [own])].every(
    (each) => oracle(who, each, 'defence', new Date(now), world).effect === 'permit',
  )
}

t.test('sums, times and prevalence are what the written policy says of each report, in random worlds', async (t) => {
  const node = await testNode(t)
  const organisations = node.world.organisations.map(({ id }) => id)
  const readers = node.world.accounts.filter(({ roles }) => roles.includes('reader') || roles.includes('publisher'))
  const handlings = fc.record({
    originator: fc.constantFrom(...organisations),
    tlp: fc.constantFrom('clear' as const, 'green' as const, 'amber' as const, 'amber+strict' as const),
    organisations: fc.subarray(organisations, { minLength: 1, maxLength: 6 }),
    communities: fc.subarray(['lac-csirts', 'node-community', 'banca-segura'], { maxLength: 2 }),
    lawEnforcement: fc.constantFrom('allowed' as const, 'never' as const),
    attribution: fc.constantFrom('named' as const, 'named' as const, 'anonymous' as const),
    personalData: fc.boolean(),
  })
  const reports = fc.array(
    fc.record({
      reporter: fc.constantFrom(...organisations),
      type: fc.constantFrom('seen', 'seen', 'false-positive', 'expired'),
      times: fc.integer({ min: 1, max: 50 }),
      hour: fc.integer({ min: 0, max: 500 }),
      own: fc.option(handlings, { nil: undefined }),
      observed: fc.boolean(),
    }),
    { maxLength: 14 },
  )
  const { client } = node.context.database
  let n = 0
  let [hidden, shown] = [0, 0]
  await fc.assert(
    fc.asyncProperty(handlings, reports, async (said, list) => {
      const of = handling(said.originator, { ...said, maskable: said.personalData })
      const id = await node.plant(of, { type: 'ipv6-address', value: `3fff:1::${(++n).toString(16)}` })
      const stored: { reporter: string; type: string; times: number; at: string; own?: Handling | undefined }[] = []
      for (const [i, { reporter, type, times, hour, own, observed }] of list.entries()) {
        const at = new Date(Date.parse(now) - (hour * 20 + i) * 3_600_000).toISOString()
        const isObserved = observed && type === 'seen'
        const asked = own === undefined || isObserved ? undefined : handling(reporter, { ...own, originator: reporter })
        const [handlingId = null] = asked === undefined ? [] : await node.context.policy.intern([asked])
        if (isObserved) {
          await client.query(
            `insert into observation_part (stix_id, originator, reporter, hour, times) values ($1, $2, $3, $4, $5)`,
            [id.slice(11), of.originator, reporter, at, times],
          )
          if (i % 2 === 0) await mergeObservations(node.context)
        } else {
          await client.query(
            `insert into sighting as s (stix_id, originator, reporter, type, handling_id, times, first_seen, last_seen) values ($1, $2, $3, $4, $5, $6, $7, $7)
             on conflict (stix_id, originator, reporter, type, handling_id) do update set times = s.times + excluded.times, first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen)`,
            [id.slice(11), of.originator, reporter, type, handlingId, times, at],
          )
        }
        stored.push({ reporter, type, times, at, own: asked })
      }
      for (const { id: reader } of readers) {
        const mine = oracle(readerOf(node.world, reader, []), of, 'defence', new Date(now), worldOf(node.world)).effect
        const { status, body } = await sightings(node, reader, id)
        if (mine === 'deny') {
          if (status !== 404) throw new Error(`${reader} is told of what it may not see`)
          continue
        }
        const known = stored.filter(({ reporter, own }) => mayKnow(node, reader, of, reporter, own))
        hidden += stored.length - known.length
        shown += known.length
        const sumOf = (type: string) => {
          const those = known.filter((each) => each.type === type)
          const times = those.map(({ at }) => at).sort()
          const span = times.length === 0 ? {} : { firstSeen: times[0], lastSeen: times.at(-1) }
          return { count: those.reduce((sum, each) => sum + each.times, 0), ...span }
        }
        const home = readerOf(node.world, reader, []).organisation?.id
        const named = ({ reporter, own }: { reporter: string; own?: Handling | undefined }) =>
          reporter === home || (of.attribution === 'named' && own?.attribution !== 'anonymous')
        const seen = known.filter(({ type }) => type === 'seen')
        const idsOf = (those: readonly { reporter: string }[]) => new Set(those.map(({ reporter }) => reporter))
        const aliases = idsOf(seen.filter((each) => !named(each)))
        const names = idsOf(seen.filter(named))
        const unknown = stored.filter((each) => each.type === 'seen' && !known.includes(each))
        const everybody = new Set([...names, ...idsOf(unknown)])
        const counted = everybody.size >= 5 ? everybody : names
        const expected = {
          seen: sumOf('seen'),
          falsePositive: sumOf('false-positive'),
          expired: sumOf('expired'),
          prevalence: {
            organisations: counted.size + aliases.size,
            jurisdictions: new Set([...counted].map((one) => worldOf(node.world).jurisdictions.get(one))).size,
          },
        }
        const told = {
          seen: body.seen,
          falsePositive: body.falsePositive,
          expired: body.expired,
          prevalence: body.prevalence,
        }
        if (JSON.stringify(told) !== JSON.stringify(expected))
          throw new Error(`${reader}: ${JSON.stringify(told)} for ${JSON.stringify(expected)}`)
      }
    }),
    { numRuns: 25 },
  )
  t.ok(hidden > 300 && shown > 300, `${hidden} hidden, ${shown} shown`)
})
