// alone: it is long
import type { Test } from 'tap'
import t from 'tap'
import { decide } from '../../src/policy/decide.ts'
import { plantEvent } from '../misp-events.ts'
import { type Answer, freshAddress, type TestNode, testNode } from '../node.ts'
import { loadCases, loadWorld, type PolicyCase, readerOf, worldOf } from '../policy/cases.ts'
import { EventClient } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'
import { Receiver } from '../webhooks.ts'
import { doors, type Planted } from './doors/index.ts'
import { underRequest } from './doors/package.ts'
import { grant, ordinary, plant, plantObjects } from './doors/plant.ts'
import { get } from './doors/seen.ts'
import { handling } from './graphql.ts'

t.setTimeout(600_000)

/** Cases that share a node. Doors without a filter read what the others of a node planted, too, and once for a reader's cases. */
const together = 40

t.test('every policy case through every door', async (t) => {
  const endpoint = await Receiver.start(t)
  const { organisations } = loadWorld()
  // An originator that is not enrolled has nothing in the store.
  const enrolled = loadCases().filter(({ handling }) => organisations.some(({ id }) => id === handling.originator))
  t.ok(enrolled.length >= 120, `${enrolled.length} cases`)
  // In order of time: a node's clock does not run backwards. Then a reader's together.
  const inTime = enrolled.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.reader < b.reader ? -1 : 1))
  for (let from = 0; from < inTime.length; from += together) {
    const rows = inTime.slice(from, from + together)
    await t.test(`cases ${from + 1} to ${from + rows.length}`, async (t) => {
      const node = await testNode(t, {
        privateHosts: ['127.0.0.1'],
        guards: { streamsPerAccount: 1_000, connectionsPerAddress: 2_000 },
      })
      const planted: Planted[] = []
      const kept = new Map()
      for (const [n, row] of rows.entries()) planted.push(await plant(node, row, n, { endpoint, kept }))
      for (const one of planted) await ask(t, node, one)
    })
  }
})

t.test('nothing sensitive is answered while the audit log takes nothing', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  const { client } = node.context.database
  const answers: Answer[] = []
  const watched: TestNode = {
    ...node,
    call: async (account, request) => {
      const answer = await node.call(account, request)
      answers.push(answer)
      return answer
    },
  }
  const green = handling('csirt-cl', { tlp: 'green', lawEnforcement: 'allowed' })
  const red = handling('red-andina', { tlp: 'red', people: ['rosa.red-andina'] })
  const readers = [
    ['ignacio.policia-cl', green],
    ['rosa.red-andina', red],
  ] as const
  for (const [n, [reader, marked]] of readers.entries()) {
    const value = freshAddress(n + 1)
    const id = await node.plant(marked, { type: 'ipv6-address', value })
    const beside = await node.plant(marked, { type: 'url', value: `http://[${value}]/` })
    const event = `00000000-0000-4000-8000-00000000000${n + 1}`
    await plantEvent(node, marked, event, [id])
    const [some] = loadCases()
    if (some === undefined) throw new Error('there are no cases')
    const row: PolicyCase = { ...some, reader, purpose: 'defence', handling: marked, grants: [] }
    const objects = await plantObjects(node, row, id, marked)
    const asked = { row, id, value, beside, event, endpoint, ...objects }
    const open = async (): Promise<ReadonlyMap<string, readonly Answer[]>> => {
      const all = new Map<string, Answer[]>()
      // Each time anew: nothing is kept from before.
      const planted: Planted = { ...asked, kept: new Map() }
      for (const [door, ask] of Object.entries(doors)) {
        const from = answers.length
        // What a door says of a refusal is no answer of its own.
        await ask(watched, planted).catch(() => undefined)
        all.set(door, answers.slice(from))
      }
      return all
    }
    const before = await open()
    const telling = [...before].filter(([, answers]) => answers.some(({ text }) => tells(asked, text)))
    t.ok(telling.length >= 25, `${telling.length} doors tell ${reader} of it`)
    await client.query('alter table audit_leaf rename to audit_gone')
    const stream = await new EventClient(watched, reader).open()
    const subscriber = await new Subscriber(watched).open(node.as(reader))
    await subscriber.init()
    subscriber.subscribe('a')
    for (const [door, answers] of await open()) {
      for (const { status, headers, text } of answers) {
        t.notOk(tells(asked, text), `${reader} is told nothing by ${door}`)
        if (status >= 500) t.match([status, headers['retry-after']], [503, '5'], `${door} asks to come again`)
      }
      const [first] = telling.filter(([name]) => name === door)
      // What was asked once is refused for that, and needs no leaf.
      const refused = answers.some(({ status, text }) => status >= 400 || text.includes('"unavailable"'))
      if (first !== undefined) t.ok(refused, `${reader} is refused by ${door}`)
    }
    t.notOk(tells(asked, JSON.stringify([stream.events, subscriber.messages])), 'and nothing live')
    stream.cut()
    subscriber.ws.terminate()
    await client.query('alter table audit_gone rename to audit_leaf')
  }
})

/** Whether an answer holds something of what was planted: a value, or an id. */
const tells = ({ value, id, object }: Pick<Planted, 'value' | 'id' | 'object'>, text: string): boolean =>
  text.includes(value) || text.includes(id) || text.includes(object)

/** Whether each door shows what the case says, and a package under each request of its too. */
async function ask(t: Test, node: TestNode, asked: Planted): Promise<void> {
  const planted = { ...asked, row: ordinary(asked.row) }
  const { row } = planted
  node.at(row.at)
  await grant(node, row)
  for (const [door, open] of Object.entries(doors)) {
    const found = await open(node, planted).catch((error: Error) => error.message)
    if (found !== row.expect.effect && found !== 'closed')
      t.fail(`${row.case} — ${door}: expected ${row.expect.effect}, saw ${found}`)
  }
  for (const grant of asked.row.grants) {
    const found = await underRequest(node, asked, grant).catch((error: Error) => error.message)
    if (found === 'closed') continue
    const reader = readerOf(node.world, row.reader, [grant])
    const { effect } = decide(reader, row.handling, 'law-enforcement', new Date(row.at), worldOf(node.world))
    // RED leaves in no file.
    const expected = row.handling.tlp === 'red' ? 'deny' : effect
    t.equal(found, expected, `${row.case} — in a package under ${grant.request}`)
  }
  const explained = await get(node, row, `/v1/indicators/${planted.id}/explain`)
  if (row.expect.effect === 'deny' && row.reader !== 'anonymous')
    t.equal(explained.status, 404, `${row.case}: nothing to explain`)
  if (row.expect.effect !== 'deny' && row.reader !== 'anonymous') {
    t.match(explained.body, { effect: row.expect.effect, reason: row.expect.reason }, `${row.case}: explained`)
    const relied = explained.body.agreements.map((each: { id: string }) => each.id)
    for (const id of relied) t.ok(row.expect.agreement?.includes(id), `${row.case}: may rest on ${id}`)
  }
  if (row.grants.length > 0) await node.context.database.client.query('truncate legal_request cascade')
  t.pass(row.case)
}
