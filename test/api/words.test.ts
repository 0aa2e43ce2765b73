import t from 'tap'
import { expireAssistance, purge, tendHolds } from '../../src/actions/index.ts'
import { integrateAudit } from '../../src/actions/integrate-audit.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { limits } from '../../src/domain/limits.ts'
import { whereIs } from '../columns.ts'
import { approvedRequest, get, legalNode, post, step } from '../legal.ts'
import type { Answer, TestNode } from '../node.ts'
import { ask, handling } from './graphql.ts'

/** What people write to each other: it ends, it is said once for each key, and only so much of it waits for an answer. */

t.setTimeout(600_000)

const canary = 'canary51c9'
const [source, reader] = ['camila.csirt-cl', 'ana.cert-br']
const anonymous = handling('csirt-cl', { tlp: 'green', attribution: 'anonymous' })
const named = handling('csirt-cl', { tlp: 'green' })
const [assistance, replies, requests] = ['/v1/assistance', '/v1/replies', '/v1/attribution-requests']

const asking = (indicator: string, more: object = {}) => ({
  ...{ to: 'csirt-cl', kind: 'takedown', text: `${canary} please`, indicators: [indicator] },
  ...{ dueAt: '2026-06-08T00:00:00Z', ...more },
})

const keyed = (node: TestNode, account: string, url: string, body: object, key: string): Promise<Answer> =>
  node.call(account, {
    ...{ method: 'POST', url, payload: JSON.stringify(body) },
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
  })

const setRules = async (node: TestNode, rules: readonly object[]): Promise<void> => {
  const answer = await node.call('policy.lacnic', { method: 'PUT', url: '/v1/retention', payload: { rules } })
  if (answer.status !== 200) throw new Error(answer.text)
}

const due = async (node: TestNode): Promise<number[]> =>
  (await get(node, 'policy.lacnic', '/v1/retention/due')).body.items.map(({ words }: { words: number }) => words)

const made = async (answer: Promise<Answer>): Promise<string> => {
  const { status, text, body } = await answer
  if (status !== 201) throw new Error(text)
  return body.id
}

/** One of each, with the canary in everything that can be said. */
async function say(node: TestNode): Promise<{ hidden: string; shown: string; places: string[] }> {
  const hidden = await node.plant(anonymous, { type: 'ipv4-address', value: '192.0.2.41' })
  const shown = await node.plant(named, { type: 'ipv4-address', value: '192.0.2.42' })
  const asked = `${assistance}/${await made(keyed(node, reader, assistance, asking(shown), 'a'))}`
  await post(node, source, `${asked}/accept`, { text: `${canary} we will` })
  await post(node, source, `${asked}/answers`, { text: `${canary} done` })
  await post(node, reader, `${asked}/notes`, { text: `${canary} thanks` })
  const reply = { indicator: hidden, text: `${canary} still there?` }
  const exchange = `${replies}/${await made(keyed(node, reader, replies, reply, 'b'))}`
  await keyed(node, source, `${exchange}/messages`, { text: `${canary} yes` }, 'c')
  const request = { indicator: hidden, reason: `${canary} to call it` }
  const attribution = `${requests}/${await made(keyed(node, reader, requests, request, 'd'))}`
  await post(node, 'policy.lacnic', `${attribution}/approve`, { note: `${canary} why not` })
  await post(node, 'iris.csirt-cl', `${attribution}/refuse`, { note: `${canary} no` })
  for (const one of [asked, exchange, attribution])
    if ((await get(node, reader, one)).status !== 200) throw new Error(one)
  return { hidden, shown, places: [asked, exchange, attribution] }
}

