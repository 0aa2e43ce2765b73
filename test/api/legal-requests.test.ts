import t from 'tap'
import { expireRequests, integrateAudit } from '../../src/actions/index.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { readerOfAccount, readerUnder } from '../../src/domain/directory.ts'
import { approvedRequest, get, legalNode, post, requestBody, step } from '../legal.ts'
import type { TestNode } from '../node.ts'
import { ask, handling } from './graphql.ts'

t.setTimeout(120_000)

const liaison = 'ignacio.policia-cl'
const officer = 'policy.lacnic'
const approver = 'iris.csirt-cl'
const list = '/v1/legal-requests'

/** Something that CSIRT Chile gives on request, so that its consent is asked for. */
const plantOnRequest = (node: TestNode) =>
  node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.7' })

const idsOf = (answer: { readonly body: { readonly items: readonly { readonly id: string }[] } }) =>
  answer.body.items.map(({ id }) => id)

t.test('a request goes from draft to closed, and each role sees its queue', async (t) => {
  const node = await legalNode(t)
  await plantOnRequest(node)
  const drafted = await post(node, liaison, list, requestBody())
  t.equal(drafted.status, 201)
  t.match(drafted.body, {
    state: 'draft',
    liaison,
    requestingJurisdiction: 'CL',
    urgency: 'routine',
    consents: { length: 0 },
  })
  const { id } = drafted.body
  const at = `${list}/${id}`
  for (const other of [officer, approver, 'berta.policia-cl']) {
    const [hidden, absent] = [await get(node, other, at), await get(node, other, `${list}/${crypto.randomUUID()}`)]
    t.strictSame([hidden.status, hidden.body], [absent.status, absent.body], `${other} sees no draft of another`)
    t.strictSame(idsOf(await get(node, other, list)), [])
  }
  const amended = await node.call(liaison, {
    method: 'PUT',
    url: at,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(requestBody({ urgency: 'urgent', facts: 'Said better.' })),
  })
  t.match(amended.body, { state: 'draft', urgency: 'urgent', facts: 'Said better.' })
  t.equal((await step(node, liaison, id, 'approve')).status, 403, 'a liaison approves nothing')
  t.match((await step(node, liaison, id, 'file')).body, { state: 'filed' })
  t.strictSame(idsOf(await get(node, officer, `${list}?queue=true`)), [id])
  t.strictSame(idsOf(await get(node, approver, `${list}?queue=true`)), [id])
  t.strictSame(idsOf(await get(node, liaison, `${list}?queue=true`)), [], 'nothing waits for the liaison')
  t.match((await step(node, officer, id, 'review', { note: 'I am on it.' })).body, { state: 'under-review' })
  t.match((await step(node, officer, id, 'approve')).body, { state: 'under-review' }, 'one approval is not two')
  t.strictSame(idsOf(await get(node, officer, `${list}?queue=true`)), [])
  t.match((await step(node, approver, id, 'approve')).body, { state: 'approved', consents: ['csirt-cl'] })
  t.strictSame(idsOf(await get(node, liaison, `${list}?queue=true`)), [id])
  t.strictSame(idsOf(await get(node, liaison, `${list}?state=approved,closed`)), [id])
  t.strictSame(idsOf(await get(node, liaison, `${list}?state=draft`)), [])
  t.equal((await step(node, liaison, id, 'notes', { note: 'Thank you.' })).status, 200)
  const long = { note: 'x'.repeat(16_000) }
  for (let n = 0; n < 6; n++) t.equal((await step(node, officer, id, 'notes', long)).status, 200)
  t.match((await step(node, officer, id, 'notes', long)).body, { code: 'too_many_values' }, 'nobody says too much')
  t.match((await step(node, liaison, id, 'close')).body, { state: 'closed' })
  const again = await step(node, officer, id, 'approve')
  t.match([again.status, again.body.code], [409, 'request_state'])
  const { steps } = (await get(node, officer, at)).body
  t.strictSame(
    steps.map((each: { step: string; side: string }) => `${each.step} ${each.side}`),
    [
      'draft liaison',
      'amend liaison',
      'file liaison',
      'review node',
      'approve node',
      'approve originator:csirt-cl',
      'note liaison',
      ...Array(6).fill('note node'),
      'close liaison',
    ],
  )
  const { rows } = await node.context.database.client.query(
    `select action, actor from audit_leaf where leaf::jsonb -> 'requests' ? $1 and decision = 'permit' order by id`,
    [id],
  )
  t.equal(rows.length, steps.length, 'every step is on the audit log')
  await t.rejects(node.context.database.client.query("update legal_request_step set note = 'other'"), /append/)
  await integrateAudit(node.context)
  t.strictSame((await verifyAudit(node.context.database, {})).findings, [])
})

