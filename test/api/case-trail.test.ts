import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { integrateAudit } from '../../src/actions/index.ts'
import { auditKey } from '../../src/actions/integrate-audit.ts'
import type { CaseTrail, TrailLeaf } from '../../src/actions/read-trail.ts'
import { checkEvidence } from '../../src/cli/audit/evidence.ts'
import { checkTrail } from '../../src/cli/audit/trail.ts'
import { appendAudit } from '../../src/store/audit.ts'
import { approvedRequest, get, legalNode, post, requestBody, step } from '../legal.ts'
import type { TestNode } from '../node.ts'
import { packageOf } from '../packages.ts'
import { handling } from './graphql.ts'

t.setTimeout(120_000)

const [liaison, officer, approver] = ['ignacio.policia-cl', 'policy.lacnic', 'iris.csirt-cl']

/** A case from its draft to the package, with another beside it, all of it in the tree. */
async function caseOf(node: TestNode): Promise<{ id: string; other: string; at: string }> {
  await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.7' })
  const [id, other] = [await approvedRequest(node), await approvedRequest(node)]
  await packageOf(node, id)
  await step(node, liaison, id, 'notes', { note: 'Taken to the court.' })
  await integrateAudit(node.context)
  return { id, other, at: `/v1/legal-requests/${id}/trail` }
}

const said = ({ text }: TrailLeaf) => JSON.parse(text) as { action: string; actor: string; requests: string[] }

t.test('a trail has what was done under a request, proven in one tree, page by page', async (t) => {
  const node = await legalNode(t)
  const { id, at } = await caseOf(node)
  const key = auditKey(node.context)
  const { body: trail } = await get(node, liaison, at)
  const acts = (trail as CaseTrail).leaves.map((leaf) => said(leaf).action)
  t.strictSame(acts.slice(0, 4), ['draft-request', 'file-request', 'approve-request', 'approve-request'])
  for (const act of ['start-export', 'download-export', 'annotate-request']) t.ok(acts.includes(act), act)
  for (const leaf of (trail as CaseTrail).leaves) {
    t.strictSame(said(leaf).requests, [id])
    t.equal(leaf.subject !== undefined, said(leaf).actor === liaison, 'what it was about is told to whoever did it')
  }
  t.match(checkTrail(trail, key), { request: id, leaves: acts.length, faults: { length: 0 } })

  const pages: TrailLeaf[] = []
  let next: string | undefined
  do {
    await step(node, liaison, id, 'notes', { note: 'The log goes on.' })
    await integrateAudit(node.context)
    const { body } = await get(
      node,
      liaison,
      `${at}?limit=2&size=${trail.size}${next === undefined ? '' : `&after=${next}`}`,
    )
    t.equal(body.checkpoint, trail.checkpoint, 'one tree for all pages')
    pages.push(...body.leaves)
    next = body.next
  } while (next !== undefined)
  t.strictSame(pages, trail.leaves)

  const file = path.join(t.testdir({}), 'trail.json')
  writeFileSync(file, JSON.stringify(trail))
  t.match(checkEvidence(file, key), { leaves: acts.length, faults: { length: 0 } })
})

t.test('it is for those who have a part in the request, as far as their part goes', async (t) => {
  const node = await legalNode(t)
  const { id, at } = await caseOf(node)
  const whole = (await get(node, liaison, at)).body.leaves.length
  const seen = await get(node, officer, at)
  t.equal(seen.body.leaves.length, whole)
  const own = (await get(node, approver, at)).body.leaves as TrailLeaf[]
  t.strictSame(
    own.map((leaf) => said(leaf).actor),
    [approver],
    'of an originator no more than its own acts',
  )
  const absent = await get(node, officer, `/v1/legal-requests/${crypto.randomUUID()}/trail`)
  for (const account of ['berta.policia-cl', 'zoe.policia-cl', 'olga.lacnic']) {
    const answer = await get(node, account, at)
    if (account === 'olga.lacnic') t.equal(answer.status, 200, 'she is a policy officer of the node')
    else t.strictSame([answer.status, answer.body], [absent.status, absent.body], account)
  }
  t.equal((await get(node, 'diego.csirt-cl', at)).status, 403)
  await node.context.database.client.query(
    "update legal_request set confidential_until = '2027-01-01T00:00:00Z' where id = $1",
    [id],
  )
  t.equal((await get(node, approver, at)).status, 404, 'a secret has no trail for those to whom it is one')
  t.match((await get(node, liaison, `${at}?size=9007199254740991`)).body, { code: 'not_found' })
  t.match((await get(node, liaison, `${at}?size=0`)).body, { code: 'invalid_request' })
})

