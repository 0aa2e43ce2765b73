import t from 'tap'
import { type TestNode, testNode } from '../node.ts'

/** What an attacker would try at the doors for clients of MISP. */

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }
const post = (node: TestNode, account: string, url: string, body: unknown, headers = {}) =>
  node.call(account, { method: 'POST', url, headers: { ...json, ...headers }, payload: JSON.stringify(body) })
const uuid = (n: number) => `6bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
const tag = (...names: string[]) => names.map((name) => ({ name }))
const event = (n: number, members: object = {}) => ({
  Event: { uuid: uuid(n), info: `Event ${n}`, date: '2026-05-04', Tag: tag('tlp:green'), ...members },
})
const domain = (n: number, value: string, members: object = {}) => ({
  uuid: uuid(n),
  type: 'domain',
  value,
  to_ids: true,
  ...members,
})

t.test('attacks on MISP', async (t) => {
  const node = await testNode(t)

  t.test('objects where a number or a text belongs are an error of the caller', async (t) => {
    const odd = { toString: 1, valueOf: 1 }
    for (const body of [
      { limit: odd },
      { page: odd },
      { timestamp: odd },
      { timestamp: [odd, odd] },
      { to_ids: odd },
      { eventinfo: odd },
      { tags: odd },
      { returnFormat: odd },
      { org: [odd] },
      { from: odd },
    ])
      for (const url of ['/misp/events/restSearch', '/misp/attributes/restSearch']) {
        const { status } = await post(node, 'camila.csirt-cl', url, body)
        t.ok(status < 500, `${url} ${JSON.stringify(body)} → ${status}`)
      }
    for (const body of [
      { type: odd, value: 'a.example' },
      { type: 'toString', value: 'a.example' },
      { type: 'constructor', value: 'a.example' },
      { timestamp: odd, value: 'a.example' },
      { uuid: odd },
    ])
      t.ok((await post(node, 'ana.cert-br', '/misp/sightings/add', body)).status < 500, JSON.stringify(body))
    await post(node, 'ana.cert-br', '/misp/events/add', event(1, { Attribute: [domain(2, 'seen.example.com')] }))
    for (const type of ['toString', 'constructor', '__proto__', odd])
      t.equal(
        (await post(node, 'ana.cert-br', `/misp/sightings/add/${uuid(2)}`, { type })).status,
        400,
        JSON.stringify(type),
      )
  })

  t.test('one poisoned record does not take the others with it', async (t) => {
    const odd = { toString: 1, valueOf: 1 }
    for (const [n, bad] of [
      { distribution: odd },
      { timestamp: odd },
      { Tag: odd },
      { comment: odd },
      { to_ids: odd },
      { deleted: odd },
      { category: odd },
      { value: odd },
      { type: odd },
      { uuid: odd },
    ].entries()) {
      const id = 100 + n * 10
      const answer = await post(
        node,
        'ana.cert-br',
        '/misp/events/add',
        event(id, {
          Attribute: [domain(id + 1, `good${n}.example.com`), domain(id + 2, `bad${n}.example.com`, bad)],
          Object: [
            {
              uuid: uuid(id + 3),
              name: 'x',
              template_version: odd,
              Attribute: [domain(id + 4, `alsogood${n}.example.com`)],
            },
          ],
        }),
      )
      t.equal(answer.status, 200, `${JSON.stringify(bad)} ${answer.text}`)
      const text = (await post(node, 'ana.cert-br', '/misp/events/restSearch', { uuid: uuid(id) })).text
      t.match(text, `"good${n}.example.com`)
      t.match(text, `"alsogood${n}.example.com`)
    }
    const v1 = await post(
      node,
      'ana.cert-br',
      '/v1/indicators?format=misp',
      event(300, { threat_level_id: odd, distribution: odd, Attribute: [domain(301, 'v1.example.com')] }),
    )
    t.ok(v1.status < 500, v1.text)
  })

  t.test('names cut in the middle of a character poison no search', async (t) => {
    const long = `${'x'.repeat(255)}😀`
    await post(
      node,
      'ana.cert-br',
      '/misp/events/add',
      event(400, {
        Tag: tag('tlp:amber', 'puente:audience="cert-br"'),
        Orgc: { name: long },
        Attribute: [domain(401, 'cut.example.com')],
        Object: [
          {
            uuid: uuid(402),
            name: 'x',
            template_version: `${'1'.repeat(19)}😀`,
            ObjectReference: [
              { uuid: uuid(403), referenced_uuid: uuid(401), relationship_type: long, comment: `${'c'.repeat(999)}😀` },
            ],
            Attribute: [domain(404, 'cut2.example.com')],
          },
        ],
      }),
    )
    for (const account of ['camila.csirt-cl', 'ana.cert-br', 'anonymous'])
      for (const body of [{ eventinfo: 'x' }, { tags: ['a'] }, { from: '2026-01-01' }, { type: 'domain' }, {}]) {
        const a = await post(node, account, '/misp/events/restSearch', body)
        t.equal(a.status, 200, `${account} ${JSON.stringify(body)} ${a.text.slice(0, 200)}`)
      }
  })

  t.test('who published anonymously stays so when the event is edited', async (t) => {
    const anonymous = { 'puente-handling': 'tlp=green&attribution=anonymous' }
    await post(
      node,
      'ana.cert-br',
      '/misp/events/add',
      event(500, { Orgc: { name: 'CERT.br' }, Attribute: [domain(501, 'anon.example.com')] }),
      anonymous,
    )
    const seen = () => node.call('camila.csirt-cl', { method: 'GET', url: `/misp/events/view/${uuid(500)}` })
    t.notMatch((await seen()).text, /cert.?br/i)
    await post(node, 'ana.cert-br', `/misp/events/edit/${uuid(500)}`, { info: 'Better title' })
    t.match((await seen()).text, 'Better title')
    t.notMatch((await seen()).text, /cert.?br/i, 'after an edit of the title')
    const { body } = await node.call('ana.cert-br', { method: 'GET', url: `/misp/events/view/${uuid(500)}` })
    body.Event.info = 'Best title'
    body.Event.Attribute.push(domain(502, 'anon2.example.com'))
    await post(node, 'ana.cert-br', `/misp/events/edit/${uuid(500)}`, body)
    t.match((await seen()).text, 'Best title')
    t.notMatch((await seen()).text, /cert.?br/i, 'after an edit of the whole')
    t.notMatch(
      (await node.call('camila.csirt-cl', { method: 'GET', url: `/v1/indicators?domain=anon2.example.com` })).text,
      /cert.?br/i,
    )
    t.notMatch(
      (await node.call('camila.csirt-cl', { method: 'GET', url: `/v1/indicators?domain=anon.example.com` })).text,
      /cert.?br/i,
    )
  })

  t.test('an attribute made anonymous is not in an event that names its source', async (t) => {
    await post(
      node,
      'ana.cert-br',
      '/misp/events/add',
      event(600, { Attribute: [domain(601, 'later-anon.example.com'), domain(602, 'named.example.com')] }),
    )
    const patched = await node.call('ana.cert-br', {
      method: 'PATCH',
      url: `/v1/indicators/indicator--${uuid(601)}`,
      headers: json,
      payload: JSON.stringify({ attribution: 'anonymous' }),
    })
    t.equal(patched.status, 200, patched.text)
    for (const [method, url, body] of [
      ['GET', `/misp/events/view/${uuid(600)}`, undefined],
      ['POST', '/misp/events/restSearch', { value: 'later-anon.example.com' }],
      ['POST', '/misp/attributes/restSearch', { value: 'later-anon.example.com' }],
      ['GET', `/misp/attributes/view/${uuid(601)}`, undefined],
      ['GET', `/misp/feed/${uuid(600)}.json`, undefined],
      ['GET', `/v1/indicators?format=misp&domain=later-anon.example.com`, undefined],
    ] as const) {
      const { text } = await node.call('camila.csirt-cl', {
        method,
        url,
        ...(body === undefined ? {} : { headers: json, payload: JSON.stringify(body) }),
      })
      t.notOk(text.includes('later-anon') && /cert.?br/i.test(text), `${method} ${url} ${text}`)
    }
  })

  t.test('an event whose attributes are all recalled or expired is absent', async (t) => {
    await post(node, 'ana.cert-br', '/misp/events/add', event(700, { Attribute: [domain(701, 'gone.example.com')] }))
    t.equal((await node.call('camila.csirt-cl', { method: 'GET', url: `/misp/events/view/${uuid(700)}` })).status, 200)
    const recalled = await post(node, 'ana.cert-br', `/v1/indicators/indicator--${uuid(701)}/recall`, {
      reason: 'wrong',
    })
    t.equal(recalled.status, 200)
    t.equal((await node.call('camila.csirt-cl', { method: 'GET', url: `/misp/events/view/${uuid(700)}` })).status, 404)
    t.notMatch((await node.call('camila.csirt-cl', { method: 'GET', url: `/misp/feed/manifest.json` })).text, uuid(700))
    t.notMatch(
      (await post(node, 'ana.cert-br', '/misp/attributes/restSearch', { value: 'gone.example.com' })).text,
      'gone.example.com',
    )
  })

  t.test(
    'a key of Puente-Handling that is not known is refused: a limit with a slip in its name would not be kept',
    async (t) => {
      for (const said of [
        'notReleasable=US',
        'lawenforcement=never',
        '__proto__=x',
        'constructor=x',
        'originator=csirt-cl',
        '=',
      ]) {
        const { status, body } = await post(node, 'ana.cert-br', '/misp/events/add', event(79, { Tag: [] }), {
          'puente-handling': `tlp=green&${said}`,
        })
        t.match({ status, code: body.code }, { status: 422, code: 'invalid_handling' }, said)
      }
    },
  )

  t.test('a key of Puente-Handling that is said twice is refused', async (t) => {
    const { status, text } = await post(
      node,
      'ana.cert-br',
      '/misp/events/add',
      event(800, { Tag: [], Attribute: [domain(801, 'twice.example.com')] }),
      { 'puente-handling': 'tlp=red&people=ana.cert-br&tlp=clear' },
    )
    t.equal(status, 422, text)
  })

  t.test('an older copy of an event widens none of its context', async (t) => {
    const comment = (at: number, ...tags: string[]) => ({
      uuid: uuid(901),
      type: 'comment',
      value: 'who it was',
      timestamp: String(at),
      ...(tags.length ? { Tag: tag(...tags) } : {}),
    })
    const old = event(900, {
      timestamp: '1777900000',
      Attribute: [domain(902, 'ctx.example.com', { timestamp: '1777900000' }), comment(1777900000)],
    })
    await post(node, 'ana.cert-br', '/misp/events/add', old)
    await post(
      node,
      'ana.cert-br',
      '/misp/events/add',
      event(900, {
        timestamp: '1777900100',
        Attribute: [
          domain(902, 'ctx.example.com', { timestamp: '1777900000' }),
          comment(1777900100, 'tlp:amber+strict', 'puente:audience="cert-br"'),
        ],
      }),
    )
    const seen = async () =>
      (await node.call('camila.csirt-cl', { method: 'GET', url: `/misp/events/view/${uuid(900)}` })).text
    t.notMatch(await seen(), 'who it was')
    await post(node, 'ana.cert-br', '/misp/events/add', old)
    t.notMatch(await seen(), 'who it was', 'the older copy')
  })

  t.test('another organisation takes over no id', async (t) => {
    await post(node, 'ana.cert-br', '/misp/events/add', event(1000, { Attribute: [domain(1001, 'owned.example.com')] }))
    await post(
      node,
      'carlos.colcert',
      '/misp/events/add',
      event(1000, { info: 'Hijacked', Attribute: [domain(1001, 'hijack.example.com')] }),
    )
    const { text } = await node.call('camila.csirt-cl', { method: 'GET', url: `/misp/events/view/${uuid(1000)}` })
    t.match(text, 'owned.example.com')
    const url = '/misp/feed/'
    const manifest = await node.call('camila.csirt-cl', { method: 'GET', url: `${url}manifest.json` })
    t.equal(manifest.text.split(uuid(1000)).length, 2, 'a feed has one entry for a UUID')
    t.notMatch(manifest.text, 'Hijacked')
    t.notMatch(
      (await node.call('camila.csirt-cl', { method: 'GET', url: `${url}${uuid(1000)}.json` })).text,
      'Hijacked',
    )
    t.match(
      (await node.call('carlos.colcert', { method: 'GET', url: `/misp/events/view/${uuid(1000)}` })).text,
      'Hijacked',
    )
  })

  t.test('an event of the future is refused: nothing could narrow it later', async (t) => {
    const { text } = await post(
      node,
      'ana.cert-br',
      '/misp/events/add',
      event(1100, { timestamp: '253402300799', Attribute: [domain(1101, 'future.example.com')] }),
    )
    t.match(text, 'invalid_record')
  })
})

