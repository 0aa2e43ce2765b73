import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { limits } from '../../src/domain/limits.ts'
import { holdEvent } from '../../src/store/misp-writes.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'
import { defaultAt } from '../policy/cases.ts'

/** Edits over MISP's doors: what they do not mention stays, and what changed since they were made is not written over. */

t.setTimeout(300_000)

const uuidOf = (n: number): string => `7bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
const tags = (...names: string[]) => ({ Tag: names.map((name) => ({ name })) })
const publisher = 'ana.cert-br'
const reader = 'diego.csirt-cl'

const post = (node: TestNode, path: string, body: object = {}): Promise<Answer> =>
  node.call(publisher, { method: 'POST', url: `/misp/${path}`, payload: JSON.stringify(body), headers: json })
const json = { accept: 'application/json', 'content-type': 'application/json' }
const sees = async (node: TestNode, n: number) =>
  (await node.call(reader, { url: `/v1/indicators/indicator--${uuidOf(n)}` })).status === 200
const eventOf = async (node: TestNode, account: string, n: number) =>
  (await node.call(account, { url: `/misp/events/view/${uuidOf(n)}`, headers: json })).body.Event

const attribute = (n: number, members: object = {}) => ({
  ...{ uuid: uuidOf(n), type: 'domain', category: 'Network activity', value: `a${n}.example.org` },
  ...members,
})
const comment = (n: number, members: object = {}) => ({
  ...{ uuid: uuidOf(n), type: 'comment', category: 'Other', value: 'who was it', ...members },
})
const event = (n: number, members: object = {}) => ({
  ...{ uuid: uuidOf(n), info: 'A campaign', date: '2026-05-04', timestamp: '1777900000', ...tags('tlp:green') },
  ...members,
})

t.test('what is for nobody stays so, whatever else is edited', async (t) => {
  const node = await testNode(t)
  const nobody = tags('puente:releasable-to="BR"')
  const whole = event(100, {
    ...tags('tlp:green', 'puente:releasable-to="CL"'),
    Attribute: [attribute(101, nobody), comment(102, nobody), attribute(103)],
  })
  t.equal((await post(node, 'events/add', whole)).status, 200)
  t.strictSame([await sees(node, 101), await sees(node, 103)], [false, true])
  t.equal((await post(node, `attributes/edit/${uuidOf(101)}`, { comment: 'c' })).status, 200)
  t.equal((await post(node, 'tags/attachTagToObject', { uuid: uuidOf(102), tag: 'plain' })).status, 200)
  t.equal(await sees(node, 101), false)
  const inside = (await eventOf(node, reader, 100)).Attribute
  t.strictSame(
    inside.map(({ uuid }: { uuid: string }) => uuid),
    [uuidOf(103)],
  )
  t.match(
    (await eventOf(node, publisher, 100)).Attribute.find(({ uuid }: { uuid: string }) => uuid === uuidOf(101)).Tag,
    [{ name: 'puente:releasable-to=""' }],
    'and it is said',
  )
})

t.test('a tag about handling is one however it is written', async (t) => {
  const node = await testNode(t)
  const spellings = ['\ttlp:red', '\u00a0tlp:red', 'tlp\u00a0:red', '\u200btlp:red', 'ＴＬＰ:red', ' TLP : RED']
  const ours = [' puente:not-releasable-to="CL"', '\tpuente:not-releasable-to="CL"', 'Puente :not-releasable-to="CL"']
  for (const [n, spelling] of [...spellings, ...ours].entries()) {
    const one = 200 + 10 * n
    const whole = event(one, { ...tags('tlp:green', spelling), Attribute: [attribute(one + 1)] })
    await post(node, 'events/add', whole)
    t.equal(await sees(node, one + 1), false, JSON.stringify(spelling))
  }
})

t.test('an edit of which the event itself is refused is an error', async (t) => {
  const node = await testNode(t)
  t.equal((await post(node, 'events/add', event(300, { Attribute: [attribute(301)] }))).status, 200)
  const refused: readonly (readonly [body: object, code: string])[] = [
    [{ timestamp: '1777900000', ...tags('tlp:green', 'puente:not-releasable-to="CL"') }, 'version_conflict'],
    [tags(), 'marking_required'],
    [tags('tlp:amber'), 'audience_required'],
    [tags('puente:nonsense="x"'), 'marking_unknown'],
    [{ timestamp: '1777800000', info: 'Older' }, 'version_conflict'],
  ]
  for (const [body, code] of refused) {
    const answer = await post(node, `events/edit/${uuidOf(300)}`, body)
    t.match([answer.status >= 400, answer.body.code], [true, code], JSON.stringify(body))
  }
  t.match(await eventOf(node, publisher, 300), { info: 'A campaign', threat_level_id: '4' })
  const gone = await post(node, `attributes/edit/${uuidOf(301)}`, { deleted: true })
  t.match([gone.status, gone.body.Attribute], [200, { uuid: uuidOf(301), deleted: true }])
  t.equal(await sees(node, 301), false)
})

t.test('an edit does not undo what was narrowed while it was made', async (t) => {
  const node = await testNode(t)
  // The time of the node: an edit of what has it already is a second later, and so later than whatever comes between.
  const now = String(Date.parse(defaultAt) / 1000)
  let narrowings = 0
  for (let n = 0; n < 8; n++) {
    const one = 400 + 10 * n
    await post(node, 'events/add', event(one, { timestamp: now, Attribute: [attribute(one + 1), comment(one + 2)] }))
    const narrow = tags('tlp:green', 'puente:not-releasable-to="CL"')
    const [narrowed] = await Promise.all([
      node.call(publisher, {
        method: 'PATCH',
        url: `/v1/indicators/indicator--${uuidOf(one + 1)}`,
        headers: { 'content-type': 'application/merge-patch+json' },
        payload: JSON.stringify({ tlp: 'amber', audience: ['cert-br'] }),
      }),
      post(node, `attributes/edit/${uuidOf(one + 1)}`, { comment: 'new' }),
    ])
    narrowings += narrowed.status === 200 ? 1 : 0
    if (narrowed.status === 200) t.equal(await sees(node, one + 1), false, narrowed.text)
    const [closed] = await Promise.all([
      post(node, `events/edit/${uuidOf(one)}`, { ...narrow, info: 'Closed', timestamp: String(Number(now) + 100) }),
      post(node, `events/edit/${uuidOf(one)}`, { threat_level_id: '1' }),
      post(node, 'tags/attachTagToObject', { uuid: uuidOf(one), tag: `plain:${n}` }),
    ])
    if (closed.status === 200) t.equal(await eventOf(node, reader, one), undefined, 'it is not shown again')
  }
  t.ok(narrowings > 0)
})

t.test('an indicator that is made a comment is recalled', async (t) => {
  const node = await testNode(t)
  await post(node, 'events/add', event(700, { Attribute: [attribute(701), attribute(702)] }))
  const turned = { type: 'text', category: 'Other', value: 'nothing' }
  t.equal((await post(node, `attributes/edit/${uuidOf(701)}`, turned)).status, 200)
  t.strictSame([await sees(node, 701), await sees(node, 702)], [false, true])
  t.match((await eventOf(node, reader, 700)).Attribute.length, 2)
  t.equal((await post(node, `events/delete/${uuidOf(700)}`)).status, 200)
  t.equal(await sees(node, 702), false)
})

t.test('of tags at once each that was acknowledged is there', async (t) => {
  const node = await testNode(t)
  await post(node, 'events/add', event(500, { Attribute: [comment(501)] }))
  for (const uuid of [uuidOf(500), uuidOf(501)]) {
    const names = Array.from({ length: 6 }, (_, n) => `plain:${uuid.slice(-1)}${n}`)
    const answers = await Promise.all(names.map((tag) => post(node, 'tags/attachTagToObject', { uuid, tag })))
    const whole = JSON.stringify(await eventOf(node, publisher, 500))
    const taken = names.filter((_, n) => answers[n]?.status === 200)
    t.ok(taken.length > 0)
    t.strictSame(
      taken.filter((name) => !whole.includes(name)),
      [],
    )
    t.ok(answers.every(({ status, body }) => status === 200 || body.code === 'version_conflict'))
  }
})

t.test('a tag that limits an event takes all of it, or none', async (t) => {
  const node = await testNode(t)
  await post(node, 'events/add', event(600, { Attribute: [attribute(601), comment(602), comment(603)] }))
  const most = limits.mispParts
  t.teardown(() => Object.assign(limits, { mispParts: most }))
  Object.assign(limits, { mispParts: 2 })
  const answer = await post(node, 'tags/attachTagToObject', {
    uuid: uuidOf(600),
    tag: 'puente:not-releasable-to="CL"',
  })
  t.match([answer.status, answer.body.code], [413, 'record_too_large'])
  t.equal(await sees(node, 601), true)
})

/** Resolves when a statement that begins so waits for a lock, or after five seconds. */
async function waitingFor(node: TestNode, statement: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await node.context.database.client.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like $1 || '%'`,
      [statement],
    )
    if (rows.length > 0) return
    await setTimeout(10)
  }
}

