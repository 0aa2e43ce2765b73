import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { mergeObservations } from '../../src/actions/index.ts'
import { toTheEnd } from '../../src/actions/observe.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import { parseObservable } from '../../src/domain/observables/parse.ts'
import { forEver } from '../../src/domain/observations/known-values.ts'
import { type Answer, actions, type TestNode, testNode } from '../node.ts'

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
const amber: Handling = { ...green, tlp: 'amber', organisations: ['csirt-cl'] }
const domain = { type: 'domain-name', value: 'evil.example.com' }

interface Options {
  readonly type?: string
  readonly answer?: 'hits'
  readonly headers?: Record<string, string>
}

const observe = (node: TestNode, account: string, payload: string | Buffer, options: Options = {}): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: `/v1/observations${options.answer === undefined ? '' : `?answer=${options.answer}`}`,
    headers: { 'content-type': options.type ?? 'application/x-ndjson', ...options.headers },
    payload,
  })

const reportsOf = async (node: TestNode, account: string, id: string): Promise<Answer> =>
  node.call(account, { method: 'GET', url: `/v1/indicators/${id}/observations` })

const linesOf = ({ text }: Answer): Record<string, never>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** A stream whose chunks come when the test gives them. */
async function streaming(
  node: TestNode,
  account: string,
  body: AsyncIterable<Buffer>,
  answer: 'counts' | 'hits',
  idempotencyKey?: string,
) {
  const caller = await actions.authenticate(node.context, { authorization: node.as(account).authorization })
  return await actions.observe(node.context, caller, {
    format: 'ndjson',
    body,
    answer,
    requestDigest: () => Buffer.alloc(0),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  })
}

t.test('an exact value, a containing prefix and a parent domain are counted', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  await node.plant(green, { type: 'ipv4-prefix', value: '203.0.113.0/24' })
  const { status, body } = await observe(
    node,
    'diego.csirt-cl',
    [
      '"evil.example.com"',
      '{"value":"a.b.evil.example.com","type":"hostname","count":4}',
      '"203.0.113.9"',
      '"198.51.100.1"',
      'x',
    ].join('\n'),
  )
  t.equal(status, 200)
  t.strictSame(body, {
    records: 5,
    events: 7,
    matched: 6,
    indicators: 2,
    faults: [{ position: { record: 4, line: 5 }, code: 'invalid_json', message: 'The text is not JSON (RFC 8259)' }],
    faultsTotal: 1,
  })
  const read = await reportsOf(node, 'diego.csirt-cl', id)
  t.strictSame(read.body, {
    id,
    reports: [
      {
        organisation: { id: 'csirt-cl', name: 'CSIRT Chile', jurisdiction: 'CL' },
        times: 5,
        firstHour: '2026-06-01T00:00:00.000Z',
        lastHour: '2026-06-01T00:00:00.000Z',
      },
    ],
    times: 5,
    firstHour: '2026-06-01T00:00:00.000Z',
    lastHour: '2026-06-01T00:00:00.000Z',
    prevalence: { organisations: 1, jurisdictions: 1 },
  })
})

