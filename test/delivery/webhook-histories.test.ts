import fc from 'fast-check'
import t from 'tap'
import { amberFor, greenOf, type Item, member, plant, recall, revise } from '../follower.ts'
import { type TestNode, testNode } from '../node.ts'
import { type Got, json, Receiver, sendAll, subscribe } from '../webhooks.ts'

/**
 * Whatever happens between attempts, and whatever became of their answers: when all is taken and replayed, a receiver that passes over ids
 * it has taken holds exactly what a page shows.
 */

t.setTimeout(300_000)

const account = 'camila.csirt-cl'

/** How the endpoint behaves: it takes what comes; takes it, and its answer is lost; or is away. */
type Mode = 'takes' | 'answer lost' | 'away'
type Act =
  | { readonly act: 'plant'; readonly n: number; readonly open: boolean }
  | { readonly act: 'revise' | 'narrow' | 'widen' | 'recall'; readonly n: number }
  | { readonly act: 'leave' | 'join' | 'replay' }
  | { readonly act: 'send'; readonly mode: Mode; readonly once: boolean }

const someOf = fc.nat({ max: 25 })
const acts = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('plant' as const), n: someOf, open: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constantFrom('revise', 'narrow', 'widen', 'recall'), n: someOf }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom('leave', 'join', 'replay') }) },
  {
    weight: 7,
    arbitrary: fc.record({
      act: fc.constant('send' as const),
      mode: fc.constantFrom<Mode>('takes', 'takes', 'answer lost', 'away', 'away'),
      // Given up at once, or at the third failure.
      once: fc.boolean(),
    }),
  },
) as fc.Arbitrary<Act>

/** Keeps what it is told, and which deliveries it has taken. */
class Holder {
  readonly held = new Map<string, number>()
  readonly #taken = new Set<string>()
  mode: Mode = 'takes'

  take({ id, body }: Got): { status: number } {
    if (this.mode === 'away') return { status: 503 }
    if (!this.#taken.has(id)) {
      this.#taken.add(id)
      for (const item of body.data.changes as Item[]) {
        if (item.indicator === undefined) this.held.delete(item.id)
        else this.held.set(item.id, item.indicator.version)
      }
    }
    return { status: this.mode === 'takes' ? 200 : 504 }
  }
}

t.test('a receiver ends with what a page shows, through lost answers, dead letters and replays', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  const endpoint = await Receiver.start(t)
  const holder = new Holder()
  endpoint.reply = (got) => holder.take(got)
  const { id } = await subscribe(node, account, endpoint.url, { batch: 4, ownSystem: true })
  const ids = new Map<number, 'there' | 'recalled'>()
  let seconds = 0
  const send = async (mode: Mode, once = false) => {
    holder.mode = mode
    seconds += 10
    node.at(new Date(Date.parse('2026-06-01T00:00:00.000Z') + seconds * 1000).toISOString())
    await sendAll(node.context, { retrySeconds: once ? [] : [5, 5], failingMs: Number.POSITIVE_INFINITY })
  }
  const replay = () =>
    node.call(account, {
      method: 'POST',
      url: `/v1/subscriptions/${id}/dead-letters/replay`,
      headers: json,
      payload: '{}',
    })
  let letters = 0
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 20, maxLength: 60 }), async (steps) => {
      for (const step of steps) {
        if (step.act === 'send') await send(step.mode, step.once)
        else if (step.act === 'replay') letters += (await replay()).body.replayed
        else await happen(node, step, ids)
      }
      await send('takes')
      letters += (await replay()).body.replayed
      await send('takes')
      const { body: state } = await node.call(account, { url: `/v1/subscriptions/${id}` })
      t.match(state, { state: 'active', waiting: 0, deadLetters: 0 })
      const { body } = await node.call(account, { url: '/v1/indicators?limit=1000' })
      const shown = (body.items as { id: string; version: number }[]).map((each) => `${each.id} ${each.version}`)
      t.strictSame([...holder.held].map(([held, version]) => `${held} ${version}`).sort(), shown.sort())
    }),
    { numRuns: 12, seed: 20_261_125, endOnFailure: true },
  )
  t.ok(letters > 10, `${letters} dead letters were replayed`)
})

async function happen(
  node: TestNode,
  step: Exclude<Act, { act: 'send' | 'replay' }> | { readonly act: 'leave' | 'join' },
  ids: Map<number, 'there' | 'recalled'>,
): Promise<void> {
  if (!('n' in step)) return void (await member(node, step.act === 'join' ? 'PUT' : 'DELETE', 'csirt-cl'))
  const { n } = step
  if (step.act === 'plant') {
    if (ids.has(n)) return
    ids.set(n, 'there')
    return void (await plant(node, n, step.open ? greenOf() : amberFor('lac-csirts')))
  }
  if (ids.get(n) !== 'there') return
  if (step.act === 'recall') {
    ids.set(n, 'recalled')
    return void (await recall(node, n))
  }
  const said = {
    revise: { confidence: (n * 7 + ids.size) % 100 },
    narrow: { tlp: 'amber', audience: ['csirt-ar'] },
    widen: { tlp: 'amber', audience: ['community:lac-csirts'] },
  }[step.act]
  await revise(node, n, said)
}
