import t from 'tap'
import { type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

const json = { 'content-type': 'application/json' }

const push = (node: TestNode, account: string, url: string, payload: unknown, headers: Record<string, string> = json) =>
  node.call(account, {
    method: 'POST',
    url: `/v1/indicators${url}`,
    headers,
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })

t.test('publishing', async (t) => {
  const node = await testNode(t)

  t.test('takes one, an array, NDJSON, CSV and a plain list', async (t) => {
    const bodies: readonly (readonly [string, string, number])[] = [
      ['application/json', JSON.stringify({ value: '192.0.2.1' }), 1],
      ['application/json', JSON.stringify([{ value: '192.0.2.2' }, { value: 'one.example.com' }]), 2],
      ['application/x-ndjson', '{"value":"192.0.2.3"}\n\n{"value":"CVE-2024-0001"}\r\n', 2],
      ['text/csv', 'type,value,confidence\nipv4-address,192.0.2.4,70\ndomain-name,two.example.com,\n', 2],
      ['text/plain', '# a list\n192.0.2.5\nhxxp://three.example[.]com/x\n', 2],
    ]
    for (const [type, body, count] of bodies) {
      const answer = await push(node, 'ana.cert-br', '?tlp=clear', body, { 'content-type': type })
      t.equal(answer.status, 200, answer.text)
      t.match(answer.body, { accepted: count, unchanged: 0, rejected: { length: 0 } }, type)
    }
    const { body } = await node.call('anonymous', { method: 'GET', url: '/v1/indicators?value=three.example.com' })
    t.equal(body.items.length, 0, 'a URL is not its host')
    const url = await node.call('anonymous', { method: 'GET', url: '/v1/indicators?value=http://three.example.com/x' })
    t.equal(url.body.items.length, 1, 'refanged')
  })

  t.test('pushing again changes nothing, and says so', async (t) => {
    const body = [{ value: '192.0.2.10', class: 'scanner' }, { value: '192.0.2.11' }]
    t.match((await push(node, 'ana.cert-br', '?tlp=green', body)).body, { accepted: 2, unchanged: 0 })
    t.match((await push(node, 'ana.cert-br', '?tlp=green', body)).body, { accepted: 0, unchanged: 2 })
    const changed = [{ value: '192.0.2.10', class: 'brute-force' }, { value: '192.0.2.11' }]
    t.match((await push(node, 'ana.cert-br', '?tlp=green', changed)).body, { accepted: 1, unchanged: 1 })
    const { body: page } = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?value=192.0.2.10' })
    t.match(page.items, [{ version: 2, classType: 'brute-force', class: 'intrusion-attempts' }])
    t.equal(page.items[0].created < page.items[0].modified || page.items[0].version === 2, true)
  })

  t.test('names every fault of a batch with its position, and takes the rest', async (t) => {
    const lines = [
      '{"value":"192.0.2.20"}',
      '{"value":"192.0.2.300","type":"ipv4-address"}',
      '{"value":"192.0.2.21","tlp":"purple"}',
      'not json',
      '{"value":"192.0.2.22","value":"192.0.2.23"}',
      '{"value":"192.0.2.24","colour":"red"}',
      '{"value":"192.0.2.25","tlp":"amber"}',
      '{"value":"192.0.2.26","tlp":"amber","audience":["nobody"]}',
      '{"value":"192.0.2.27","tlp":"amber","audience":["community:no-such"]}',
      '{"value":"192.0.2.28","tlp":"red"}',
      '{"value":"192.0.2.29","originator":"csirt-cl"}',
      '{"value":"a\\u0000b"}',
      '{"value":"192.0.2.30"}',
    ]
    const answer = await push(node, 'ana.cert-br', '?tlp=green', lines.join('\n'), {
      'content-type': 'application/x-ndjson',
    })
    t.equal(answer.status, 207, answer.text)
    t.equal(answer.body.accepted, 2)
    t.strictSame(
      answer.body.rejected.map((each: { position: { line: number }; code: string }) => [each.position.line, each.code]),
      [
        [2, 'invalid_value'],
        [3, 'marking_unknown'],
        [4, 'invalid_json'],
        [5, 'duplicate_key'],
        [6, 'invalid_record'],
        [7, 'audience_required'],
        [8, 'audience_unknown'],
        [9, 'audience_unknown'],
        [10, 'people_required'],
        [11, 'invalid_handling'],
        [12, 'invalid_text'],
      ],
    )
  })

  t.test('refuses one bad record as a whole, with a problem', async (t) => {
    const answer = await push(node, 'ana.cert-br', '', { value: '192.0.2.40' })
    t.equal(answer.status, 422)
    t.match(String(answer.headers['content-type']), 'application/problem+json')
    t.match(answer.body, { code: 'marking_required', accepted: 0, rejectedTotal: 1 })
  })

  t.test('what the query says can only be made stricter', async (t) => {
    const url = '?tlp=amber&audience=csirt-cl,colcert'
    const body = [
      { value: '192.0.2.50', tlp: 'clear' },
      { value: '192.0.2.51', tlp: 'amber+strict', audience: ['csirt-cl'] },
      { value: '192.0.2.52', audience: ['cert-mx'] },
    ]
    const answer = await push(node, 'ana.cert-br', url, body)
    t.match(answer.body, { accepted: 2, rejected: [{ position: { record: 2 }, code: 'audience_required' }] })
    const handlingOf = async (value: string) =>
      (await node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators?value=${value}` })).body.items[0].handling
    t.match(await handlingOf('192.0.2.50'), { tlp: 'amber', audience: ['colcert', 'csirt-cl'] })
    t.match(await handlingOf('192.0.2.51'), { tlp: 'amber+strict', audience: ['csirt-cl'] })
  })

  t.test('needs a publisher, and the write scope', async (t) => {
    const refused = await push(node, 'bruno.cert-br', '?tlp=clear', { value: '192.0.2.60' })
    t.match(refused, { status: 403, body: { code: 'role_required', rule: 'role.publisher' } })
    const nobody = await push(node, 'anonymous', '?tlp=clear', { value: '192.0.2.60' })
    t.match(nobody, { status: 401, body: { code: 'credentials_required' } })
    const { rows } = await node.context.database.client.query(
      "select leaf from audit_leaf where action = 'publish' and decision = 'deny'",
    )
    t.equal(rows.length, 1, 'the refusal of an account is on the audit log')
    t.match(JSON.parse(rows[0].leaf), { actor: 'bruno.cert-br', rules: ['role.publisher'] })
  })

  t.test('an Idempotency-Key answers a repeated push with the first receipt', async (t) => {
    const headers = { ...json, 'idempotency-key': 'monday-1' }
    const first = await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.70' }], headers)
    const again = await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.70' }], headers)
    t.strictSame(again.body, first.body)
    const other = await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.71' }], headers)
    t.match(other, { status: 422, body: { code: 'idempotency_key_reused' } })
    const elsewhere = await push(node, 'camila.csirt-cl', '?tlp=clear', [{ value: '192.0.2.71' }], headers)
    t.equal(elsewhere.status, 200, 'keys of accounts do not meet')
  })

  t.test('a push that died with its process does not hold its Idempotency-Key for ever', async (t) => {
    const headers = { ...json, 'idempotency-key': 'died' }
    const open = (at: string) =>
      node.context.database.client.query(
        "insert into receipt (id, account, at, idempotency_key) values (gen_random_uuid(), 'ana.cert-br', $1, 'died')",
        [at],
      )
    await open('2026-05-31T23:58:00Z')
    const early = await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.75' }], headers)
    t.match(early, { status: 409, body: { code: 'idempotency_in_progress' } })
    t.equal(early.headers['retry-after'], '5')
    await node.context.database.client.query("delete from receipt where idempotency_key = 'died'")
    await open('2026-05-31T23:54:00Z')
    t.match(await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.75' }], headers), { status: 200 })
  })

  t.test('row, feed entry and audit leaf commit together', async (t) => {
    const count = async () =>
      (
        await node.context.database.client.query(
          `select (select count(*) from indicator) as rows, (select count(*) from feed) as feed,
             (select coalesce(sum((s.subject::json->>'written')::int), 0) from audit_leaf l join audit_subject s on s.leaf = l.id
              where l.action = 'publish' and l.decision = 'permit') as audited`,
        )
      ).rows[0]
    const before = await count()
    await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.80' }, { value: '192.0.2.81' }])
    const after = await count()
    t.strictSame(
      [after.rows - before.rows, after.feed - before.feed, BigInt(after.audited) - BigInt(before.audited)],
      [2n, 2n, 2n],
    )
    await node.context.database.client.query('alter table audit_leaf rename to audit_gone')
    const refused = await push(node, 'ana.cert-br', '?tlp=clear', [{ value: '192.0.2.82' }])
    await node.context.database.client.query('alter table audit_gone rename to audit_leaf')
    t.equal(refused.status, 503)
    t.notMatch(refused.text, /audit_leaf|relation/, 'the words of the database stay inside')
    const { body } = await node.call('anonymous', { method: 'GET', url: '/v1/indicators?value=192.0.2.82' })
    t.equal(body.items.length, 0, 'no audit, no row')
  })

  t.test('two originators of one STIX id neither collide nor see each other', async (t) => {
    const id = 'indicator--11111111-1111-4111-8111-111111111111'
    const amber = { id, value: '192.0.2.90', tlp: 'amber', audience: ['cert-br'] }
    t.equal((await push(node, 'ana.cert-br', '', amber)).status, 200)
    t.match((await push(node, 'camila.csirt-cl', '?tlp=clear', { id, value: '192.0.2.91' })).body, { accepted: 1 })
    const own = await node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators/${id}` })
    t.equal(own.body.value, '192.0.2.90', 'one’s own comes first')
    const other = await node.call('ana.cert-br', { method: 'GET', url: `/v1/indicators/${id}?originator=csirt-cl` })
    t.equal(other.body.value, '192.0.2.91')
    const outsider = await node.call('anonymous', { method: 'GET', url: `/v1/indicators/${id}?originator=cert-br` })
    t.equal(outsider.status, 404)
  })

  t.test('a STIX version is taken once, in order, and never rewritten', async (t) => {
    const object = (modified: string, name: string) => ({
      type: 'bundle',
      id: 'bundle--22222222-2222-4222-8222-222222222222',
      objects: [
        {
          type: 'indicator',
          spec_version: '2.1',
          id: 'indicator--22222222-2222-4222-8222-222222222222',
          created: '2026-05-01T00:00:00.000Z',
          modified,
          name,
          pattern: "[domain-name:value = 'v.example.com']",
          pattern_type: 'stix',
          valid_from: '2026-05-01T00:00:00Z',
          object_marking_refs: ['marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9'],
        },
      ],
    })
    const stix = { 'content-type': 'application/stix+json;version=2.1' }
    t.match((await push(node, 'ana.cert-br', '', object('2026-05-02T00:00:00.000Z', 'a'), stix)).body, { accepted: 1 })
    t.match((await push(node, 'ana.cert-br', '', object('2026-05-02T00:00:00.000Z', 'a'), stix)).body, { unchanged: 1 })
    t.match((await push(node, 'ana.cert-br', '', object('2026-05-02T00:00:00.000Z', 'b'), stix)).body, {
      code: 'version_conflict',
    })
    t.match((await push(node, 'ana.cert-br', '', object('2026-05-01T00:00:00.000Z', 'b'), stix)).body, {
      code: 'version_outdated',
    })
    t.match((await push(node, 'ana.cert-br', '', object('2026-05-03T00:00:00.000Z', 'b'), stix)).body, { accepted: 1 })
    const { body } = await node.call('anonymous', {
      method: 'GET',
      url: '/v1/indicators/indicator--22222222-2222-4222-8222-222222222222',
      headers: { accept: 'application/stix+json' },
    })
    const shown = body.objects.find((each: { type: string }) => each.type === 'indicator')
    t.match(shown, {
      name: 'b',
      modified: '2026-05-03T00:00:00.000Z',
      object_marking_refs: ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'],
    })
  })

  t.test('only the originator revises and recalls', async (t) => {
    await push(node, 'ana.cert-br', '?tlp=green', { value: '192.0.2.100', confidence: 10 })
    const { body } = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?value=192.0.2.100' })
    const { id } = body.items[0]
    const patch = (account: string, payload: object, headers = {}) =>
      node.call(account, {
        method: 'PATCH',
        url: `/v1/indicators/${id}`,
        headers: { ...json, ...headers },
        payload: JSON.stringify(payload),
      })
    t.match(await patch('camila.csirt-cl', { confidence: 1 }), {
      status: 403,
      body: { code: 'originator_only', rule: 'own' },
    })
    t.match(await patch('ana.cert-br', { confidence: 90 }, { 'if-match': '"7"' }), {
      status: 409,
      body: { code: 'version_conflict' },
    })
    t.match(await patch('ana.cert-br', { confidence: 90 }, { 'if-match': '"1"' }), {
      status: 200,
      body: { version: 2, confidence: 90 },
    })
    t.match(await patch('ana.cert-br', { value: 'other' }), { status: 400, body: { code: 'invalid_request' } })
    t.match(await patch('ana.cert-br', { tlp: 'amber' }), { status: 422, body: { code: 'audience_required' } })
    t.match(await patch('ana.cert-br', { tlp: 'amber', audience: ['colcert'] }), { status: 200, body: { version: 3 } })
    t.equal(
      (await node.call('camila.csirt-cl', { method: 'GET', url: `/v1/indicators/${id}` })).status,
      404,
      'narrowed',
    )
    t.match(await patch('ana.cert-br', { tlp: 'green', audience: [] }), { status: 200, body: { version: 4 } })
    const seen = await node.call('camila.csirt-cl', { method: 'GET', url: `/v1/indicators/${id}/history` })
    t.strictSame(
      seen.body.items.map((each: { version: number; change: string }) => [each.version, each.change]),
      [
        [1, 'published'],
        [2, 'revised'],
        [4, 'revised'],
      ],
      'the version that was narrowed away from her is not in her history',
    )
    const recall = (account: string) =>
      node.call(account, {
        method: 'POST',
        url: `/v1/indicators/${id}/recall`,
        headers: json,
        payload: '{"reason":"wrong host"}',
      })
    t.match(await recall('camila.csirt-cl'), { status: 403, body: { code: 'originator_only' } })
    t.match(await recall('ana.cert-br'), { status: 200, body: { version: 5, recalled: true } })
    t.match(await recall('ana.cert-br'), { status: 409, body: { code: 'already_recalled' } })
    t.equal((await node.call('camila.csirt-cl', { method: 'GET', url: `/v1/indicators/${id}` })).status, 404)
    const own = await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?status=recalled' })
    t.match(own.body.items, [{ id, status: 'recalled' }])
    t.match((await push(node, 'ana.cert-br', '?tlp=green', { value: '192.0.2.100' })).body, {
      code: 'already_recalled',
    })
    t.match(
      JSON.parse(
        (await node.call('ana.cert-br', { method: 'GET', url: '/v1/indicators?status=recalled&format=stix' })).text,
      ),
      {
        objects: [Object, Object, { revoked: true }],
      },
    )
  })

  t.test('an anonymous source is nowhere in what others get', async (t) => {
    await push(node, 'ana.cert-br', '?tlp=green&attribution=anonymous', { value: 'quiet.example.com' })
    for (const format of ['json', 'stix', 'csv', 'ndjson']) {
      const { text } = await node.call('camila.csirt-cl', {
        method: 'GET',
        url: `/v1/indicators?value=quiet.example.com&format=${format}`,
      })
      t.match(text, 'quiet.example.com', format)
      t.notMatch(text, /cert-br|CERT\.br/, format)
    }
    const hidden = await node.call('camila.csirt-cl', {
      method: 'GET',
      url: '/v1/indicators?value=quiet.example.com&originator=cert-br',
    })
    t.strictSame(hidden.body.items, [])
    const own = await node.call('ana.cert-br', {
      method: 'GET',
      url: '/v1/indicators?value=quiet.example.com&originator=cert-br',
    })
    t.match(own.body.items, [{ originator: { id: 'cert-br' } }])
  })

  t.test('pages through everything once, whatever the page size', async (t) => {
    const values = Array.from({ length: 57 }, (_, n) => ({ value: `p${n}.pages.example.com` }))
    await push(node, 'carlos.colcert', '?tlp=clear', values)
    for (const limit of [1, 7, 56, 57, 58, 1000]) {
      const seen: string[] = []
      let url: string | undefined = `/v1/indicators?originator=colcert&limit=${limit}`
      while (url !== undefined) {
        const answer = await node.call('camila.csirt-cl', { method: 'GET', url })
        seen.push(...answer.body.items.map((each: { value: string }) => each.value))
        url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
      }
      t.equal(seen.length, 57, `limit ${limit}`)
      t.equal(new Set(seen).size, 57)
      t.equal(seen[0], 'p56.pages.example.com', 'the newest first')
    }
    const first = await node.call('camila.csirt-cl', {
      method: 'GET',
      url: '/v1/indicators?originator=colcert&limit=5',
    })
    const stolen = await node.call('diego.csirt-cl', {
      method: 'GET',
      url: `/v1/indicators?originator=colcert&cursor=${first.body.next}`,
    })
    t.match(stolen, { status: 400, body: { code: 'cursor_invalid' } }, 'a cursor is bound to its reader')
    const bent = await node.call('camila.csirt-cl', {
      method: 'GET',
      url: `/v1/indicators?tlp=clear&cursor=${first.body.next}`,
    })
    t.match(bent, { status: 400, body: { code: 'cursor_invalid' } }, 'and to its query')
  })

  t.test('looks values up: exactly, in a containing prefix, under a parent domain', async (t) => {
    await push(node, 'ana.cert-br', '?tlp=clear', [
      { value: '203.0.113.0/24' },
      { value: 'evil.example.org' },
      { value: '2001:db8:7::/48' },
      { value: 'ana@example.com', tlp: 'green' },
    ])
    const { body } = await node.call('anonymous', {
      method: 'POST',
      url: '/v1/lookup',
      headers: json,
      payload: JSON.stringify({
        values: [
          '203.0.113[.]77',
          'www.evil.example.org',
          'hxxps://evil.example.org/a',
          '2001:DB8:7::1',
          '203.0.114.1',
          'ana@example.com',
          '???',
        ],
      }),
    })
    t.strictSame(
      body.results.map((each: { known: boolean; matches: { match: string; indicator: { value: string } }[] }) => [
        each.known,
        ...each.matches.map(({ match, indicator }) => `${match} ${indicator.value}`),
      ]),
      [
        [true, 'containing 203.0.113.0/24'],
        [true, 'containing evil.example.org'],
        [true, 'containing evil.example.org'],
        [true, 'containing 2001:db8:7::/48'],
        [false],
        [false],
        [false],
      ],
    )
    t.match(body.results[6].fault, { position: { record: 6 }, code: 'invalid_value' })
    const lines = await node.call('anonymous', {
      method: 'POST',
      url: '/v1/lookup',
      headers: { 'content-type': 'application/x-ndjson' },
      payload: '"203.0.113.1"\n{"value":"198.51.100.250"}\n',
    })
    t.strictSame(
      lines.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).known),
      [true, false],
    )
  })

  t.test('what is masked is found by its exact value alone', async (t) => {
    // CERT.br and CSIRT Argentina: see the agreements of the cast for one without personal data.
    const pairs = node.world.agreements.filter((each) => !each.personalData && each.parties.includes('BR'))
    t.ok(pairs.length > 0)
    await push(node, 'ana.cert-br', '?tlp=green', {
      value: 'maria.victim@example.com',
      name: 'maria',
      description: 'maria',
    })
    const readers = node.world.accounts.filter(({ roles }) => roles.includes('reader') || roles.includes('publisher'))
    let masked = 0
    for (const { id } of readers) {
      const exact = await node.call(id, { method: 'GET', url: '/v1/indicators?value=maria.victim@example.com' })
      const [item] = exact.body.items
      if (item?.masked !== true) continue
      masked++
      t.notMatch(exact.text, /maria/i, `${id} does not learn the value`)
      for (const filter of ['q=maria', 'domain=example.com&type=email-address']) {
        const { body } = await node.call(id, { method: 'GET', url: `/v1/indicators?${filter}` })
        t.strictSame(
          body.items.filter((each: { masked: boolean }) => each.masked),
          [],
          `${id}: ${filter} finds nothing masked`,
        )
      }
    }
    t.ok(masked > 0, `${masked} readers get it masked`)
  })
})