t.test('what was said is over some day, and in no column of any table', async (t) => {
  const node = await legalNode(t)
  const { places } = await say(node)
  const before = await whereIs(node, canary)
  for (const place of [
    'assistance_step.text',
    'reply_message.text',
    'attribution_request.reason',
    'audit_subject.subject',
  ])
    t.ok(before.includes(place), `${place} has it`)
  t.notOk(
    before.some((place) => place.startsWith('receipt.')),
    'a receipt keeps nothing that was said',
  )
  await t.rejects(node.context.database.client.query('delete from assistance_step'), /append-only/)
  await t.rejects(node.context.database.client.query("update reply_message set text = 'x'"), /append-only/)
  await setRules(node, [
    { types: ['assistance'], afterExpiryDays: 20 },
    { tlp: ['amber'], afterRecallDays: 1 },
    { afterExpiryDays: 10 },
  ])
  node.at('2026-06-10T23:00:00.000Z')
  t.strictSame(await due(node), [0, 0, 0], 'not yet')
  t.equal(await purge(node.context), 0)
  node.at('2026-06-12T00:00:00.000Z')
  t.strictSame(await due(node), [0, 0, 2])
  t.equal(await purge(node.context), 2)
  t.strictSame(await Promise.all(places.map(async (one) => (await get(node, reader, one)).status)), [200, 404, 404])
  node.at('2026-06-22T00:00:00.000Z')
  t.equal(await purge(node.context), 1)
  t.strictSame(await whereIs(node, canary), [])
  for (const account of [reader, source])
    for (const url of [assistance, replies, requests])
      t.strictSame((await get(node, account, url)).body.items ?? [], [])
  const { rows } = await node.context.database.client.query('select from receipt where answer is not null')
  t.equal(rows.length, 0, 'nor is who asked with a key told what became of it')
  await integrateAudit(node.context)
  t.strictSame((await verifyAudit(node.context.database, {})).findings, [], 'the tree is whole')
})

t.test('what is open is not over, however old', async (t) => {
  const node = await legalNode(t)
  const shown = await node.plant(named, { type: 'ipv4-address', value: '192.0.2.43' })
  const long = asking(shown, { dueAt: '2026-12-01T00:00:00Z' })
  const [open, accepted] = [
    await made(post(node, reader, assistance, long)),
    await made(post(node, reader, assistance, long)),
  ]
  await post(node, source, `${assistance}/${accepted}/accept`)
  await setRules(node, [{ afterExpiryDays: 10 }])
  node.at('2026-09-01T00:00:00.000Z')
  t.equal(await purge(node.context), 0)
  node.at('2026-12-01T00:00:00.000Z')
  await expireAssistance(node.context)
  t.equal(await purge(node.context), 0)
  node.at('2026-12-11T00:00:00.000Z')
  t.equal(await purge(node.context), 2)
  for (const id of [open, accepted]) t.equal((await get(node, reader, `${assistance}/${id}`)).status, 404)
})

t.test('what was said of an indicator goes with it, and a hold keeps it where nobody sees', async (t) => {
  const node = await legalNode(t)
  const { hidden, places } = await say(node)
  const preserving = { instrument: 'budapest-16-29', expiresAt: '2026-08-15T00:00:00.000Z' }
  const hold = await approvedRequest(node, 'ignacio.policia-cl', preserving)
  await tendHolds(node.context)
  const copied = await node.context.database.client.query('select originator, stix_id from escrow')
  t.equal(copied.rows.length, 1, 'what is anonymous is in no hold')
  await post(node, source, `/v1/indicators/${hidden}/recall`, { reason: 'wrong' })
  await setRules(node, [
    { types: ['ipv4-address'], afterRecallDays: 5 },
    { types: ['assistance'], afterExpiryDays: 5 },
  ])
  node.at('2026-06-20T00:00:00.000Z')
  t.equal(await purge(node.context), 2)
  t.strictSame(await Promise.all(places.map(async (one) => (await get(node, reader, one)).status)), [404, 404, 404])
  t.strictSame(await whereIs(node, canary), ['assistance_step.text'], 'of what is held, and nowhere else')
  const again = { indicator: hidden, text: 'Hello?' }
  t.equal((await post(node, reader, replies, again)).status, 404, 'what is gone has no source')
  await step(node, 'ignacio.policia-cl', hold, 'close')
  await tendHolds(node.context)
  t.equal(await purge(node.context), 0)
  t.strictSame(await whereIs(node, canary), [])
})

t.test('an exchange that is over does not stand in the way of another', async (t) => {
  const node = await legalNode(t)
  const { hidden, places } = await say(node)
  await setRules(node, [{ types: ['reply'], afterExpiryDays: 5 }])
  node.at('2026-06-20T00:00:00.000Z')
  // As if a hold kept it.
  await node.context.database.client.query("update reply set over_at = '2026-06-20'")
  const sent = await post(node, reader, replies, { indicator: hidden, text: 'Again.' })
  t.match(sent, { status: 201, body: { messages: [{ text: 'Again.' }] } })
  t.equal(sent.body.messages.length, 1)
  t.not(`${replies}/${sent.body.id}`, places[1])
})

