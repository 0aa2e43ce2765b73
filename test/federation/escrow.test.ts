import t from 'tap'
import { tendHolds, tendPeers } from '../../src/actions/index.ts'
import { requestBody } from '../legal.ts'
import { fileIn, packageOf } from '../packages.ts'
import { adminOf, federation, post, publish, sees } from './nodes.ts'

/** What a node preserved of another's organisation outlasts what that node takes back, as if it had been taken back here. */

t.setTimeout(600_000)

const fed = await federation(t, { lacnic: ['lacnic', 'csirt-ar', 'policia-cl'], 'csirt-cl': ['csirt-cl'] })
const [cl, uy] = [fed.node('csirt-cl'), fed.node('lacnic')]
const liaison = 'ignacio.policia-cl'
const scope = { originators: ['csirt-cl'], types: ['ipv6-address'] }
const allowed = 'tlp=green&lawEnforcement=allowed'

/** A request that the node alone decides: all that it is about is allowed. */
async function approved(more: object): Promise<string> {
  const { body } = await post(uy, liaison, '/v1/legal-requests', requestBody({ scope, ...more }))
  for (const [account, word] of [
    [liaison, 'file'],
    ['policy.lacnic', 'approve'],
  ] as const) {
    const answer = await post(uy, account, `/v1/legal-requests/${body.id}/${word}`)
    if (answer.status !== 200) throw new Error(answer.text)
  }
  return body.id
}

const given = async (): Promise<string[]> =>
  [...fileIn(await packageOf(uy, disclosure), 'indicators.ndjson').matchAll(/= '([^']+)'/g)]
    .map(([, value = '']) => value)
    .sort()

const change = (id: string, payload: object) =>
  cl.call('camila.csirt-cl', { method: 'PATCH', url: `/v1/indicators/${id}`, payload })
const recall = (id: string) => post(cl, 'camila.csirt-cl', `/v1/indicators/${id}/recall`, { reason: 'wrong' })
const clawBacks = async (): Promise<string[]> =>
  (await uy.call(liaison, { url: '/v1/claw-backs' })).body.items
    .map(({ indicator }: { indicator: string }) => indicator)
    .sort()
const all = Array.from({ length: 6 }, (_, n) => `3fff::${n + 1}`)

const ids: Record<string, string> = {}
for (const [name, query] of Object.entries({
  recalled: allowed,
  ended: `${allowed}&expiresAt=2026-06-02T00:00:00Z`,
  narrowed: allowed,
  withdrawn: allowed,
  late: `${allowed}&expiresAt=2026-06-02T00:00:00Z`,
  stays: allowed,
}))
  ids[name] = await publish(cl, 'camila.csirt-cl', `3fff::${Object.keys(ids).length + 1}`, query)
const [recalled = '', ended = '', narrowed = '', withdrawn = '', late = ''] = Object.values(ids)
await fed.settle()
await approved({ instrument: 'budapest-16-29' })
await tendHolds(uy.context)
const disclosure = await approved({})

t.test('its node recalled it, or its sharing ended', async (t) => {
  t.strictSame(await given(), all)
  t.equal((await recall(recalled)).status, 200)
  await fed.settle()
  t.equal(await sees(uy, 'lucia.lacnic', '3fff::1'), undefined, 'for readers it is gone')
  t.strictSame(await given(), all)
  t.match(await clawBacks(), [recalled])
  // The clock here is ahead of that of the other node.
  uy.at('2026-06-02T00:00:00.001Z')
  await tendPeers(uy.context)
  t.equal(await sees(uy, 'lucia.lacnic', '3fff::2'), undefined)
  t.strictSame(await given(), all)
  t.strictSame(await clawBacks(), [recalled], 'that sharing ended is no recall')
})

t.test('what was narrowed away stays narrow, whatever became of it before and after', async (t) => {
  fed.at('2026-06-01T00:00:01.000Z')
  const red = { tlp: 'red', people: ['camila.csirt-cl'] }
  t.equal((await recall(late)).status, 200)
  t.equal((await change(ended, red)).status, 200)
  t.equal((await change(narrowed, { lawEnforcement: 'never' })).status, 200)
  t.equal((await change(withdrawn, red)).status, 200)
  await fed.settle()
  for (const n of [2, 4, 5]) t.equal(await sees(uy, 'lucia.lacnic', `3fff::${n}`), undefined)
  t.strictSame(await given(), ['3fff::1', '3fff::5', '3fff::6'], 'also where its sharing had ended before')
  t.strictSame(
    [...new Set(await clawBacks())],
    [recalled, late].sort(),
    'a recall after the end is one, and narrowing is none',
  )
})

t.test('what an expelled node said is given from no hold', async (t) => {
  const { id } = cl.context.node
  const expelled = await post(uy, adminOf(uy), `/v1/peers/${id}/expel`, { reason: 'hostile' })
  t.equal(expelled.status, 200, expelled.text)
  await tendPeers(uy.context)
  t.strictSame(await given(), [])
})
