import t from 'tap'
import type { Handling } from '../../src/domain/handling.ts'
import { blocklistFormats } from '../../src/formats/blocklists/index.ts'
import { amber, domain, green, linesOf, list, post, publisher, reader, sql, warn } from '../blocklists.ts'
import { type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

t.test('a list holds what its reader may see and block, and nothing else', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain('evil.example'))
  await node.plant({ ...green, tlp: 'clear', pap: 'clear' }, domain('clear.example'))
  await node.plant({ ...green, pap: 'amber' }, domain('pap-amber.example'))
  await node.plant({ ...green, pap: 'red' }, domain('pap-red.example'))
  await node.plant({ ...green, tlp: 'red', people: [reader] }, domain('red.example'))
  await node.plant({ ...green, tlp: 'amber', organisations: ['csirt-ar'] }, domain('others.example'))
  await node.plant({ ...green, expiresAt: '2026-01-01T00:00:00.000Z' }, domain('ended.example'))
  await node.plant(green, domain('old.example'), { validUntil: '2026-01-01T00:00:00.000Z' })
  await node.plant(green, { type: 'ipv4-address', value: '192.0.2.7' })
  await node.plant(green, { type: 'url', value: 'https://evil.example/login' })
  await node.plant(green, { type: 'md5', value: 'd41d8cd98f00b204e9800998ecf8427e' })
  t.strictSame(linesOf(await list(node, 'all.txt')), [
    'clear.example',
    'evil.example',
    '192.0.2.7',
    'https://evil.example/login',
    'd41d8cd98f00b204e9800998ecf8427e',
  ])
  t.strictSame(linesOf(await list(node, 'all.txt', 'anonymous')), ['clear.example'])
  t.strictSame(linesOf(await list(node, 'domains.txt')), ['clear.example', 'evil.example'])
  t.strictSame(linesOf(await list(node, 'addresses.txt')), ['192.0.2.7'])
  t.strictSame(linesOf(await list(node, 'urls.txt')), ['https://evil.example/login'])
  t.strictSame(linesOf(await list(node, 'hashes.txt')), ['d41d8cd98f00b204e9800998ecf8427e'])
  t.strictSame(linesOf(await list(node, 'all.txt?tlp=clear')), ['clear.example'])
  t.strictSame(linesOf(await list(node, 'all.txt?domain=evil.example')), ['evil.example', 'https://evil.example/login'])
  for (const [extension, { mediaType }] of blocklistFormats) {
    const answer = await list(node, `all.${extension}`)
    t.equal(answer.status, 200, extension)
    t.equal(answer.headers['content-type'], mediaType, extension)
    t.notMatch(answer.text, /pap-|red\.example|others|ended|old\.example/, extension)
  }
})

t.test('of an indicator of several values the hashes alone are taken, each once', async (t) => {
  const node = await testNode(t)
  const [md5, sha256] = [
    'd41d8cd98f00b204e9800998ecf8427e',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  ]
  const compound = (type: string, value: string, others: readonly { type: string; value: string }[]) =>
    node.plant(green, { type, value }, { compound: true, observables: [{ type, value }, ...others] })
  await compound('filename', 'bad.exe', [
    { type: 'md5', value: md5 },
    { type: 'sha256', value: sha256 },
  ])
  await compound('md5', md5, [{ type: 'domain-name', value: 'part.example' }])
  await compound('domain-name', 'c2.example', [{ type: 'ipv4-address', value: '192.0.2.9' }])
  await node.plant({ ...green, pap: 'clear' }, { type: 'md5', value: md5 }, { id: idOf(7) })
  await node.plant(green, domain('twice.example'), { id: idOf(8) })
  await node.plant({ ...green, originator: 'csirt-cl' }, { type: 'hostname', value: 'twice.example' })
  t.strictSame(linesOf(await list(node, 'all.txt')), ['twice.example', md5, sha256])
  t.strictSame(linesOf(await list(node, 'hashes.hdb')).length, 1)
})