t.test('what is added to an event while it is deleted does not stay without it', async (t) => {
  const node = await testNode(t)
  t.equal((await post(node, 'events/add', event(700))).status, 200)
  const elsewhere = event(710, { Attribute: [attribute(711)] })
  t.equal((await post(node, 'events/add', elsewhere)).status, 200)
  const { context } = node
  const [added, talked, object] = await context.database.transaction(async ({ client }) => {
    await client.query('delete from misp_event where uuid = $1', [uuidOf(700)])
    const all = [
      post(node, `attributes/add/${uuidOf(700)}`, attribute(701)),
      post(node, `attributes/add/${uuidOf(700)}`, comment(702)),
      post(node, `objects/add/${uuidOf(700)}`, { uuid: uuidOf(703), name: 'x', Attribute: [attribute(704)] }),
    ]
    await waitingFor(node, 'select from misp_event')
    await setTimeout(300)
    return all
  })
  for (const each of [added, talked, object])
    t.match(await each, { status: 404, body: { code: 'not_found', message: 'The event is not there any more.' } })
  t.strictSame([await sees(node, 701), await sees(node, 704), await sees(node, 711)], [false, false, true])
  t.equal((await post(node, 'events/add', event(700))).status, 200)
  const { Attribute: attributes, Object: objects } = await eventOf(node, publisher, 700)
  t.strictSame([attributes, objects], [[], []], 'nor does it come back with another event of this UUID')
})

