import t from 'tap'
import { expireAssistance, integrateAudit } from '../../src/actions/index.ts'
import { verifyAudit } from '../../src/actions/verify-audit.ts'
import { get, legalNode, post } from '../legal.ts'
import type { TestNode } from '../node.ts'
import { ask, domain, handling } from './graphql.ts'

t.setTimeout(600_000)

const [asker, addressee] = ['ana.cert-br', 'camila.csirt-cl']
const at = '/v1/assistance'
/** Everybody who is neither of the two: another partner, a client of each, administrators and officers of the node, the police. */
const others = [
  ...['sofia.csirt-ar', 'rosa.red-andina', 'joao.rede-sul', 'nico.lacnic', 'lucia.lacnic', 'ignacio.policia-cl'],
  ...['grace.observa-us', 'valentina.uni-ar'],
]

const asking = (indicators: readonly string[], more: object = {}) => ({
  to: 'csirt-cl',
  kind: 'takedown',
  text: 'Please take the page down.',
  indicators,
  dueAt: '2026-06-08T00:00:00Z',
  ...more,
})

const plant = (node: TestNode, value: string, more: object = {}, originator = 'cert-br') =>
  node.plant(handling(originator, { tlp: 'green', ...more }), domain(value))

const idsOf = (answer: { readonly body: { readonly items: readonly { readonly id: string }[] } }) =>
  answer.body.items.map(({ id }) => id)

/** Asks, and must be let. @returns the id */
async function asked(node: TestNode, body: object, account = asker): Promise<string> {
  const answer = await post(node, account, at, body)
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body.id
}

t.test('neither side says so much that it cannot be read, and what ends it can still be done', async (t) => {
  const node = await legalNode(t)
  const { id } = (await post(node, asker, at, asking([await plant(node, 'much.example')]))).body
  const one = `${at}/${id}`
  const text = 'x'.repeat(16_000)
  const notes = []
  for (let n = 0; n < 7; n++) notes.push((await post(node, asker, `${one}/notes`, { text })).status)
  t.strictSame(notes, [200, 200, 200, 200, 200, 200, 413])
  t.equal((await post(node, addressee, `${one}/notes`, { text })).status, 200, 'the other side has its own')
  t.match((await post(node, asker, `${one}/withdraw`)).body, { state: 'withdrawn' })
})