t.test('every form is taken, compressed too, and a bomb is not', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain)
  await node.plant(green, { type: 'ipv4-address', value: '203.0.113.9' })
  const ndjson = '"evil.example.com"\n"203.0.113.9"\n'
  const csv = 'value,type\nevil.example.com,domain-name\n203.0.113.9,\n'
  const binary = Buffer.from(
    '5055454e54454f01 0501cb007109 11036576696c2e6578616d706c652e636f6d'.replaceAll(' ', ''),
    'hex',
  )
  const forms: [string, string | Buffer][] = [
    ['application/x-ndjson', ndjson],
    ['text/csv', csv],
    ['text/plain', 'evil.example.com\n203.0.113.9'],
    ['application/vnd.puente.observations', binary],
  ]
  for (const [type, body] of forms) {
    for (const [coding, payload] of [
      ['identity', body],
      ['gzip', gzipSync(body)],
    ] as const) {
      const answer = await observe(node, 'diego.csirt-cl', payload, { type, headers: { 'content-encoding': coding } })
      t.match(answer.body, { records: 2, matched: 2, indicators: 2, faultsTotal: 0 }, `${type}, ${coding}`)
    }
  }
  const refused: [string, Options, string | Buffer, string, number][] = [
    ['JSON', { type: 'application/json' }, '{}', 'unsupported_media_type', 415],
    ['no header', { type: 'application/vnd.puente.observations' }, 'x'.repeat(20), 'invalid_binary', 422],
    ['another coding', { headers: { 'content-encoding': 'br' } }, ndjson, 'unsupported_media_type', 415],
    ['damaged gzip', { headers: { 'content-encoding': 'gzip' } }, 'not gzip', 'malformed', 400],
    [
      'half of gzip',
      { headers: { 'content-encoding': 'gzip' } },
      gzipSync(ndjson.repeat(99)).subarray(0, 40),
      'malformed',
      400,
    ],
    [
      'a bomb',
      { headers: { 'content-encoding': 'gzip' } },
      gzipSync(Buffer.alloc(20_000_000, 32)),
      'body_too_large',
      413,
    ],
    ['columns', { type: 'text/csv' }, 'value,colour\n', 'invalid_csv', 400],
  ]
  for (const [name, options, payload, code, status] of refused) {
    const answer = await observe(node, 'diego.csirt-cl', payload, options)
    t.match({ status: answer.status, code: answer.body?.code }, { status, code }, name)
  }
})

t.test('hits come with their indicators, once each, and the totals at the end', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const other = await node.plant({ ...green, originator: 'colcert' }, domain)
  const answer = await observe(
    node,
    'diego.csirt-cl',
    '"www.evil.example.com"\n"no.example.org"\n{"value":"evil.example.com","count":2}',
    {
      answer: 'hits',
    },
  )
  t.equal(answer.headers['content-type'], 'application/x-ndjson')
  const lines = linesOf(answer)
  t.strictSame(
    lines.flatMap((line) => (line.indicator === undefined ? [] : [(line.indicator as { id: string }).id])).sort(),
    [id, other].sort(),
  )
  t.match(
    lines.filter((line) => line.hit !== undefined),
    [
      { hit: { record: 0, line: 1, value: 'www.evil.example.com', times: 1, matches: [{ match: 'containing' }, {}] } },
      {
        hit: {
          record: 2,
          line: 3,
          value: 'evil.example.com',
          times: 2,
          hour: '2026-06-01T00:00:00.000Z',
          matches: [{ match: 'exact' }, {}],
        },
      },
    ],
  )
  t.match(lines.at(-1), { totals: { records: 3, events: 4, matched: 3, indicators: 2 } })
  const broken = await observe(node, 'diego.csirt-cl', gzipSync('"evil.example.com"\n'.repeat(50)).subarray(0, 30), {
    answer: 'hits',
    headers: { 'content-encoding': 'gzip' },
  })
  t.match(linesOf(broken).at(-1), { problem: { code: 'malformed' } })
})

t.test('who may send: readers and publishers with the scope to write', async (t) => {
  const node = await testNode(t)
  const ask = (account: string) => observe(node, account, '"x.com"')
  t.equal((await ask('anonymous')).body.code, 'credentials_required')
  t.equal((await ask('caio.cert-br')).body.code, 'role_required')
  t.equal((await ask('ana.cert-br')).status, 200)
  await node.context.database.client.query(`update api_key set scopes = '{read}' where account = 'ana.cert-br'`)
  t.equal((await ask('ana.cert-br')).body.code, 'scope_required')
})