const idOf = (n: number): string => `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

t.test('what is asked for and is not there is absent', async (t) => {
  const node = await testNode(t)
  const saved = await post(node, publisher, '/v1/lists', { name: 'mine', filter: {} })
  for (const file of ['nothing.txt', 'all.exe', 'list-000000000000.txt', `${saved.body.id}.txt`])
    t.match(await list(node, file), { status: 404, body: { code: 'not_found' } }, file)
  for (const file of ['all', 'all.', '.txt', 'a/b.txt', 'ALL.txt', 'all.txt.txt', `${'a'.repeat(41)}.txt`])
    t.ok([400, 404].includes((await list(node, file)).status), file)
  t.equal((await list(node, 'all.txt?status=expired')).status, 400)
  t.equal((await list(node, 'all.txt?network=x')).status, 422)
  t.equal((await node.call(reader, { method: 'POST', url: '/v1/blocklists/all.txt' })).status, 405)
})

t.test('a list that was not changed for its reader is not sent again, and hidden things change nothing', async (t) => {
  const node = await testNode(t)
  await node.plant(green, domain('evil.example'), { validUntil: '2027-01-01T00:00:00.000Z' })
  const first = await list(node, 'domains.rpz')
  const etag = String(first.headers.etag)
  t.match(etag, /^W\/"[0-9a-f]{32}"$/)
  t.equal(first.headers['cache-control'], 'private, no-cache')
  const again = () => list(node, 'domains.rpz', reader, { 'if-none-match': etag })
  t.match(await again(), { status: 304, text: '' })
  t.match(await list(node, 'domains.rpz', reader, { 'if-none-match': `"x", ${etag.slice(2)}` }), { status: 304 })
  const head = await node.call(reader, { method: 'HEAD', url: '/v1/blocklists/domains.rpz' })
  t.match(head, { status: 200, text: '', headers: { etag, 'content-type': 'text/dns; charset=utf-8' } })

  await node.plant({ ...green, tlp: 'amber', organisations: ['csirt-ar'] }, domain('hidden.example'))
  await node.plant({ ...green, pap: 'amber' }, domain('not-for-blocking.example'))
  t.match(await again(), { status: 304 }, 'what it may not see, or not block, changes nothing')
  t.not((await list(node, 'domains.rpz?min_confidence=1')).headers.etag, etag, 'another question has another version')
  t.not((await list(node, 'domains.txt')).headers.etag, etag)

  const other = await node.plant(green, domain('more.example'))
  const second = await again()
  t.match(second, { status: 200 }, 'what it sees does')
  t.match(second.text, /^more\.example CNAME \.$/m)
  await post(node, publisher, `/v1/indicators/${other}/recall`, { reason: 'wrong' })
  const third = await list(node, 'domains.rpz')
  t.notMatch(third.text, /more/)
  t.not(third.headers.etag, second.headers.etag)
  node.at('2026-12-31T23:59:59.999Z')
  t.match(await list(node, 'domains.rpz', reader, { 'if-none-match': String(third.headers.etag) }), { status: 304 })
  node.at('2027-01-01T00:00:00.000Z')
  const expired = await list(node, 'domains.rpz', reader, { 'if-none-match': String(third.headers.etag) })
  t.match(expired, { status: 200 }, 'an indicator that ceases to be believed changes it by itself')
  t.notMatch(expired.text, /evil/)
})

t.test('what a reader gets masked is in no list', async (t) => {
  const node = await testNode(t)
  // Between Brazil and Chile personal data passes whole; to Mexico it would be masked.
  const handling: Handling = { ...green, tlp: 'green', personalData: true, maskable: true }
  await node.plant(handling, domain('person.example'))
  const readers = node.world.accounts.filter(({ roles }) => roles.includes('reader') || roles.includes('publisher'))
  const seen = { masked: 0, whole: 0, absent: 0 }
  for (const { id } of readers) {
    const { body } = await node.call(id, { method: 'GET', url: '/v1/indicators' })
    const [item] = body.items
    const listed = linesOf(await list(node, 'all.txt', id)).length
    const how = item === undefined ? 'absent' : item.masked ? 'masked' : 'whole'
    seen[how]++
    t.equal(listed, how === 'whole' ? 1 : 0, `${id}: ${how}`)
  }
  t.ok(seen.masked > 0 && seen.whole > 0, JSON.stringify(seen))
})

t.test('what is above CLEAR is on the log, and for law enforcement before it is given', async (t) => {
  const node = await testNode(t)
  const handling: Handling = { ...green, originator: 'csirt-cl', lawEnforcement: 'allowed' }
  await node.plant(handling, domain('evil.example'))
  const leaves = async () => {
    const { rows } = await sql(node, "select id from audit_leaf where action = 'read-blocklist'")
    return rows.length
  }
  t.equal((await list(node, 'domains.txt')).status, 200)
  await node.context.audit.close()
  t.equal(await leaves(), 1)
  const officer = 'ignacio.policia-cl'
  t.match(await list(node, 'domains.txt', officer), { status: 200, text: 'evil.example\n' })
  t.equal(await leaves(), 2, 'at once')
  await sql(node, 'alter table audit_leaf add constraint full_up check (false) not valid')
  const police = await list(node, 'domains.txt', officer)
  t.match(police, { status: 503 }, 'no log, no list')
  t.notMatch(police.text, 'evil')
})

interface Change {
  readonly what: string
  readonly act: (node: TestNode, id: string) => Promise<unknown>
  /** Whether evil.example is in the reader's list before and after. */
  readonly before: boolean
  readonly after: boolean
  readonly handling?: Handling
}

const ofCommunity: Handling = { ...green, tlp: 'amber', communities: ['lac-csirts'] }

const patch = (revision: object) => (node: TestNode, id: string) =>
  post(node, publisher, `/v1/indicators/${id}`, revision, 'PATCH')

const changes: readonly Change[] = [
  { what: 'revised', act: patch({ confidence: 90 }), before: true, after: true },
  { what: 'its PAP made stricter', act: patch({ pap: 'amber' }), before: true, after: false },
  { what: 'narrowed', act: patch({ tlp: 'amber', audience: ['csirt-ar'] }), before: true, after: false },
  {
    what: 'widened',
    act: patch({ tlp: 'green' }),
    before: false,
    after: true,
    handling: { ...green, tlp: 'amber', organisations: ['csirt-ar'] },
  },
  {
    what: 'recalled',
    act: (node, id) => post(node, publisher, `/v1/indicators/${id}/recall`, { reason: 'wrong' }),
    before: true,
    after: false,
  },
  {
    what: 'its sharing ends',
    act: async (node) => node.at('2027-01-01T00:00:00.000Z'),
    before: true,
    after: false,
    handling: { ...green, expiresAt: '2027-01-01T00:00:00.000Z' },
  },
  {
    what: 'the reader leaves the community',
    act: (node) =>
      sql(node, "delete from community_member where community = 'lac-csirts' and organisation = 'csirt-cl'"),
    before: true,
    after: false,
    handling: ofCommunity,
  },
  {
    what: 'the reader joins the community',
    act: (node) => sql(node, "insert into community_member (community, organisation) values ('closed', 'csirt-cl')"),
    before: false,
    after: true,
    handling: { ...green, tlp: 'amber', communities: ['closed'] },
  },
  {
    what: 'the agreement ends',
    act: async (node) => {
      const { body } = await node.call(reader, { method: 'GET', url: '/v1/agreements' })
      for (const { id } of body.items)
        await sql(node, 'update agreement set valid_to = $2 where id = $1 and valid_to is null', [
          id,
          '2026-06-01T00:00:00Z',
        ]).catch(() => undefined)
    },
    before: true,
    after: false,
    handling: amber,
  },
  {
    what: 'an agreement starts',
    act: (node) =>
      sql(
        node,
        `insert into agreement (id, name, parties, max_tlp, purposes, personal_data, valid_from, citation)
         values ('new-one', 'New', '{BR,CL}', 'amber+strict', '{defence}', true, '2020-01-01', 'x')`,
      ),
    before: false,
    after: true,
    handling: { ...green, tlp: 'amber+strict', organisations: ['csirt-cl'] },
  },
  {
    what: 'its warninglist is loaded',
    act: (node) => warn(node, 'hostname', ['evil.example']),
    before: true,
    after: false,
  },
]

t.test('each change is in the next reading, and changes the version', async (t) => {
  for (const { what, act, before, after, handling = green } of changes) {
    const node = await testNode(t)
    await sql(node, "insert into community (id, name, description) values ('closed', 'Closed', '')")
    const id = await node.plant(handling, domain('evil.example'))
    await node.plant(green, domain('other.example'))
    const first = await list(node, 'domains.txt')
    t.equal(linesOf(first).includes('evil.example'), before, `${what}: before`)
    await act(node, id)
    const second = await list(node, 'domains.txt', reader, { 'if-none-match': String(first.headers.etag) })
    t.equal(second.status, 200, `${what}: another version`)
    t.equal(linesOf(second).includes('evil.example'), after, `${what}: after`)
  }
})
