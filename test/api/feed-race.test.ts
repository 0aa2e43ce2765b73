import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { mergeIndicators } from '../../src/store/merge.ts'
import { amberFor, Follower, greenOf, type Item, member, plant, recall, revise } from '../follower.ts'
import { type TestNode, testNode } from '../node.ts'

t.setTimeout(300_000)

t.test('64 writers whose commits are delayed, 8 readers: nobody skips, positions and times only rise', async (t) => {
  const node = await testNode(t)
  const { context } = node
  const [handling = 0] = await context.policy.intern([greenOf()])
  const perWriter = 12
  let writing = true
  const writers = Array.from({ length: 64 }, async (_, writer) => {
    for (let n = 0; n < perWriter; n++) {
      const uuid = `00000000-0000-4000-8000-${String(writer * 1_000 + n).padStart(12, '0')}`
      await context.database.transaction(async (transaction) => {
        await mergeIndicators(transaction, 'cert-br', [bareRow(uuid, handling)], new Date(), () => false)
        await sleep(Math.random() * 4)
        if (Math.random() < 0.1) await transaction.client.query('select pg_sleep(0.005)')
      })
    }
  })
  const readers = Array.from({ length: 8 }, async (_, n) => {
    const follower = new Follower(node, n % 2 === 0 ? 'camila.csirt-cl' : 'diego.csirt-cl')
    const items: Item[] = []
    while (writing) items.push(...(await follower.catchUp(1 + n * 13)))
    items.push(...(await follower.catchUp()))
    return items.map(({ id }) => id)
  })
  await Promise.all(writers)
  writing = false
  const { rows } = await context.database.client.query<{ position: bigint; at: string; stix_id: string }>(
    'select position, at::text, stix_id from feed order by position',
  )
  t.equal(rows.length, 64 * perWriter)
  t.ok(
    rows.every(({ position }, n) => position === BigInt(n + 1)),
    'positions are dense',
  )
  t.ok(
    rows.every(({ at }, n) => n === 0 || at > (rows[n - 1]?.at ?? '')),
    'times rise strictly',
  )
  const order = rows.map(({ stix_id }) => `indicator--${stix_id}`)
  for (const ids of await Promise.all(readers))
    t.strictSame(ids, order, 'a reader saw all of them, once, in this order')
})

function bareRow(stixId: string, handlingId: number) {
  const at = '2026-06-01T00:00:00.000Z'
  return {
    ...{ stixId, handlingId, type: 'domain-name', value: `${stixId}.example`, compound: false, labels: [] },
    ...{ valueKey: stixId.replaceAll('-', ''), validFrom: at, created: at, modified: at, versioned: false },
    ...{ format: 'puente', stix: `{"id":"indicator--${stixId}"}`, digest: '00', others: [] },
  }
}

t.test('whatever happens, in whatever order, a follower has exactly what a page would show', async (t) => {
  const node = await testNode(t)
  const follower = new Follower(node, 'camila.csirt-cl')
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ act: fc.constant('plant' as const), n: fc.nat({ max: 40 }), open: fc.boolean() }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constantFrom('revise' as const, 'narrow' as const, 'widen' as const, 'recall' as const),
        n: fc.nat({ max: 40 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('leave' as const, 'join' as const) }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constant('page' as const), limit: fc.integer({ min: 1, max: 6 }) }) },
  )
  const ids = new Map<number, 'there' | 'recalled'>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      for (const each of steps) await happen(node, follower, each, ids)
      await follower.catchUp(9)
      await compareWithPage(t, node, follower)
    }),
    { numRuns: 12, seed: 20_261_125, endOnFailure: true },
  )
})

type Step =
  | { act: 'plant'; n: number; open: boolean }
  | { act: 'revise' | 'narrow' | 'widen' | 'recall'; n: number }
  | { act: 'leave' | 'join' }
  | { act: 'page'; limit: number }

async function happen(node: TestNode, follower: Follower, step: Step, ids: Map<number, 'there' | 'recalled'>) {
  if (step.act === 'page') return void (await follower.page(step.limit))
  if (!('n' in step)) return void (await member(node, step.act === 'join' ? 'PUT' : 'DELETE', 'csirt-cl'))
  const n = step.n
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
    revise: { confidence: Math.floor(Math.random() * 100) },
    narrow: { tlp: 'amber', audience: ['csirt-ar'] },
    widen: { tlp: 'amber', audience: ['community:lac-csirts'] },
  }[step.act]
  await revise(node, n, said)
}

async function compareWithPage(t: Test, node: TestNode, follower: Follower) {
  const { body } = await node.call('camila.csirt-cl', { url: '/v1/indicators?limit=1000' })
  const shown = body.items as { id: string; version: number }[]
  const versions = (from: Iterable<readonly [string, { readonly version: number }]>) =>
    [...from].map(([id, { version }]) => `${id} ${version}`).sort()
  t.strictSame(versions(follower.held), versions(shown.map((each) => [each.id, each] as const)))
}