t.test('nobody decides on what he filed, nor twice, nor for others', async (t) => {
  const node = await legalNode(t)
  await plantOnRequest(node)
  const refused = await post(node, 'diego.csirt-cl', list, requestBody())
  t.equal(refused.status, 403, 'no liaison')
  const { client } = node.context.database
  const roles = (account: string, value: string[]) =>
    client.query('update account set roles = $2 where id = $1', [account, value])
  await roles('bruno.cert-br', ['liaison'])
  const civil = await post(node, 'bruno.cert-br', list, requestBody())
  t.match([civil.status, civil.body.rule], [403, 'duty.law-enforcement'])

  // The scope names the police themselves: the liaison becomes their approver after it filed.
  const body = requestBody({ scope: { originators: ['csirt-cl', 'lacnic', 'policia-cl'], types: ['url'] } })
  const { id } = (await post(node, liaison, list, body)).body
  await step(node, liaison, id, 'file')
  t.equal((await step(node, 'duda.cert-br', id, 'approve')).status, 404, 'an originator that it does not name')
  t.equal((await step(node, 'elena.csirt-cl', id, 'approve')).status, 404, 'a policy officer of another organisation')
  await roles(liaison, ['approver'])
  const own = await step(node, liaison, id, 'approve')
  t.match([own.status, own.body.code, own.body.rule], [403, 'separation_of_duties', 'duty.own-request'])
  const olga = await step(node, 'olga.lacnic', id, 'approve')
  t.match(olga.body, { state: 'under-review' })
  const twice = await step(node, 'olga.lacnic', id, 'approve', { as: 'originator' })
  t.match([twice.status, twice.body.rule], [403, 'duty.two-people'])
  const { rows } = await client.query(`select leaf from audit_leaf where decision = 'deny' and leaf like '%duty.%'`)
  t.equal(rows.length, 3, 'refusals are on the log')
  t.match(
    (await step(node, 'zoe.policia-cl', id, 'approve')).body,
    { state: 'under-review' },
    'gives nothing on request',
  )
  t.match((await step(node, approver, id, 'approve')).body, { state: 'approved', consents: ['csirt-cl'] })
  const seen = (await get(node, approver, `${list}/${id}`)).body
  t.strictSame(seen.scope.originators, ['csirt-cl'], 'an originator learns of no other')
  t.notMatch(JSON.stringify(seen), /zoe|originator:policia-cl/)
  t.match((await step(node, approver, id, 'refuse', { note: 'We were wrong.' })).body, { state: 'under-review' })
  t.equal((await step(node, officer, id, 'refuse')).status, 400, 'a refusal says why')
  t.match((await step(node, officer, id, 'refuse', { note: 'No case.' })).body, { state: 'refused' })
})

t.test('at once, one step is taken', async (t) => {
  const node = await legalNode(t)
  const { id } = (await post(node, liaison, list, requestBody())).body
  const answers = await Promise.all(Array.from({ length: 8 }, () => step(node, liaison, id, 'file')))
  t.strictSame(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(409)])
})

t.test('a confidential request is no originator’s to know until its date', async (t) => {
  const node = await legalNode(t)
  await plantOnRequest(node)
  const body = requestBody({ confidentialUntil: '2026-07-01T00:00:00.000Z', handlingCode: 'H1' })
  const { id } = (await post(node, liaison, list, body)).body
  await step(node, liaison, id, 'file')
  t.equal((await get(node, approver, `${list}/${id}`)).status, 404)
  t.equal((await step(node, approver, id, 'approve')).status, 404)
  t.strictSame(idsOf(await get(node, approver, list)), [])
  t.match((await step(node, officer, id, 'approve')).body, { state: 'approved', consents: { length: 0 } })
  node.at('2026-07-01T00:00:00.000Z')
  t.strictSame(idsOf(await get(node, approver, `${list}?queue=true`)), [id])
  t.match((await step(node, approver, id, 'approve')).body, { state: 'approved', consents: ['csirt-cl'] })
})

t.test('it ends at its instant, and the clock says so', async (t) => {
  const node = await legalNode(t)
  const id = await approvedRequest(node)
  const { id: filed } = (await post(node, liaison, list, requestBody())).body
  await step(node, liaison, filed, 'file')
  node.at('2026-09-01T00:00:00.000Z')
  t.equal((await step(node, officer, filed, 'approve')).status, 409, 'before the clock has said so')
  t.equal(await expireRequests(node.context), 2)
  t.equal(await expireRequests(node.context), 0)
  for (const each of [id, filed]) {
    const { body } = await get(node, liaison, `${list}/${each}`)
    t.match([body.state, body.steps.at(-1).step, body.steps.at(-1).account], ['expired', 'expire', undefined])
  }
})