t.test('from asked to closed, and each side has its queue', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example')
  const made = await post(node, asker, at, asking([indicator]))
  t.equal(made.status, 201, made.text)
  t.match(made.body, { from: 'cert-br', to: 'csirt-cl', state: 'asked', tlp: 'amber', version: 1, overdue: false })
  const { id } = made.body
  const one = `${at}/${id}`
  const queue = async (account: string) => idsOf(await get(node, account, `${at}?queue=true`))
  t.strictSame([await queue(addressee), await queue(asker)], [[id], []])
  t.equal((await post(node, addressee, `${one}/answers`, { text: 'Done.' })).status, 409, 'accepted first')
  t.match((await post(node, addressee, `${one}/accept`, { version: 1 })).body, { state: 'accepted', version: 2 })
  const stale = await post(node, addressee, `${one}/decline`, { text: 'No.', version: 1 })
  t.match([stale.status, stale.body.code], [409, 'version_conflict'])
  t.match((await post(node, asker, `${one}/notes`, { text: 'It moved.' })).body, { state: 'accepted', version: 3 })
  t.match((await post(node, 'diego.csirt-cl', `${one}/answers`, { text: 'It is down.' })).body, { state: 'answered' })
  t.strictSame([await queue(addressee), await queue('bruno.cert-br')], [[], [id]])
  t.match((await post(node, addressee, `${one}/answers`, { text: 'And its copy.' })).body, { state: 'answered' })
  for (const [account, word] of [
    [addressee, 'close'],
    [addressee, 'withdraw'],
    [asker, 'accept'],
  ] as const) {
    const refused = await post(node, account, `${one}/${word}`)
    t.match([refused.status, refused.body.code, refused.body.rule], [403, 'not_yours', 'assistance.side'], word)
  }
  t.match((await post(node, asker, `${one}/close`)).body, { state: 'closed' })
  t.match((await post(node, asker, `${one}/notes`, { text: 'x' })).body, { code: 'assistance_state' })
  for (const account of [asker, addressee, 'bruno.cert-br', 'diego.csirt-cl']) {
    const { body } = await get(node, account, one)
    t.strictSame(body.indicators, [indicator])
    t.strictSame(
      body.steps.map((each: Record<string, string>) => `${each.step} ${each.organisation} ${each.account}`),
      [
        'ask cert-br ana.cert-br',
        'accept csirt-cl camila.csirt-cl',
        'note cert-br ana.cert-br',
        'answer csirt-cl diego.csirt-cl',
        'answer csirt-cl camila.csirt-cl',
        'close cert-br ana.cert-br',
      ],
    )
  }
  t.strictSame(idsOf(await get(node, asker, `${at}?state=closed,asked`)), [id])
  t.strictSame(idsOf(await get(node, asker, `${at}?state=asked`)), [])
  const { client } = node.context.database
  const { rows } = await client.query(`select leaf from audit_leaf where action ~ 'assistance'`)
  t.equal(rows.filter(({ leaf }) => /"decision":"deny"/.test(leaf)).length, 3, 'refusals are on the log')
  t.equal(rows.filter(({ leaf }) => /-assistance","actor"/.test(leaf)).length, rows.length)
  t.notMatch(rows.map(({ leaf }) => leaf).join(''), id, 'no leaf says which asking it was')
  await t.rejects(client.query("update assistance_step set text = 'other'"), /append/)
  await integrateAudit(node.context)
  t.strictSame((await verifyAudit(node.context.database, {})).findings, [])
})

t.test('for everybody but the two it is not there', async (t) => {
  const node = await legalNode(t)
  const id = await asked(node, asking([await plant(node, 'page.example', { tlp: 'clear' })]))
  const none = crypto.randomUUID()
  for (const account of [...others, 'policy.lacnic', 'admin.lacnic', 'caio.cert-br', 'anonymous']) {
    for (const path of ['', '/accept', '/answers', '/notes', '/close']) {
      const body = { text: 'x' }
      const asks = (of: string) =>
        path === '' ? get(node, account, `${at}/${of}`) : post(node, account, `${at}/${of}${path}`, body)
      const [hidden, absent] = [await asks(id), await asks(none)]
      t.strictSame([hidden.status, hidden.text], [absent.status, absent.text], `${account} ${path}`)
      t.ok(hidden.status >= 401, `${account} ${path} ${hidden.status}`)
    }
    if (!others.includes(account)) continue
    t.strictSame((await get(node, account, at)).body, { items: [] }, account)
    t.match((await get(node, account, `${at}?before=${id}`)).body, { code: 'cursor_invalid' })
    const data = (await ask(node, account, '{ assistanceList { items { id } next } }')).body
    t.strictSame(data, { data: { assistanceList: { items: [], next: null } } }, account)
  }
})

t.test('what it refers to tells the asker nothing of what the other sees', async (t) => {
  const told: string[] = []
  // Somebody else’s, which CSIRT Chile sees in one world and not in the other.
  for (const organisations of [['cert-br', 'csirt-cl'], ['cert-br']]) {
    const node = await legalNode(t)
    const id = `indicator--00000000-0000-4000-8000-000000000001`
    const foreign = handling('csirt-ar', { tlp: 'amber', organisations })
    await node.plant(foreign, domain('foreign.example'), { id })
    const own = `indicator--00000000-0000-4000-8000-000000000002`
    await node.plant(handling('cert-br', { tlp: 'green' }), domain('own.example'), { id: own })
    const made = await post(node, asker, at, asking([id, own, id]))
    const one = `${at}/${made.body.id}`
    t.strictSame((await get(node, addressee, one)).body.indicators, organisations.length === 2 ? [id, own] : [own])
    const accepted = await post(node, addressee, `${one}/accept`)
    t.strictSame(accepted.body.indicators, organisations.length === 2 ? [id, own] : [own])
    const graphql = await ask(node, asker, `{ assistance(id: "${made.body.id}") { indicators steps { text } } }`)
    const answers = [made, await get(node, asker, one), await get(node, asker, at), graphql]
    const { date: _, 'x-ratelimit-remaining': __, 'x-ratelimit-reset': ___, ...headers } = made.headers
    told.push(JSON.stringify([headers, answers.map(({ text }) => text)]).replaceAll(made.body.id, 'id'))
  }
  t.equal(told[0], told[1], 'byte for byte')

  const node = await legalNode(t)
  const unseen = await plant(node, 'hidden.example', { tlp: 'amber', organisations: ['csirt-cl'] }, 'csirt-ar')
  const never = `indicator--${crypto.randomUUID()}`
  const [hidden, absent] = [await post(node, asker, at, asking([unseen])), await post(node, asker, at, asking([never]))]
  t.match(
    [hidden.status, hidden.body.code, hidden.body.position],
    [422, 'reference_unknown', { pointer: '/indicators/0' }],
  )
  t.strictSame(hidden.text, absent.text)
  // Of its own it may know: so it is told.
  const own = await plant(node, 'mine.example', { tlp: 'amber', organisations: ['csirt-ar'] })
  const refused = await post(node, asker, at, asking([await plant(node, 'b.example'), own]))
  t.match(
    [refused.status, refused.body.code, refused.body.rule, refused.body.position],
    [403, 'assistance_refused', 'tlp.amber', { pointer: '/indicators/1' }],
  )
  const id = await asked(node, asking([await plant(node, 'c.example')]))
  const recall = { reason: 'wrong' }
  const [indicator] = (await get(node, addressee, `${at}/${id}`)).body.indicators
  await post(node, asker, `/v1/indicators/${indicator}/recall`, recall)
  t.strictSame((await get(node, addressee, `${at}/${id}`)).body.indicators, [], 'what was recalled is left out')
  t.match((await post(node, asker, at, asking([indicator]))).body, { code: 'already_recalled' })
})

t.test('agreements hold, now and later', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example', { tlp: 'clear' })
  for (const [to, rule] of [
    ['cert-mx', 'jurisdiction.agreement'],
    ['policia-br', 'purpose.le'],
  ] as const) {
    const refused = await post(node, asker, at, asking([indicator], { to }))
    t.match([refused.status, refused.body.code, refused.body.rule], [403, 'assistance_refused', rule], to)
  }
  const strict = await post(node, asker, at, asking([indicator], { tlp: 'amber+strict' }))
  t.match([strict.status, strict.body.rule], [403, 'jurisdiction.agreement'], 'an agreement up to AMBER')
  const personal = await post(node, asker, at, asking([indicator], { personalData: true }))
  t.match([personal.status, personal.body.rule], [403, 'jurisdiction.agreement'], 'without personal data')
  const police = await post(node, 'ignacio.policia-cl', at, asking([indicator]))
  t.match([police.status, police.body.rule], [403, 'purpose.le'], 'the police ask by a legal request')
  const id = await asked(node, asking([indicator]))
  await post(node, addressee, `${at}/${id}/accept`)
  await post(node, addressee, `${at}/${id}/answers`, { text: 'Down.' })
  const ended = await post(node, 'policy.lacnic', '/v1/agreements/cono-sur/end', { at: '2026-06-02T00:00:00Z' })
  t.equal(ended.status, 200, ended.text)
  node.at('2026-06-03T00:00:00Z')
  t.equal((await get(node, addressee, `${at}/${id}`)).status, 404, 'nothing crosses any more')
  t.equal((await post(node, addressee, `${at}/${id}/notes`, { text: 'x' })).status, 404)
  const { body } = await get(node, asker, `${at}/${id}`)
  t.strictSame(
    body.steps.map(({ step }: { step: string }) => step),
    ['ask'],
    'the asker has its own words, and none of the other’s',
  )
})