t.test('large events are read a few at a time', async (t) => {
  const node = await testNode(t)
  const text = 'x'.repeat(60_000)
  for (let n = 0; n < 3; n++) {
    const comments = Array.from({ length: 250 }, (_, i) => ({
      uuid: uuid(10_000 + n * 1_000 + i),
      type: 'comment',
      value: `${i} ${text}`,
    }))
    const { status } = await post(
      node,
      'ana.cert-br',
      '/v1/indicators?format=misp',
      event(9_000 + n, { Attribute: comments }),
    )
    t.equal(status, 200)
  }
  const { actions } = await import('../../src/actions/index.ts')
  const { publicCaller } = await import('../../src/domain/caller.ts')
  const reader = (await import('../../src/actions/recognise.ts')).readerIn(
    (await node.context.policy.current()).directory,
    'camila.csirt-cl',
  )
  if (reader === undefined) throw new Error('the reader is not there')
  const caller = { ...publicCaller, reader, scopes: ['read'] } as const
  const first = await actions['search-events'](node.context, caller, { filter: {}, limit: 20 })
  t.equal(first.events.length, 2)
  if (first.next === undefined) throw new Error('there is more')
  const second = await actions['search-events'](node.context, caller, { filter: {}, limit: 20, after: first.next })
  t.strictSame(
    second.events.map(({ attributes }) => attributes.length),
    [250],
  )
  t.equal(second.next, undefined)
  const { body } = await post(node, 'camila.csirt-cl', '/misp/events/restSearch', {})
  t.equal(body.response.length, 3, 'all of them in one answer')
})