t.test('what the sender may not see is not there', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(amber, domain)
  await node.plant(
    { ...green, originator: 'colcert', tlp: 'red', people: ['camila.csirt-cl'] },
    { type: 'sha1', value: 'a'.repeat(40) },
  )
  const body = `"evil.example.com"\n"sub.evil.example.com"\n"${'a'.repeat(40)}"`
  t.match((await observe(node, 'sofia.csirt-ar', body)).body, { events: 3, matched: 0, indicators: 0 })
  t.match((await observe(node, 'diego.csirt-cl', body)).body, { events: 3, matched: 2, indicators: 1 })
  t.match((await observe(node, 'camila.csirt-cl', body)).body, { events: 3, matched: 3, indicators: 2 })
  t.equal((await reportsOf(node, 'sofia.csirt-ar', id)).status, 404)
})

t.test('what is masked counts for its exact value', async (t) => {
  const node = await testNode(t)
  const personal = { ...green, tlp: 'amber' as const, communities: ['lac-csirts'], personalData: true, maskable: true }
  await node.plant(personal, { type: 'email-address', value: 'someone@evil.example.com' })
  const reader = 'sofia.csirt-ar'
  t.match((await observe(node, reader, '"someone@evil.example.com"\n"other@evil.example.com"')).body, { matched: 1 })
  const [first] = linesOf(await observe(node, reader, '"someone@evil.example.com"', { answer: 'hits' }))
  t.match(first, { indicator: { masked: true } })
})

t.test('recall, expiry, revision and news are known to the next stream', async (t) => {
  const node = await testNode(t)
  const count = async () => (await observe(node, 'diego.csirt-cl', '"evil.example.com"')).body.matched
  t.equal(await count(), 0)
  const id = await node.plant(green, domain, { validUntil: '2026-06-01T00:10:00.000Z' })
  t.equal(await count(), 1, 'published')
  const json = { 'content-type': 'application/json' }
  const revised = await node.call('ana.cert-br', {
    ...{ method: 'PATCH', url: `/v1/indicators/${id}`, headers: json, payload: '{"confidence":5}' },
  })
  t.equal(revised.status, 200)
  t.equal(await count(), 1, 'revised')
  node.at('2026-06-01T00:10:00.000Z')
  t.equal(await count(), 0, 'expired')
  const second = await node.plant(green, { type: 'hostname', value: 'evil.example.com' })
  t.equal(await count(), 1)
  const recall = {
    method: 'POST' as const,
    url: `/v1/indicators/${second}/recall`,
    headers: json,
    payload: '{"reason":"wrong"}',
  }
  t.equal((await node.call('ana.cert-br', recall)).status, 200)
  t.equal(await count(), 0, 'recalled')
  t.equal(
    (await observe(node, 'ana.cert-br', '"evil.example.com"')).body.matched,
    0,
    "for the originator's own people too",
  )
})

t.test('a stream that runs hears within a second of recalls, news, and what is taken from its sender', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const body = new PassThrough()
  const stream = await streaming(node, 'diego.csirt-cl', body, 'hits')
  const next = () =>
    stream.next().then(
      ({ done }) => (done === true ? 'end' : 'hit'),
      (error) => error.code,
    )
  /** Sends the value more than a second after whatever was done before. */
  const send = async () => {
    await sleep(1_050)
    body.write('"evil.example.com"\n')
  }
  const first = next()
  await send()
  t.equal(await first, 'hit')
  const recall = { method: 'POST' as const, url: `/v1/indicators/${id}/recall`, payload: '{"reason":"wrong"}' }
  await node.call('ana.cert-br', { ...recall, headers: { 'content-type': 'application/json' } })
  const second = next()
  await send()
  t.equal(await Promise.race([second, sleep(500).then(() => 'nothing')]), 'nothing', 'recalled')
  await node.plant(green, { type: 'hostname', value: 'evil.example.com' })
  await send()
  t.equal(await second, 'hit', 'published again')
  await node.context.database.client.query("update account set disabled_at = now() where id = 'diego.csirt-cl'")
  const third = next()
  await send()
  t.equal(await third, 'credentials_invalid', 'the account was disabled')
})