t.test('RED is for the people it names', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example', { tlp: 'clear' }, 'csirt-cl')
  const red = asking([indicator], { to: 'colcert', tlp: 'red', people: ['carlos.colcert'] })
  t.match((await post(node, addressee, at, { ...red, people: [] })).body, { code: 'people_required' })
  const stranger = await post(node, addressee, at, { ...red, people: ['ana.cert-br'] })
  const nobody = await post(node, addressee, at, { ...red, people: ['ana.cert-xx'] })
  t.match([stranger.body.code, nobody.body.code], ['people_unknown', 'people_unknown'])
  t.equal(stranger.text.replaceAll('cert-br', 'cert-xx'), nobody.text, 'whose account it is is not told')
  t.match((await post(node, addressee, at, { ...red, tlp: 'amber' })).body, { code: 'invalid_request' })
  const id = await asked(node, red, addressee)
  const one = `${at}/${id}`
  t.match((await post(node, 'carlos.colcert', `${one}/accept`)).body, { state: 'accepted', people: ['carlos.colcert'] })
  t.match((await post(node, 'carlos.colcert', `${one}/answers`, { text: 'For you.' })).body, { state: 'answered' })
  const texts = async (account: string) =>
    (await get(node, account, one)).body.steps.map(({ text }: { text: string }) => text)
  t.strictSame(await texts(addressee), ['Please take the page down.', '', 'For you.'])
  t.strictSame(await texts('diego.csirt-cl'), ['Please take the page down.'], 'not named, and so without the answer')
  const to = await asked(
    node,
    asking([indicator], { to: 'csirt-cl', tlp: 'red', people: ['camila.csirt-cl'] }),
    'carlos.colcert',
  )
  t.equal((await get(node, addressee, `${at}/${to}`)).status, 200)
  t.equal((await get(node, 'diego.csirt-cl', `${at}/${to}`)).status, 404, 'a colleague of the one it names')
  t.strictSame(idsOf(await get(node, 'diego.csirt-cl', at)), [id])
})

