import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { expireAttributionRequests, integrateAudit } from '../../src/actions/index.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { get, legalNode, post } from '../legal.ts'
import type { Answer, TestNode } from '../node.ts'
import { ask, domain, handling } from './graphql.ts'

t.setTimeout(600_000)

/** The source, and who reads it. */
const [source, reader] = ['ana.cert-br', 'camila.csirt-cl']
const [replies, requests] = ['/v1/replies', '/v1/attribution-requests']
const approver = 'duda.cert-br'
const officer = 'policy.lacnic'

const anonymous = (more: object = {}, originator = 'cert-br') =>
  handling(originator, { tlp: 'green', attribution: 'anonymous', ...more })

const idOf = (n: number) => `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** What a caller of another organisation could tell by: everything of the answer that is not random in each. */
const shown = ({ status, headers, text }: Answer) => {
  const { date: _, 'x-ratelimit-remaining': __, 'x-ratelimit-reset': ___, etag: ____, ...others } = headers
  // Of the length all is left that the text has; numbers of MISP are made of the alias.
  const { 'content-length': _____, ...stable } = others
  return JSON.stringify([status, stable, text])
    .replace(/source-[0-9a-f]{12}/g, 'source')
    .replace(/(?!00000000)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uuid')
    .replace(/(?<=")\d{15,}(?=\\*")/g, 'number')
    .replace(/cursor=[A-Za-z0-9_-]+|"(cursor|next)\\*":\\*"[A-Za-z0-9_-]+/g, 'cursor')
    .replace(/\\*"(subject|salt|hash|reader|world)\\*":\\*"[0-9a-f]+/g, '$1')
}

/** Leaves by their time: they are written a little later, many at once. */
async function leavesOf(node: TestNode): Promise<Answer> {
  await setTimeout(500)
  const answer = await get(node, reader, '/v1/audit/leaves?limit=1000')
  const items = answer.body.items.map(({ text, subject }: { text: string; subject?: string }) => `${text} ${subject}`)
  return { ...answer, text: items.sort().join('\n') }
}

t.test('a reader writes to a source, and neither learns more than it may', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(anonymous(), domain('evil.example'))
  const sent = await post(node, reader, replies, { indicator: id, text: 'Is it still there?' })
  t.equal(sent.status, 201, sent.text)
  const { alias } = (await get(node, reader, `/v1/indicators/${id}`)).body
  t.match(sent.body, { indicator: id, source: alias, replier: 'csirt-cl', waiting: false })
  t.match(alias, /^source-[0-9a-f]{12}$/)
  const one = `${replies}/${sent.body.id}`
  const queue = async (account: string) => (await get(node, account, `${replies}?queue=true`)).body.items.length
  t.strictSame([await queue(source), await queue(reader)], [1, 0])
  const read = (await get(node, source, one)).body
  t.match(read, { source: alias, replier: 'csirt-cl', waiting: true })
  t.match(
    read.messages,
    [{ from: 'replier', account: reader, text: 'Is it still there?' }],
    'the source sees who writes',
  )
  const answered = await post(node, 'ana.cert-br', `${one}/messages`, { text: 'It is.' })
  t.equal(answered.status, 200, answered.text)
  t.strictSame([await queue(source), await queue(reader)], [0, 1])
  const answers = [
    await get(node, reader, one),
    await get(node, reader, replies),
    await get(node, 'diego.csirt-cl', one),
  ]
  answers.push(await ask(node, reader, '{ replies { items { id source waiting } } }'))
  answers.push(await ask(node, reader, `{ reply(id: "${sent.body.id}") { source messages { from account text } } }`))
  for (const { text } of answers) t.notMatch(text, /cert-br|CERT\.br|ana\.|"BR"/)
  t.match(answers[0]?.body.messages[1], { from: 'source', text: 'It is.', account: undefined })
  const again = await post(node, 'diego.csirt-cl', replies, { indicator: id, text: 'Thank you.' })
  t.equal(again.body.id, sent.body.id, 'it goes on')
  t.equal(again.body.messages.length, 3)
  const none = crypto.randomUUID()
  for (const account of [
    'sofia.csirt-ar',
    'rosa.red-andina',
    'joao.rede-sul',
    officer,
    'admin.lacnic',
    'nico.lacnic',
  ]) {
    for (const path of ['', '/messages']) {
      const asks = (of: string) =>
        path === ''
          ? get(node, account, `${replies}/${of}`)
          : post(node, account, `${replies}/${of}${path}`, { text: 'x' })
      const [hidden, absent] = [await asks(sent.body.id), await asks(none)]
      t.strictSame([hidden.status, hidden.text], [absent.status, absent.text], `${account} ${path}`)
    }
  }
  t.equal((await get(node, 'sofia.csirt-ar', `${replies}?before=${sent.body.id}`)).body.code, 'cursor_invalid')
  await t.rejects(node.context.database.client.query("update reply_message set text = 'other'"), /append/)
  const { rows } = await node.context.database.client.query(`select leaf from audit_leaf where action ~ 'repl'`)
  t.ok(rows.length >= 8)
  t.notMatch(rows.map(({ leaf }) => leaf).join(''), sent.body.id, 'no leaf says which exchange it was')
})

t.test('two worlds: who the source is shows nowhere', async (t) => {
  // Two organisations of one country, with different names, kinds, people and clients; and one whose country is another.
  const worlds: Readonly<Record<string, readonly [publisher: string, approver: string]>> = {
    'cert-br': ['ana.cert-br', 'duda.cert-br'],
    'rede-sul': ['paula.rede-sul', 'joao.rede-sul'],
    'csirt-ar': ['martin.csirt-ar', 'sofia.csirt-ar'],
  }
  const told = new Map<string, Set<string>>()
  for (const [originator, [publisher, decides]] of Object.entries(worlds)) {
    const node = await legalNode(t)
    const [green, amber, own] = [idOf(1), idOf(2), idOf(3)]
    const circle = { tlp: 'amber', organisations: ['csirt-cl'] } as const
    await node.plant(anonymous({}, originator), domain('green.example'), { id: green })
    await node.plant(anonymous(circle, originator), domain('amber.example'), { id: amber })
    await node.plant(handling('csirt-cl', { tlp: 'green' }), domain('green.example'), { id: own })
    const asks: (() => Promise<Answer>)[] = []
    const say = (url: string, body: object, account = reader) => asks.push(() => post(node, account, url, body))
    const look = (url: string, account = reader) => asks.push(() => get(node, account, url))
    for (const indicator of [green, amber, idOf(9)]) {
      say(replies, { indicator, text: 'Who are you?' })
      say(replies, { indicator, text: 'Who are you?', source: originator })
      say(requests, { indicator, reason: 'To call it.' })
      say(requests, { indicator, reason: 'To call it.', source: originator })
      look(`/v1/indicators/${indicator}`)
      look(`/v1/indicators/${indicator}/explain`)
      say('/v1/assistance', {
        ...{
          to: 'csirt-ar',
          kind: 'information',
          text: 'Known?',
          indicators: [indicator],
          dueAt: '2026-06-20T00:00:00Z',
        },
      })
    }
    for (const url of [replies, requests, '/v1/indicators', '/v1/statistics', '/v1/feed', '/v1/objects']) look(url)
    for (const guess of Object.keys(worlds)) look(`/v1/indicators?originator=${guess}`)
    for (const indicator of [green, amber]) {
      look(`/v1/indicators/${indicator}/history`)
      look(`/v1/indicators/${indicator}/sightings`)
      look(`/v1/indicators/${indicator}/provenance`)
      say(`/v1/indicators/${indicator}/sightings`, { count: 2 })
    }
    for (const format of ['csv', 'stix', 'misp', 'intelmq', 'n6', 'ndjson']) look(`/v1/indicators?format=${format}`)
    for (const url of ['/v1/blocklists/all.csv', '/misp/feed/manifest.json']) look(url)
    asks.push(() => leavesOf(node))
    look(`/v1/indicators/${own}/related`)
    for (const account of [officer, 'olga.lacnic']) look(requests, account)
    asks.push(async () => {
      // The source answers and its approver decides: what the reader and the officer are told then must be alike, too.
      const { items } = (await get(node, publisher, replies)).body
      for (const { id } of items) await post(node, publisher, `${replies}/${id}/messages`, { text: 'Guess.' })
      const { client } = node.context.database
      await client.query(`update account set roles = '{approver}' where id = $1`, [decides])
      await client.query('update policy_state set epoch = epoch + 1')
      const open = (await get(node, decides, `${requests}?queue=true`)).body.items
      t.equal(open.length, 2)
      await post(node, decides, `${requests}/${open[0].id}/refuse`, { note: 'No.' })
      await post(node, decides, `${requests}/${open[1].id}/approve`)
      return await get(node, reader, replies)
    })
    asks.push(async () => {
      const all: Answer[] = []
      for (const [list, accounts] of [
        [replies, [reader]],
        [requests, [reader, officer]],
      ] as const)
        for (const account of accounts) {
          all.push(await get(node, account, list))
          for (const { id } of all.at(-1)?.body.items ?? []) all.push(await get(node, account, `${list}/${id}`))
        }
      const [first] = all
      if (first === undefined) throw new Error('nothing was asked')
      return { ...first, text: all.map(shown).join('\n') }
    })
    for (const [n, each] of asks.entries()) {
      // What is of one millisecond has an order that is random in each world.
      node.at(new Date(Date.parse('2026-06-01T00:00:01Z') + n).toISOString())
      const answer = shown(await each())
      const key = `${n}`
      told.set(key, (told.get(key) ?? new Set()).add(answer))
    }
  }
  for (const [n, answers] of told) t.equal(answers.size, 1, `question ${n}: ${[...answers].join('\n')}`)
  t.ok(told.size > 25)
})

t.test('who a source is, two people disclose, to whoever asked alone', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(anonymous(), domain('evil.example'))
  const made = await post(node, reader, requests, { indicator: id, reason: 'It must be called.' })
  t.equal(made.status, 201, made.text)
  t.match(made.body, { state: 'asked', account: reader, originator: undefined })
  const one = `${requests}/${made.body.id}`
  for (const account of [
    'diego.csirt-cl',
    'sofia.csirt-ar',
    'ana.cert-br',
    'bruno.cert-br',
    'iris.csirt-cl',
    'admin.lacnic',
  ]) {
    const [hidden, absent] = [
      await get(node, account, one),
      await get(node, account, `${requests}/${crypto.randomUUID()}`),
    ]
    t.strictSame([hidden.status, hidden.text], [absent.status, absent.text], account)
  }
  const queue = async (account: string) => (await get(node, account, `${requests}?queue=true`)).body.items.length
  t.strictSame([await queue(officer), await queue(approver), await queue('iris.csirt-cl')], [1, 1, 0])
  t.match((await post(node, officer, `${one}/approve`)).body, { state: 'asked' }, 'one approval is not two')
  t.match((await post(node, officer, `${one}/approve`)).body, { code: 'request_state' })
  const before = await get(node, reader, one)
  t.notMatch(before.text, /cert-br|policy|"approve"/, 'nobody is told that the node decided')
  const byOfficer = await get(node, officer, one)
  t.notMatch(byOfficer.text, /cert-br|CERT/, 'the officer decides without the name')
  t.match((await post(node, approver, `${one}/approve`)).body, { state: 'approved', originator: undefined })
  const after = await get(node, reader, one)
  t.match(after.body, { state: 'approved', originator: { id: 'cert-br', name: 'CERT.br', jurisdiction: 'BR' } })
  t.notMatch(after.text, /duda/, 'nor by whom')
  t.notMatch((await get(node, reader, requests)).text, /cert-br/, 'a list has no name')
  for (const account of [officer, 'olga.lacnic'])
    t.notMatch((await get(node, account, one)).text, /cert-br|duda/, account)
  t.equal((await get(node, 'diego.csirt-cl', one)).status, 404, 'a colleague does not have it')
  t.match(
    (await get(node, reader, `/v1/indicators/${id}`)).body,
    { originator: undefined, alias: /source-/ },
    'nor other doors',
  )
  const { rows } = await node.context.database.client.query(
    `select action, actor from audit_leaf where action ~ 'attribution' and decision = 'permit' order by id`,
  )
  t.strictSame(
    rows.filter(({ action }) => !/^(read|list)/.test(action)).map(({ action, actor }) => `${action} ${actor}`),
    [`ask-attribution ${reader}`, `approve-attribution ${officer}`, `approve-attribution ${approver}`],
  )
  t.ok(
    rows.some(({ action, actor }) => action === 'read-attribution' && actor === reader),
    'the telling is on the log',
  )
  await integrateAudit(node.context)
  t.strictSame((await verifyAudit(node.context.database, {})).findings, [])

  t.match((await post(node, approver, `${one}/refuse`, { note: 'No.' })).body, { code: 'request_state' })
  const refused = (await post(node, reader, requests, { indicator: id, reason: 'Again.' })).body
  t.equal((await post(node, approver, `${requests}/${refused.id}/refuse`, {})).status, 400, 'a refusal says why')
  t.match((await post(node, approver, `${requests}/${refused.id}/refuse`, { note: 'No.' })).body, { state: 'refused' })
  t.match((await post(node, officer, `${requests}/${refused.id}/approve`)).body, { code: 'request_state' })
  const no = await get(node, reader, `${requests}/${refused.id}`)
  t.match(no.body, { state: 'refused', originator: undefined })
  t.notMatch(no.text, /cert-br|duda|"source",/, 'nor which of the two refused')
  const withdrawn = (await post(node, reader, requests, { indicator: id, reason: 'Again.' })).body
  t.match((await post(node, reader, `${requests}/${withdrawn.id}/withdraw`)).body, { state: 'withdrawn' })
  const late = (await post(node, reader, requests, { indicator: id, reason: 'Again.' })).body
  node.at('2026-07-01T00:00:00Z')
  t.match((await post(node, officer, `${requests}/${late.id}/approve`)).body, { code: 'request_state' })
  t.strictSame([await expireAttributionRequests(node.context), await expireAttributionRequests(node.context)], [1, 0])
  t.match((await get(node, reader, `${requests}/${late.id}`)).body, { state: 'expired' })
})

t.test('nobody decides on what he asked for, nor on two sides', async (t) => {
  const node = await legalNode(t)
  const { client } = node.context.database
  const roles = async (account: string, value: string) => {
    await client.query('update account set roles = $2 where id = $1', [account, value])
    await client.query('update policy_state set epoch = epoch + 1')
  }
  const of = async (id: string, account = reader) =>
    (await post(node, account, requests, { indicator: id, reason: 'Why not.' })).body.id
  // An officer of the node asks; and the operator itself is a source.
  const id = await node.plant(anonymous(), domain('evil.example'))
  await roles('olga.lacnic', '{reader,approver,policy-officer}')
  const own = await of(id, 'olga.lacnic')
  const refused = await post(node, 'olga.lacnic', `${requests}/${own}/approve`)
  t.match([refused.status, refused.body.rule], [403, 'duty.own-request'])
  const mine = await node.plant(anonymous({}, 'lacnic'), domain('mine.example'))
  const both = await of(mine)
  t.match((await post(node, 'olga.lacnic', `${requests}/${both}/approve`)).body, { state: 'asked' })
  const twice = await post(node, 'olga.lacnic', `${requests}/${both}/approve`)
  t.match([twice.status, twice.body.rule], [403, 'duty.two-people'])
  t.match(
    (await post(node, officer, `${requests}/${both}/approve`)).body,
    { code: 'request_state' },
    'the node has decided',
  )
  t.equal((await post(node, 'camila.csirt-cl', `${requests}/${both}/approve`)).status, 403, 'no role for it')
  t.equal((await post(node, 'iris.csirt-cl', `${requests}/${both}/approve`)).status, 404, 'an approver of others')
  t.equal((await post(node, 'elena.csirt-cl', `${requests}/${both}/approve`)).status, 404, 'an officer of others')
  const { rows } = await client.query(`select leaf from audit_leaf where decision = 'deny' and leaf like '%duty.%'`)
  t.equal(rows.length, 2, 'refusals are on the log')
})

t.test('what is badly said is refused, and says where', async (t) => {
  const node = await legalNode(t)
  const [hidden, named, mine] = [
    await node.plant(anonymous({ tlp: 'amber', organisations: ['csirt-ar'] }), domain('hidden.example')),
    await node.plant(handling('cert-br', { tlp: 'green' }), domain('named.example')),
    await node.plant(anonymous({}, 'csirt-cl'), domain('mine.example')),
  ]
  const seen = await node.plant(anonymous(), domain('seen.example'))
  const never = `indicator--${crypto.randomUUID()}`
  for (const [url, word] of [
    [replies, 'text'],
    [requests, 'reason'],
  ] as const) {
    const say = (indicator: unknown, said: unknown = 'x', more = {}) =>
      post(node, reader, url, { indicator, [word]: said, ...more })
    const [a, b] = [await say(hidden), await say(never)]
    t.strictSame([a.status, a.text], [b.status, b.text], 'what is not seen is not there')
    t.equal(a.status, 404)
    t.equal((await say('nonsense')).status, 404)
    t.equal((await say(seen, 'x', { source: 'cert-br' })).status, 404, 'a guess is no alias')
    t.equal((await say(seen, 'x', { source: 'csirt-ar' })).text, (await say(seen, 'x', { source: 'cert-br' })).text)
    for (const said of ['', ' ', 'x'.repeat(16_385), 1, null]) t.equal((await say(seen, said)).status, 400)
    t.equal((await say(seen, 'a\u0000b')).body.code, 'invalid_text')
    t.equal((await say(seen, 'x', { more: 1 })).status, 400)
    for (const query of ['?limit=0', '?limit=1001', '?before=x', '?queue=maybe'])
      t.equal((await get(node, reader, `${url}${query}`)).status, 400, query)
    t.equal((await get(node, reader, `${url}/x`)).status, 400)
    t.equal((await get(node, 'anonymous', url)).status, 401)
    t.equal((await post(node, 'anonymous', url, { indicator: seen, [word]: 'x' })).status, 401)
  }
  t.match((await post(node, reader, replies, { indicator: mine, text: 'x' })).body, {
    code: 'invalid_request',
    position: { pointer: '/indicator' },
  })
  t.match((await post(node, reader, requests, { indicator: named, reason: 'x' })).body, { code: 'invalid_request' })
  const open = await post(node, reader, replies, { indicator: named, text: 'To a source that is named.' })
  t.match([open.status, open.body.source], [201, 'cert-br'])
  const { body } = await post(node, source, `${replies}/${open.body.id}/messages`, { text: 'Named.' })
  t.match(body.messages[1], { from: 'source', account: source })
  t.match((await get(node, reader, `${replies}/${open.body.id}`)).body.messages[1], { account: source })
  const graphql = async (text: string) => (await ask(node, reader, text)).body
  t.strictSame((await graphql('{ reply(id: "x") { id } attributionRequest(id: "x") { id } }')).data, {
    reply: null,
    attributionRequest: null,
  })
  t.equal((await graphql('{ replies(limit: 0) { next } }')).errors[0].extensions.code, 'invalid_request')
  const sent = await graphql(`mutation { sendReply(indicator: "${seen}", text: "T") { id source } }`)
  t.match(sent.data.sendReply, { source: /^source-/ })
  const asked = await graphql(
    `mutation { askAttribution(indicator: "${seen}", reason: "R") { id state originator { id } } }`,
  )
  t.match(asked.data.askAttribution, { state: 'ASKED', originator: null })
  const gone = await graphql(`mutation { withdrawAttribution(id: "${asked.data.askAttribution.id}") { state } }`)
  t.match(gone.data.withdrawAttribution, { state: 'WITHDRAWN' })
})

t.test('at once, words stay in order; lists go page by page', async (t) => {
  const node = await legalNode(t)
  const ids = await Promise.all([1, 2, 3].map((n) => node.plant(anonymous(), domain(`evil-${n}.example`))))
  const said = (indicator: string | undefined) => post(node, reader, replies, { indicator, text: 'Hello.' })
  const sent = await Promise.all([ids[0], ids[0], ids[0], ids[1], ids[2]].map(said))
  t.strictSame(
    sent.map(({ status }) => status),
    Array(5).fill(201),
  )
  t.equal(new Set(sent.map(({ body }) => body.id)).size, 3, 'one exchange for one indicator')
  t.equal((await get(node, reader, `${replies}/${sent[0]?.body.id}`)).body.messages.length, 3)
  const page = async (list: string) => {
    const found: string[] = []
    let before = ''
    do {
      const { body } = await get(node, reader, `${list}?limit=2${before}`)
      found.push(...body.items.map(({ id }: { id: string }) => id))
      before = body.next === undefined ? '' : `&before=${body.next}`
    } while (before !== '')
    return found
  }
  t.strictSame((await page(replies)).sort(), [...new Set(sent.map(({ body }) => body.id))].sort())
  for (const indicator of ids) await post(node, reader, requests, { indicator, reason: 'x' })
  t.equal(new Set(await page(requests)).size, 3)
})