t.test('what memory holds wrongly is not counted: the database has the last word', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain)
  await node.plant(amber, { type: 'domain-name', value: 'secret.example.com' })
  const index = await node.context.known.current()
  const { rows } = await node.context.database.client.query(
    'select position, handling_id, value from indicator order by position',
  )
  const [open, secret] = rows
  // As a collision of hashes would have it, and as a table that is behind the policy would.
  index.add('name:other.example.com', Number(open.position), open.handling_id, forEver)
  index.add('name:secret.example.com', Number(secret.position), open.handling_id, forEver)
  const body = '"other.example.com"\n"secret.example.com"\n"evil.example.com"'
  t.match((await observe(node, 'sofia.csirt-ar', body)).body, { matched: 1, indicators: 1 })
  t.equal(
    linesOf(await observe(node, 'sofia.csirt-ar', body, { answer: 'hits' })).filter(({ hit }) => hit !== undefined)
      .length,
    1,
  )
})

t.test('what memory has not heard of yet is not counted: recalled, or expired by a revision', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const count = async () => (await observe(node, 'ana.cert-br', '"evil.example.com"')).body.matched
  t.equal(await count(), 1)
  // Without an entry of the feed, memory cannot know.
  const change = (what: string) =>
    node.context.database.client.query(`update indicator set ${what} where stix_id = $1`, [
      id.slice('indicator--'.length),
    ])
  await change("valid_until = '2026-06-01T00:00:00Z'")
  t.equal(await count(), 0)
  await change('valid_until = null')
  t.equal(await count(), 1)
  await change('recalled = true')
  t.equal(await count(), 0)
})

t.test('an indicator of several values counts once for an observation', async (t) => {
  const node = await testNode(t)
  const observables = [
    parseObservable('url', 'http://evil.example.com/x'),
    parseObservable('domain-name', 'evil.example.com'),
  ] as const
  const id = await node.plant(green, observables[0], { observables, compound: true })
  t.match((await observe(node, 'diego.csirt-cl', '"http://evil.example.com/x"')).body, { matched: 1, indicators: 1 })
  t.equal((await reportsOf(node, 'diego.csirt-cl', id)).body.times, 1)
})

t.test('the hour is the one observed, within limits', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const at = (time: string) => `{"value":"evil.example.com","at":"${time}"}`
  const { body } = await observe(
    node,
    'diego.csirt-cl',
    [
      at('2026-05-31T22:10:00Z'),
      at('2026-05-31T22:50:00Z'),
      at('2026-05-01T00:00:00Z'),
      at('2026-04-30T23:59:59Z'),
      at('2026-06-01T01:30:00Z'),
      at('2026-06-01T02:00:00Z'),
    ].join('\n'),
  )
  t.match(body, { records: 6, events: 4, matched: 4, faultsTotal: 2 })
  t.strictSame(
    body.faults.map((fault: { position: object; code: string }) => [fault.position, fault.code]),
    [
      [{ record: 3, line: 4 }, 'time_out_of_range'],
      [{ record: 5, line: 6 }, 'time_out_of_range'],
    ],
  )
  const { reports } = (await reportsOf(node, 'diego.csirt-cl', id)).body
  t.match(reports, [{ times: 4, firstHour: '2026-05-01T00:00:00.000Z', lastHour: '2026-06-01T01:00:00.000Z' }])
  const hours = await node.context.database.client.query('select times from observation_part order by times')
  t.equal(hours.rows.length, 3)
})

t.test('merging what was appended changes no answer', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  for (let n = 0; n < 3; n++) {
    await observe(node, 'diego.csirt-cl', '"evil.example.com"')
    await observe(node, 'ana.cert-br', '"evil.example.com"')
    const before = await reportsOf(node, 'ana.cert-br', id)
    t.equal(before.body.times, 2 * (n + 1))
    t.equal(await mergeObservations(node.context), 2)
    t.strictSame((await reportsOf(node, 'ana.cert-br', id)).body, before.body)
  }
  const { rows } = await node.context.database.client.query('select count(*)::int as parts from observation_part')
  t.equal(rows[0]?.parts, 0)
})