t.test('what is not taken up expires, what is not answered is listed', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example')
  const [first, second] = [await asked(node, asking([indicator])), await asked(node, asking([indicator]))]
  await post(node, addressee, `${at}/${second}/accept`)
  const overdue = async () => idsOf(await get(node, asker, `${at}?overdue=true`)).sort()
  t.strictSame(await overdue(), [])
  node.at('2026-06-08T00:00:00Z')
  t.strictSame(await overdue(), [first, second].sort())
  t.match((await post(node, addressee, `${at}/${first}/accept`)).body, { code: 'assistance_state' })
  t.strictSame([await expireAssistance(node.context), await expireAssistance(node.context)], [1, 0])
  t.strictSame(await overdue(), [second])
  const { body } = await get(node, asker, `${at}/${first}`)
  t.match(body, { state: 'expired', steps: [{ step: 'ask' }, { step: 'expire', organisation: undefined }] })
  t.match((await post(node, addressee, `${at}/${second}/answers`, { text: 'Late.' })).body, { overdue: false })
})

t.test('one key asks once', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example')
  const send = (body: object) =>
    node.call(asker, {
      method: 'POST',
      url: at,
      headers: { 'content-type': 'application/json', 'idempotency-key': 'once' },
      payload: JSON.stringify(body),
    })
  const answers = [await send(asking([indicator])), await send(asking([indicator]))]
  t.strictSame(answers[0]?.text, answers[1]?.text)
  t.equal((await get(node, asker, at)).body.items.length, 1)
  t.match((await send(asking([indicator], { text: 'Other.' }))).body, { code: 'idempotency_key_reused' })
})

t.test('at once, one step is taken; lists go page by page', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example')
  const ids: string[] = []
  for (let n = 0; n < 5; n++) ids.unshift(await asked(node, asking([indicator])))
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => post(node, addressee, `${at}/${ids[0]}/accept`, { version: 1 })),
  )
  t.strictSame(answers.map(({ status }) => status).sort(), [200, ...Array(5).fill(409)])
  const found: string[] = []
  let before = ''
  do {
    const { body } = await get(node, addressee, `${at}?limit=2${before}`)
    found.push(...body.items.map(({ id }: { id: string }) => id))
    before = body.next === undefined ? '' : `&before=${body.next}`
  } while (before !== '')
  t.strictSame(found.sort(), ids.sort())
})