t.test('a request serves whoever acts under it, and no other reading', async (t) => {
  const node = await legalNode(t)
  const hidden = await plantOnRequest(node)
  const id = await approvedRequest(node)
  const { directory } = await node.context.policy.current()
  const reader = readerOfAccount(directory, liaison)
  if (reader === undefined) throw new Error('no liaison')
  t.strictSame(reader.grants, [])
  t.match(readerUnder(directory, reader, id).grants, [{ request: id, originators: ['csirt-cl'] }])
  t.strictSame(readerUnder(directory, reader, crypto.randomUUID()).grants, [])
  t.equal((await get(node, liaison, `/v1/indicators/${hidden}`)).status, 404)
})

t.test('what is wrong is said where it is, and nothing is lost by it', async (t) => {
  const node = await legalNode(t)
  const wrong: readonly (readonly [string, object, string])[] = [
    ['no scope', { scope: undefined }, '/scope'],
    ['an empty scope', { scope: { originators: ['csirt-cl'] } }, '/scope'],
    ['no originator', { scope: { originators: [], types: ['url'] } }, '/scope/originators'],
    ['an unknown originator', { scope: { originators: ['nobody'], types: ['url'] } }, '/scope/originators'],
    ['an empty list', { scope: { originators: ['csirt-cl'], values: [] } }, '/scope/values'],
    ['an unknown type', { scope: { originators: ['csirt-cl'], types: ['x'] } }, '/scope/types'],
    ['no value', { scope: { originators: ['csirt-cl'], types: ['ipv4-address'], values: ['zz'] } }, '/scope/values/0'],
    [
      'a window that ends first',
      { scope: { originators: ['csirt-cl'], since: '2026-02-01', until: '2026-01-01' } },
      '/scope/until',
    ],
    ['the past', { expiresAt: '2026-05-01T00:00:00Z' }, '/expiresAt'],
    ['too far ahead', { expiresAt: '2029-05-01T00:00:00Z' }, '/expiresAt'],
    ['no date', { expiresAt: 'soon' }, '/expiresAt'],
    ['an unknown instrument', { instrument: 'wish' }, '/instrument'],
    ['no facts', { facts: ' ' }, '/facts'],
    ['a country there is not', { requestingJurisdiction: 'ZZ' }, '/requestingJurisdiction'],
    ['an unknown member', { secret: true }, '/secret'],
  ]
  for (const [what, more, pointer] of wrong) {
    const answer = await post(node, liaison, list, requestBody(more))
    t.ok(answer.status === 400 || answer.status === 422, `${what}: ${answer.status} ${answer.text}`)
    t.ok(answer.text.includes(`"pointer":"${pointer}"`), `${what} at ${pointer}`)
  }
  t.strictSame(idsOf(await get(node, liaison, list)), [])
  t.equal((await get(node, liaison, `${list}/x`)).status, 400)
  t.equal((await get(node, 'anonymous', list)).status, 401)
  t.equal((await get(node, liaison, `${list}?state=x`)).status, 400)
  t.equal((await get(node, liaison, `${list}?before=${crypto.randomUUID()}`)).body.code, 'cursor_invalid')
})

t.test('pages of requests go on where they stopped', async (t) => {
  const node = await legalNode(t)
  const made: string[] = []
  for (let n = 0; n < 5; n++) made.unshift((await post(node, liaison, list, requestBody())).body.id)
  const seen: string[] = []
  let next: string | undefined
  do {
    const { body } = await get(node, liaison, `${list}?limit=2${next === undefined ? '' : `&before=${next}`}`)
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    next = body.next
  } while (next !== undefined)
  t.strictSame(seen.sort(), made.sort())
})

t.test('GraphQL files, approves and reads the same', async (t) => {
  const node = await legalNode(t)
  const drafted = await ask(
    node,
    liaison,
    'mutation ($input: LegalRequestInput!) { draftLegalRequest(input: $input) { id state scope { originators types } } }',
    { input: { ...requestBody(), urgency: 'EMERGENCY' } },
  )
  const { id, state } = drafted.body.data.draftLegalRequest
  t.equal(state, 'DRAFT')
  const stepped = async (account: string, field: string) =>
    (await ask(node, account, `mutation ($id: ID!) { r: ${field}(id: $id) { state } }`, { id })).body
  t.match(await stepped(liaison, 'fileLegalRequest'), { data: { r: { state: 'FILED' } } })
  t.match(await stepped(officer, 'approveLegalRequest'), { data: { r: { state: 'APPROVED' } } })
  t.match(await stepped(officer, 'fileLegalRequest'), { errors: [{ extensions: { code: 'role_required' } }] })
  const query = '{ legalRequests(queue: true) { items { id urgency steps { step side account } } } }'
  t.match((await ask(node, liaison, query)).body.data.legalRequests.items, [{ id, urgency: 'EMERGENCY' }])
  const one = 'query ($id: ID!) { legalRequest(id: $id) { id } }'
  t.strictSame((await ask(node, 'berta.policia-cl', one, { id })).body.data, { legalRequest: null })
  t.strictSame((await ask(node, liaison, one, { id: 'x' })).body.data, { legalRequest: null })
})