t.test('with an Idempotency-Key a stream counts once, as a whole or not at all', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const times = async () => (await reportsOf(node, 'diego.csirt-cl', id)).body.times
  const keyed = (key: string): Options => ({ headers: { 'idempotency-key': key } })
  const first = await observe(node, 'diego.csirt-cl', '"evil.example.com"', keyed('a'))
  t.equal(first.body.matched, 1)
  t.strictSame((await observe(node, 'diego.csirt-cl', '"evil.example.com"', keyed('a'))).body, first.body)
  t.equal(await times(), 1)
  t.equal(
    (await observe(node, 'diego.csirt-cl', '"other.example.com"', keyed('a'))).body.code,
    'idempotency_key_reused',
  )
  const hits = await observe(node, 'diego.csirt-cl', '"evil.example.com"', { ...keyed('b'), answer: 'hits' })
  t.equal(hits.body.code, 'invalid_request')

  // A body that breaks after something was written already.
  const caller = await actions.authenticate(node.context, { authorization: node.as('diego.csirt-cl').authorization })
  let written = 0
  const body = async function* () {
    const lines = Array.from({ length: 2_000 }, (_, n) => `{"value":"evil.example.com","at":"${hourOf(n)}"}\n`)
    for (let n = 0; n < 40; n++) yield Buffer.from(lines.join(''))
    await sleep(5_100)
    yield Buffer.from(lines.join(''))
    await sleep(1_000)
    const { rows } = await node.context.database.client.query(
      'select count(*)::int as parts from observation_part where receipt is not null',
    )
    written = rows[0]?.parts
    t.equal(await times(), 1, 'what is written does not count yet')
    await mergeObservations(node.context)
    t.equal(await times(), 1, 'merged or not')
    throw new Error('the connection broke')
  }
  const input = {
    format: 'ndjson' as const,
    body: body(),
    answer: 'counts' as const,
    idempotencyKey: 'c',
    requestDigest: () => Buffer.alloc(32),
  }
  await t.rejects(async () => toTheEnd(await actions.observe(node.context, caller, input)), /broke/)
  t.ok(written > 0, `${written} parts were written`)
  t.equal(await times(), 1)
  const left = await node.context.database.client.query(
    'select count(*)::int as parts from observation_part where receipt is not null and receipt not in (select id from receipt)',
  )
  t.equal(left.rows[0]?.parts, 0)
  t.equal(
    (await observe(node, 'diego.csirt-cl', '"evil.example.com"', keyed('c'))).body.matched,
    1,
    'the key is free again',
  )
  t.equal(await times(), 2)
})

const hourOf = (n: number): string => new Date(Date.parse('2026-05-31T23:00:00Z') - (n % 100) * 3_600_000).toISOString()

t.test('what a dead stream with a key appended is removed after a day', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const { client } = node.context.database
  const open = '00000000-0000-4000-8000-000000000001'
  await client.query(
    "insert into receipt (id, account, at, idempotency_key) values ($1, 'diego.csirt-cl', '2026-05-31T00:30:00Z', 'k')",
    [open],
  )
  await client.query(`insert into observation_part values ($1, 'cert-br', 'csirt-cl', '2026-05-31T00:00:00Z', 7, $2)`, [
    id.slice('indicator--'.length),
    open,
  ])
  await mergeObservations(node.context)
  t.equal((await client.query('select from observation_part')).rowCount, 1, 'it may still run')
  node.at('2026-06-01T00:31:00.000Z')
  await mergeObservations(node.context)
  t.equal((await client.query('select from observation_part')).rowCount, 0)
  t.equal((await reportsOf(node, 'diego.csirt-cl', id)).body.times, 0)
})