t.test('one sighting is not ten thousand', async (t) => {
  const node = await testNode(t)
  const list = (n: number) => Array.from({ length: 100 }, (_, i) => ({ value: `v${i}.example.com`, name: `${n}` }))
  const values = Array.from({ length: 100 }, (_, i) => `v${i}.example.com`)
  for (let n = 0; n < 11; n++) {
    const records = list(n).map((each, i) => ({ ...each, id: `indicator--${uuid(20_000 + n * 100 + i)}` }))
    const { status, text } = await post(node, 'ana.cert-br', '/v1/indicators?tlp=green', records)
    t.equal(status, 200, text)
  }
  const { status, body } = await post(node, 'camila.csirt-cl', '/misp/sightings/add', { values })
  t.match([status, body.code], [413, 'too_many_values'])
})

t.test('attributes of others under the same UUID stand in nobody’s way', async (t) => {
  const node = await testNode(t)
  const ok = async (account: string, url: string, body: unknown) => {
    const { status, text } = await post(node, account, url, body)
    t.equal(status, 200, `${url} ${text}`)
    return text
  }
  const theirs = Array.from({ length: 21 }, (_, n) => 710 + n)
  for (const n of theirs)
    await ok('camila.csirt-cl', '/misp/events/add', event(n, { Attribute: [domain(n + 100, `e${n}.example.com`)] }))
  node.at('2026-06-20T00:00:00Z')
  await ok('ana.cert-br', '/misp/events/add', event(700, { Attribute: [domain(701, 'mine.example.com')] }))
  for (const n of theirs)
    await ok('camila.csirt-cl', `/misp/attributes/add/${uuid(n)}`, domain(701, 'theirs.example.com'))
  await ok('ana.cert-br', '/misp/attributes/addTag', { attribute: uuid(701), tag: 'mine' })
  await ok('ana.cert-br', `/misp/attributes/edit/${uuid(701)}`, { comment: 'mine' })
  const { text } = await node.call('ana.cert-br', { url: `/misp/attributes/view/${uuid(701)}` })
  t.match(text, /mine\.example\.com/)
  const own = await post(node, 'ana.cert-br', '/v1/indicators', {
    ...{ id: `indicator--${uuid(702)}`, value: 'alone.example.com', tlp: 'green' },
  })
  t.equal(own.status, 200, own.text)
  await ok('camila.csirt-cl', `/misp/attributes/add/${uuid(710)}`, domain(702, 'theirs.example.com'))
  await ok('ana.cert-br', '/misp/attributes/addTag', { attribute: uuid(702), tag: 'mine' })
  await ok('ana.cert-br', `/misp/attributes/delete/${uuid(702)}`, {})
  const others = await node.call('ana.cert-br', { url: `/misp/attributes/view/${uuid(702)}` })
  t.match(others.text, /theirs\.example\.com/, 'its own was taken back')
})
