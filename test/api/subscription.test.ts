import t from 'tap'
import { amberFor, greenOf, member, plant, recall, revise } from '../follower.ts'
import { testNode } from '../node.ts'
import { Subscriber } from '../subscriber.ts'

t.setTimeout(300_000)

t.test('a subscription gives what is there, then what changes', async (t) => {
  const node = await testNode(t, { listen: true })
  for (let n = 1; n <= 3; n++) await plant(node, n, n === 3 ? amberFor('lac-csirts') : greenOf())
  const camila = await new Subscriber(node).open(node.as('camila.csirt-cl'))
  await camila.init()
  camila.subscribe('a')
  await camila.until(({ told }) => told.length >= 3, 'what is there')
  await revise(node, 1, { confidence: 10 })
  await recall(node, 2)
  await camila.until(({ told }) => told.length >= 5, 'what changed')
  await member(node, 'DELETE', 'csirt-cl')
  await camila.until(({ told }) => told.length >= 6, 'what the policy took')
  t.strictSame(camila.told, [
    ...['PUBLISHED 0001', 'PUBLISHED 0002', 'PUBLISHED 0003'],
    ...['REVISED 0001', 'RECALLED 0002', 'WITHDRAWN 0003'],
  ])
  camila.ws.terminate()
  await plant(node, 4, greenOf())
  const again = await new Subscriber(node).open()
  await again.init({ authorization: node.as('camila.csirt-cl').authorization })
  again.subscribe('a', camila.cursor)
  await again.until(({ told }) => told.length >= 1)
  t.strictSame(again.told, ['PUBLISHED 0004'])
  again.ws.terminate()
})