t.test('a report is for those who may have the indicator from the reporter', async (t) => {
  const node = await testNode(t)
  const id = await node.plant({ ...amber, organisations: ['csirt-cl', 'colcert', 'csirt-ar'] }, domain)
  await observe(node, 'diego.csirt-cl', '"evil.example.com"')
  const seenBy = async (account: string) => {
    const { body } = await reportsOf(node, account, id)
    return [
      body.reports.map((each: { organisation?: { id: string } }) => each.organisation?.id),
      body.prevalence.organisations,
      body.times,
    ]
  }
  t.strictSame(await seenBy('diego.csirt-cl'), [['csirt-cl'], 1, 1], 'the reporter itself')
  t.strictSame(await seenBy('ana.cert-br'), [['csirt-cl'], 1, 1], 'the originator')
  t.strictSame(await seenBy('sofia.csirt-ar'), [['csirt-cl'], 1, 1], 'the audience, under an agreement with Chile')
  await node.context.database.client.query("update organisation set jurisdiction = 'MX' where id = 'csirt-cl'")
  t.strictSame(await seenBy('sofia.csirt-ar'), [[], 0, 0], 'without an agreement with the reporter')
})

t.test('an anonymous source makes anonymous reports, and five organisations make a prevalence', async (t) => {
  const node = await testNode(t)
  const id = await node.plant({ ...green, attribution: 'anonymous' }, domain)
  await observe(node, 'diego.csirt-cl', '"evil.example.com"')
  const { body } = await reportsOf(node, 'sofia.csirt-ar', id)
  t.strictSame(Object.keys(body.reports[0]), ['times', 'firstHour', 'lastHour'])
  t.equal((await reportsOf(node, 'diego.csirt-cl', id)).body.reports[0].organisation.id, 'csirt-cl')
  // Chile, Brazil and the others have no agreement with Germany: their reports are not for Jonas.
  const hidden = await node.plant(
    { ...green, originator: 'beobachter-de' },
    { type: 'domain-name', value: 'de.example.com' },
  )
  const insert = `insert into observation_part (stix_id, originator, reporter, hour, times) values ($1, 'beobachter-de', $2, '2026-05-31T00:00:00Z', 3)`
  const organisations = ['csirt-cl', 'cert-br', 'colcert', 'rede-sul', 'csirt-ar']
  for (const [n, reporter] of organisations.entries()) {
    await node.context.database.client.query(insert, [hidden.slice('indicator--'.length), reporter])
    const read = (await reportsOf(node, 'jonas.beobachter-de', hidden)).body
    t.strictSame(read.reports, [], 'no agreement lets them tell')
    t.strictSame(
      read.prevalence,
      n < 4 ? { organisations: 0, jurisdictions: 0 } : { organisations: 5, jurisdictions: 4 },
    )
    t.equal(read.times, 0)
  }
})