t.test('nor what an edit brings, and what stood alone before stays', async (t) => {
  const node = await testNode(t)
  const { context } = node
  t.equal((await post(node, 'events/add', event(730, { Attribute: [comment(731)] }))).status, 200)
  const alone = {
    id: `indicator--${uuidOf(733)}`,
    value: 'a733.example.org',
    tlp: 'green',
    modified: '2026-05-01T00:00:00.000Z',
  }
  const published = { method: 'POST' as const, url: '/v1/indicators', headers: json, payload: JSON.stringify(alone) }
  t.equal((await node.call(publisher, published)).body.accepted, 1)
  const edited = event(730, { timestamp: '1777900001', Attribute: [comment(731), attribute(732)] })
  const [editing, adding] = await context.database.transaction(async ({ client }) => {
    await client.query('delete from misp_part where event = $1', [uuidOf(730)])
    await client.query('delete from misp_event where uuid = $1', [uuidOf(730)])
    const all = [
      post(node, `events/edit/${uuidOf(730)}`, edited),
      post(node, `attributes/add/${uuidOf(730)}`, attribute(733, { timestamp: '1777900002' })),
    ]
    await waitingFor(node, 'select from misp_event')
    await setTimeout(300)
    return all
  })
  for (const each of [editing, adding]) t.match(await each, { status: 404, body: { code: 'not_found' } })
  t.strictSame([await sees(node, 732), await sees(node, 733)], [false, true])
  t.equal((await context.database.client.query('select from misp_part')).rowCount, 0)
})

t.test('edits of one event at once are all answered', async (t) => {
  const node = await testNode(t)
  t.equal((await post(node, 'events/add', event(740, { Attribute: [attribute(741)] }))).status, 200)
  const edits = Array.from({ length: 12 }, (_, n) =>
    post(node, `events/edit/${uuidOf(740)}`, event(740, { timestamp: `17779001${10 + n}`, info: `Edit ${n}` })),
  )
  const statuses = (await Promise.all(edits)).map(({ status }) => status)
  t.ok(
    statuses.every((status) => status === 200 || status === 409),
    statuses.join(),
  )
  t.ok(statuses.includes(200))
})

t.test('an event that something was added to while it was deleted stays, with that', async (t) => {
  const node = await testNode(t)
  t.equal((await post(node, 'events/add', event(720, { Attribute: [attribute(721), comment(722)] }))).status, 200)
  const { context } = node
  const [deleted] = await context.database.transaction(async (transaction) => {
    t.ok(await holdEvent(transaction, 'cert-br', uuidOf(720)))
    const deleting = post(node, `events/delete/${uuidOf(720)}`)
    await waitingFor(node, 'select from misp_event')
    await transaction.client.query(
      `insert into misp_part (event, originator, uuid, kind, ordinal, handling_id, body)
       select event, originator, $2, kind, ordinal, handling_id, body from misp_part where uuid = $1`,
      [uuidOf(722), uuidOf(723)],
    )
    return [deleting]
  })
  t.match(await deleted, { status: 200 })
  const { Attribute: left } = await eventOf(node, publisher, 720)
  t.match(left, [{ type: 'comment', uuid: uuidOf(723) }])
})
