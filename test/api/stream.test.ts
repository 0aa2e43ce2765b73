import t from 'tap'
import { amberFor, greenOf, idOf, member, plant, recall, revise } from '../follower.ts'
import { testNode } from '../node.ts'
import { EventClient } from '../sse.ts'

t.setTimeout(300_000)

t.test('what is there comes first, then what changes, each once and by its name', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 5; n++) await plant(node, n, greenOf())
  const camila = await new EventClient(node, 'camila.csirt-cl').open()
  await camila.until(({ events }) => events.length >= 5, 'what is there')
  await revise(node, 2, { confidence: 10 })
  await revise(node, 3, { tlp: 'amber', audience: ['csirt-ar'] })
  await recall(node, 4)
  await plant(node, 6, greenOf())
  await camila.until(({ events }) => events.length >= 9, 'what changed')
  t.strictSame(camila.told, [
    ...[1, 2, 3, 4, 5].map((n) => `published 000${n}`),
    ...['revised 0002', 'withdrawn 0003', 'recalled 0004', 'published 0006'],
  ])
  t.equal(camila.events.at(-1)?.data.indicator.id, idOf(6))
  t.equal(new Set(camila.events.map(({ id }) => id)).size, 9, 'a place after each')
  camila.cut()
  await plant(node, 7, greenOf())
  await camila.open()
  await camila.until(({ events }) => events.length >= 10, 'what came meanwhile')
  t.equal(camila.told.at(-1), 'published 0007')
  camila.cut()
})

t.test('what a policy gives or takes comes within a second', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 6; n++) await plant(node, n, n % 2 === 0 ? greenOf() : amberFor('lac-csirts'))
  const camila = await new EventClient(node, 'camila.csirt-cl').open()
  await camila.until(({ events }) => events.length >= 6)
  const before = performance.now()
  await member(node, 'DELETE', 'csirt-cl')
  await camila.until(({ events }) => events.length >= 9)
  t.comment(`${Math.round(performance.now() - before)} ms`)
  t.strictSame(camila.told.slice(6), ['withdrawn 0001', 'withdrawn 0003', 'withdrawn 0005'])
  await member(node, 'PUT', 'csirt-cl')
  await camila.until(({ events }) => events.length >= 12)
  t.strictSame(camila.told.slice(9), ['published 0001', 'published 0003', 'published 0005'])
  camila.cut()
})