t.test('hits of RED, and of law enforcement above CLEAR, are on the log before they are told', async (t) => {
  const node = await testNode(t)
  await node.plant({ ...green, originator: 'colcert', tlp: 'red', people: ['camila.csirt-cl'] }, domain)
  const leaves = async () =>
    (
      await node.context.database.client.query(
        "select leaf from audit_leaf where action = 'observe' and leaf like '%tlp.red%'",
      )
    ).rowCount
  await observe(node, 'camila.csirt-cl', '"evil.example.com"')
  t.equal(await leaves(), 0)
  await observe(node, 'camila.csirt-cl', '"evil.example.com"', { answer: 'hits' })
  t.equal(await leaves(), 1)
  await node.context.database.client.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$;
     create trigger refuse before insert on audit_leaf for each row execute function refuse()`,
  )
  const answer = await observe(node, 'camila.csirt-cl', '"evil.example.com"', { answer: 'hits' })
  t.strictSame(
    linesOf(answer).map((line) => Object.keys(line)),
    [['problem']],
    'refused when the log cannot be written',
  )
})

t.test('so many streams at once, and one more when one has ended', async (t: Test) => {
  const node = await testNode(t)
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const body = async function* () {
    await opened
    yield Buffer.from('"x.com"')
  }
  const running = []
  for (let n = 0; n < limits.observationStreamsOfAccount; n++) {
    running.push(toTheEnd(await streaming(node, 'diego.csirt-cl', body(), 'counts')))
  }
  const refused = await observe(node, 'diego.csirt-cl', '"x.com"')
  t.match(refused, { status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': '5' } })
  t.equal((await observe(node, 'ana.cert-br', '"x.com"')).status, 200, 'one account leaves places to others')
  open()
  await Promise.all(running)
  t.equal((await observe(node, 'diego.csirt-cl', '"x.com"')).status, 200)
})

t.test('a stream whose key runs again meanwhile says so, and counts nothing', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  node.at('2026-06-01T00:00:00.000Z')
  const began = async () => {
    const body = new PassThrough()
    const stream = await streaming(node, 'diego.csirt-cl', body, 'counts', 'the same')
    return { body, end: toTheEnd(stream) }
  }
  const first = await began()
  first.body.write('"evil.example.com"\n')
  await sleep(100)
  // Its process seems to be dead: nothing was heard of it.
  node.at('2026-06-01T00:06:00.000Z')
  const second = await began()
  second.body.write('"evil.example.com"\n')
  await sleep(100)
  first.body.end()
  await t.rejects(first.end, { code: 'idempotency_in_progress' })
  second.body.end()
  t.match(await second.end, { matched: 1 })
  await mergeObservations(node.context)
  const { body } = await reportsOf(node, 'diego.csirt-cl', id)
  t.match(body, { times: 1 })
})

t.test('GraphQL takes a few observations, and tells what was seen, by the same actions', async (t) => {
  const node = await testNode(t)
  const id = await node.plant(green, domain)
  const ask = async (account: string, query: string) => {
    const headers = { 'content-type': 'application/json' }
    const { body } = await node.call(account, {
      method: 'POST',
      url: '/graphql',
      headers,
      payload: JSON.stringify({ query }),
    })
    return body
  }
  const sent = await ask(
    'diego.csirt-cl',
    `mutation { observe(observations: [
      { value: "evil.example.com", type: "domain-name", at: "2026-05-31T22:00:00Z", count: 2147483647 }, { value: "evil.example.com", type: null }, { value: "?" }
    ]) { records events matched indicators faultsTotal faults { position { record } code } } }`,
  )
  t.strictSame(sent.data.observe, {
    ...{ records: 3, events: 1, matched: 1, indicators: 1, faultsTotal: 2 },
    faults: [
      { position: { record: 0 }, code: 'invalid_record' },
      { position: { record: 2 }, code: 'invalid_value' },
    ],
  })
  const read = await ask(
    'ana.cert-br',
    `{ indicator(id: "${id}") { observations { times reports { organisation { slug } times } prevalence { organisations } } } }`,
  )
  t.strictSame(read.data.indicator.observations, {
    times: 1,
    reports: [{ organisation: { slug: 'csirt-cl' }, times: 1 }],
    prevalence: { organisations: 1 },
  })
  t.equal((await ask('anonymous', `{ observations(id: "${id}") { times } }`)).data.observations, null)
  const anonymous = await node.plant({ ...green, originator: 'colcert', attribution: 'anonymous' }, domain)
  await observe(node, 'diego.csirt-cl', '"evil.example.com"')
  const page = await ask('ana.cert-br', '{ indicators(first: 2) { edges { node { stixId observations { times } } } } }')
  t.strictSame(
    page.data.indicators.edges.map((edge: { node: object }) => edge.node),
    [
      { stixId: anonymous, observations: { times: 1 } },
      { stixId: id, observations: { times: 2 } },
    ],
    'of each on a page, of an anonymous source too',
  )
  t.equal(
    (await ask('anonymous', 'mutation { observe(observations: [{ value: "x" }]) { records } }')).errors[0].extensions
      .code,
    'credentials_required',
  )
})