t.test('a key says something once', async (t) => {
  const node = await legalNode(t)
  const hidden = await node.plant(anonymous, { type: 'ipv4-address', value: '192.0.2.44' })
  const reply = { indicator: hidden, text: 'Still there?' }
  const first = await keyed(node, reader, replies, reply, 'k1')
  t.equal(first.status, 201, first.text)
  t.equal((await keyed(node, reader, replies, reply, 'k1')).text, first.text)
  t.match(await keyed(node, reader, replies, { ...reply, text: 'Other.' }, 'k1'), {
    status: 422,
    body: { code: 'idempotency_key_reused' },
  })
  const at = `${replies}/${first.body.id}/messages`
  await keyed(node, source, at, { text: 'Yes.' }, 'k1')
  t.equal((await keyed(node, source, at, { text: 'Yes.' }, 'k1')).body.messages.length, 2, 'keys are of an account')
  const request = { indicator: hidden, reason: 'To call it.' }
  const [one, two] = [
    await keyed(node, reader, requests, request, 'k2'),
    await keyed(node, reader, requests, request, 'k2'),
  ]
  t.equal(one.body.id, two.body.id)
  t.match(await keyed(node, reader, requests, request, 'k1'), { body: { code: 'idempotency_key_reused' } })
  const mutation = `mutation ($i: ID!, $k: String) { sendReply(indicator: $i, text: "More.", idempotencyKey: $k) { messages { text } } }`
  const say = async () =>
    (await ask(node, reader, mutation, { i: hidden, k: 'k3' })).body.data.sendReply.messages.length
  t.strictSame([await say(), await say()], [3, 3])
  const many = await Promise.all(
    Array.from({ length: 5 }, () => keyed(node, reader, replies, { ...reply, text: 'At once.' }, 'k4')),
  )
  t.ok(
    many.every(({ status }) => status === 201),
    'many at once are one',
  )
  t.equal((await get(node, reader, `${replies}/${first.body.id}`)).body.messages.length, 4)
})

t.test('so much waits for an answer, of each kind, and no more', async (t) => {
  const node = await legalNode(t)
  const { client } = node.context.database
  const hidden = await node.plant(anonymous, { type: 'ipv4-address', value: '192.0.2.45' })
  const full = { status: 429, body: { code: 'rate_limited' } }
  const more = limits.openAskings - 1
  const reply = () => post(node, reader, replies, { indicator: hidden, text: 'Hello?' })
  const exchange = (await reply()).body.id
  const fill = `insert into reply_message select reply, ordinal + n, side, account, handling_id, text, at
    from reply_message, generate_series(1, ${more}) n where side = $1 and ordinal = (select max(ordinal) from reply_message where side = $1)`
  await client.query(fill, ['replier'])
  t.match(await reply(), full)
  const answer = () => post(node, source, `${replies}/${exchange}/messages`, { text: 'Yes.' })
  t.equal((await answer()).status, 200)
  t.equal((await reply()).status, 201, 'an answer makes room')
  t.equal((await answer()).status, 200)
  await client.query(fill, ['source'])
  t.match(await answer(), full, 'and the source waits, too')

  const request = () => post(node, reader, requests, { indicator: hidden, reason: 'To call it.' })
  const { id } = (await request()).body
  await client.query(
    `insert into attribution_request select gen_random_uuid(), account, organisation, originator, stix_id, alias, reason, state,
       created_at, expires_at from attribution_request, generate_series(1, ${more})`,
  )
  t.match(await request(), full)
  await post(node, reader, `${requests}/${id}/withdraw`)
  t.equal((await request()).status, 201)
  node.at('2026-07-15T00:00:00.000Z')
  t.equal((await request()).status, 201, 'what is over waits for nobody')
  node.at('2026-06-01T00:00:00.000Z')

  const shown = await node.plant(named, { type: 'ipv4-address', value: '192.0.2.46' })
  const assist = () => keyed(node, reader, assistance, asking(shown), 'k')
  const first = await assist()
  await client.query(
    `insert into assistance select gen_random_uuid(), asker, addressee, kind, state, handling_id, answer_handling_id, due_at, version,
       created_at from assistance, generate_series(1, ${more})`,
  )
  t.match(await post(node, reader, assistance, asking(shown)), full)
  t.equal((await assist()).body.id, first.body.id, 'what was asked is answered all the same')
  t.equal(
    (await post(node, 'xochitl.cert-mx', assistance, asking(shown))).status !== 429,
    true,
    'others have their own',
  )
})
