import type { Test } from 'tap'
import { decide } from '../../src/policy/decide.ts'
import { type TestNode, testNode } from '../node.ts'
import { loadCases, loadWorld, readerOf, worldOf } from '../policy/cases.ts'
import { Receiver } from '../webhooks.ts'
import { doors, type Planted } from './doors/index.ts'
import { underRequest } from './doors/package.ts'
import { grant, ordinary, plant } from './doors/plant.ts'
import { get } from './doors/seen.ts'

/** Cases that share a node. Doors without a filter read what the others of a node planted, too, and once for a reader's cases. */
const together = 40

/** Files among which the cases are shared out: they run side by side. */
const parts = 2

/** Asks for every policy case of a part at every door. */
export async function casesThroughDoors(t: Test, part: 0 | 1): Promise<void> {
  const endpoint = await Receiver.start(t)
  const { organisations } = loadWorld()
  // An originator that is not enrolled has nothing in the store.
  const enrolled = loadCases().filter(({ handling }) => organisations.some(({ id }) => id === handling.originator))
  t.ok(enrolled.length >= 120, `${enrolled.length} cases`)
  // In order of time: a node's clock does not run backwards. Then a reader's together.
  const inTime = enrolled.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.reader < b.reader ? -1 : 1))
  for (let from = part * together; from < inTime.length; from += parts * together) {
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
}

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