t.test('whatever is changed in a trail is found and named', async (t) => {
  const node = await legalNode(t)
  const { id, other, at } = await caseOf(node)
  const key = auditKey(node.context)
  const trail = (await get(node, liaison, at)).body as CaseTrail
  const strange = (await get(node, liaison, `/v1/legal-requests/${other}/trail`)).body as CaseTrail
  const faultsOf = (change: (leaf: TrailLeaf) => Partial<TrailLeaf>, n = 1) =>
    checkTrail(
      { ...trail, leaves: trail.leaves.map((leaf, i) => (i === n ? { ...leaf, ...change(leaf) } : leaf)) },
      key,
    ).faults
  t.match(
    faultsOf(({ text }) => ({ text: text.replace('permit', 'redact') })),
    ['leaf 2: the hash is not that of the leaf'],
  )
  t.match(
    faultsOf(({ subject = '' }) => ({ subject: `${subject} ` })),
    ['leaf 2: the leaf does not commit to the subject'],
  )
  t.match(
    faultsOf(({ index }) => ({ index: index + 1 })),
    ['leaf 2: the leaf is not in the signed tree'],
  )
  t.match(
    faultsOf(({ path: steps }) => ({ path: steps.slice(1) })),
    ['leaf 2: the leaf is not in the signed tree'],
  )
  t.match(
    faultsOf(() => ({ path: [1 as unknown as string] })),
    ['leaf 2: it is no evidence'],
  )
  t.match(
    faultsOf(() => trail.leaves[0] ?? {}),
    ['leaf 2: it stands in the file twice'],
  )
  t.match(
    faultsOf(() => strange.leaves[1] ?? {}),
    ['leaf 2: it does not rest on the request'],
  )
  t.match(checkTrail({ ...trail, request: other }, key).faults[0], 'it does not rest on the request')
  t.match(checkTrail({ ...trail, size: trail.size - 1 }, key).faults[0], 'the checkpoint has another size')
  const another = trail.checkpoint.replace(`\n${trail.size}\n`, `\n${trail.size + 1}\n`)
  t.equal(checkTrail({ ...trail, checkpoint: another }, key).faults.length, 1)
  t.equal(checkTrail({ ...trail, leaves: [], checkpoint: 'forged' }, key).faults.length, 1, 'though nothing is in it')
  t.strictSame(checkTrail({ ...trail, leaves: [null as never] }, key).faults, ['leaf 1: it is no evidence'])
  const forged = trail.leaves.map(({ salt: _, ...leaf }: TrailLeaf) => ({ ...leaf, subject: '{"forged":true}' }))
  t.equal(checkTrail({ ...trail, leaves: forged }, key).faults.length, forged.length, 'a subject needs its salt')
  t.equal(id, trail.request)
})

t.test('an originator does not learn of the others from its own leaves', async (t) => {
  const node = await legalNode(t)
  const scope = { originators: ['cert-br', 'csirt-cl'], types: ['ipv4-address', 'domain-name'] }
  const id = await approvedRequest(node, liaison, { scope })
  await step(node, approver, id, 'notes', { note: 'x' })
  await integrateAudit(node.context)
  for (const door of [`/v1/legal-requests/${id}`, `/v1/legal-requests/${id}/trail`, '/v1/audit/leaves']) {
    const { text } = await get(node, approver, door)
    t.match(text, /csirt-cl/, door)
    t.notMatch(text, /cert-br/, door)
  }
  const { body } = await get(node, liaison, `/v1/legal-requests/${id}/trail`)
  t.match(JSON.stringify(body), /cert-br/, 'whoever asked knows whom')
})

