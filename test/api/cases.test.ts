// alone: it is long
import t from 'tap'
import { plantEvent } from '../misp-events.ts'
import { type Answer, freshAddress, type TestNode, testNode } from '../node.ts'
import { loadCases, type PolicyCase } from '../policy/cases.ts'
import { EventClient } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'
import { Receiver } from '../webhooks.ts'
import { casesThroughDoors } from './case-doors.ts'
import { doors, type Planted } from './doors/index.ts'
import { plantObjects } from './doors/plant.ts'
import { handling } from './graphql.ts'

t.setTimeout(600_000)

t.test('every policy case through every door: the first part', (t) => casesThroughDoors(t, 0))

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