t.test('what is badly said is refused, and says where', async (t) => {
  const node = await legalNode(t)
  const indicator = await plant(node, 'page.example')
  const bad: readonly (readonly [object, string, string | undefined])[] = [
    [{ to: 'cert-br' }, 'invalid_request', '/to'],
    [{ to: 'nobody-at-all' }, 'audience_unknown', '/to'],
    [{ to: 'constructor' }, 'audience_unknown', '/to'],
    [{ kind: 'arrest' }, 'invalid_request', undefined],
    [{ text: ' \n ' }, 'invalid_request', '/text'],
    [{ text: 'x'.repeat(16_385) }, 'invalid_request', undefined],
    [{ text: 'a\u0000b' }, 'invalid_text', undefined],
    [{ text: '\ud800' }, 'invalid_text', undefined],
    [{ dueAt: '2026-06-01T00:00:00Z' }, 'invalid_request', '/dueAt'],
    [{ dueAt: '2027-06-03T00:00:00Z' }, 'invalid_request', '/dueAt'],
    [{ dueAt: 'soon' }, 'invalid_request', '/dueAt'],
    [{ indicators: [] }, 'invalid_request', undefined],
    [{ indicators: Array(101).fill(indicator) }, 'invalid_request', undefined],
    [{ indicators: ['indicator--x'] }, 'reference_unknown', '/indicators/0'],
    [{ indicators: [indicator, "' or 1=1 --"] }, 'reference_unknown', '/indicators/1'],
    [{ indicators: indicator }, 'invalid_request', undefined],
    [{ tlp: 'green' }, 'invalid_request', undefined],
    [{ people: ['camila.csirt-cl'] }, 'invalid_request', '/people'],
    [{ more: 1 }, 'invalid_request', undefined],
  ]
  for (const [more, code, pointer] of bad) {
    const answer = await post(node, asker, at, asking([indicator], more))
    t.equal(answer.body.code, code, `${JSON.stringify(more).slice(0, 60)}: ${answer.text.slice(0, 200)}`)
    if (pointer !== undefined) t.equal(answer.body.position?.pointer, pointer, JSON.stringify(more).slice(0, 60))
  }
  for (const query of ['?limit=0', '?limit=1001', '?state=lost', '?before=x', '?queue=maybe', '?nothing=1'])
    t.equal((await get(node, asker, `${at}${query}`)).status, 400, query)
  t.equal((await get(node, asker, `${at}/x`)).status, 400)
  const graphql = async (text: string) => (await ask(node, asker, text)).body
  t.strictSame((await graphql('{ assistance(id: "x") { id } }')).data, { assistance: null })
  t.equal((await graphql('{ assistanceList(limit: 0) { next } }')).errors[0].extensions.code, 'invalid_request')
  const input = `{ to: "csirt-cl", kind: TAKEDOWN, text: "T", indicators: [], dueAt: "2026-06-08T00:00:00Z" }`
  const empty = await graphql(`mutation { askAssistance(input: ${input}) { id } }`)
  t.equal(empty.errors[0].extensions.code, 'invalid_request')
  const full = input.replace('[]', `["${indicator}"]`)
  const made = (await graphql(`mutation { askAssistance(input: ${full}) { id state tlp } }`)).data.askAssistance
  t.match(made, { state: 'ASKED', tlp: 'AMBER' })
  for (const [account, step] of [
    [addressee, 'acceptAssistance(id: $id, version: 1)'],
    [addressee, 'answerAssistance(id: $id, text: "Done.")'],
    [asker, 'closeAssistance(id: $id)'],
  ] as const) {
    const { data, errors } = (await ask(node, account, `mutation ($id: ID!) { ${step} { state } }`, { id: made.id }))
      .body
    t.equal(errors, undefined, `${step} ${JSON.stringify(data)}`)
  }
  const { id } = (await post(node, asker, at, asking([indicator]))).body
  t.equal((await post(node, addressee, `${at}/${id}/decline`, {})).status, 400, 'a refusal says why')
  t.equal((await post(node, addressee, `${at}/${id}/accept`, { version: 0 })).status, 400)
})