t.test('nor from a leaf that was written before that was so', async (t) => {
  const node = await legalNode(t)
  const id = await approvedRequest(node, liaison, { scope: { originators: ['csirt-cl'], types: ['domain-name'] } })
  const put = (originators: readonly string[], note: string) =>
    node.context.database.transaction((transaction) =>
      appendAudit(transaction, {
        ...{ at: node.context.clock(), action: 'annotate-request', actor: approver, organisation: 'csirt-cl' },
        ...{ decision: 'permit', rules: [], purpose: 'defence', requests: [id], policyEpoch: 1n, program: 'test' },
        subject: JSON.stringify({
          request: { id, scope: { originators } },
          step: { side: 'originator:csirt-cl', note },
        }),
      }),
    )
  await put(['cert-br', 'csirt-cl'], 'with another')
  await put(['csirt-cl'], 'alone')
  await integrateAudit(node.context)
  for (const door of [`/v1/legal-requests/${id}/trail`, '/v1/audit/leaves']) {
    const { text } = await get(node, approver, door)
    t.notMatch(text, /with another/, door)
    t.match(text, /alone/, door)
  }
})

t.test('every package is in the trail, those that were cancelled too', async (t) => {
  const node = await legalNode(t)
  await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.7' })
  const id = await approvedRequest(node)
  const at = `/v1/legal-requests/${id}`
  for (let n = 0; n < 2; n++) await packageOf(node, id)
  const { body: third } = await post(node, liaison, `${at}/exports`)
  t.equal((await node.call(liaison, { method: 'DELETE', url: `/v1/exports/${third.id}` })).status, 200)
  await integrateAudit(node.context)
  const { body } = await get(node, officer, `${at}/trail`)
  const acts = (body as CaseTrail).leaves.map((leaf) => said(leaf).action)
  // Two downloads, and the step that the first of them was.
  t.equal(acts.filter((act) => act === 'download-export').length, 3)
  for (const action of ['start-export', 'download-export', 'cancel-export']) {
    const { body: all } = await get(node, officer, `/v1/audit/leaves?of=node&action=${action}`)
    t.ok(all.items.length > 0, action)
    t.equal(acts.filter((act) => act === action).length, all.items.length, `all of the log: ${action}`)
  }
})

t.test('who tried what is not theirs to do stands in the trail', async (t) => {
  const node = await legalNode(t)
  const scope = { originators: ['csirt-cl', 'policia-cl'], types: ['url'] }
  const { id } = (await post(node, liaison, '/v1/legal-requests', requestBody({ scope }))).body
  await step(node, liaison, id, 'file')
  await node.context.database.client.query("update account set roles = '{approver}' where id = $1", [liaison])
  t.match((await step(node, liaison, id, 'approve', { note: 'Mine.' })).body, { code: 'separation_of_duties' })
  await integrateAudit(node.context)
  const { body } = await get(node, officer, `/v1/legal-requests/${id}/trail`)
  const denied = (body as CaseTrail).leaves.filter(({ text }) => text.includes('"decision":"deny"'))
  t.match(denied.map(said), [{ action: 'approve-request', actor: liaison, requests: [id] }])
})

t.test('an id is one, however it is written', async (t) => {
  const node = await legalNode(t)
  const { id } = await caseOf(node)
  const { body } = await get(node, liaison, `/v1/legal-requests/${id.toUpperCase()}/trail`)
  t.match(checkTrail(body, auditKey(node.context)), { request: id, faults: { length: 0 } })
  t.match(await get(node, liaison, `/v1/legal-requests/urn:uuid:${id}/trail`), {
    status: 400,
    body: { code: 'invalid_request' },
  })
})
