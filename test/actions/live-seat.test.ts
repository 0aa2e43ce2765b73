import t from 'tap'
import type { Page } from '../../src/actions/follow.ts'
import type { LivePage } from '../../src/actions/live-page.ts'
import { Seat } from '../../src/actions/live-seat.ts'
import type { Caller } from '../../src/domain/caller.ts'
import { limits } from '../../src/domain/limits.ts'

const seat = () => new Seat({} as Caller, {}, '', {} as Page)
const page = (cursor: string, changes = 1): LivePage => ({
  items: Array.from({ length: changes }, () => ({ change: 'withdrawn' as const, id: cursor })),
  cursorAfter: () => cursor,
  cursor,
})

t.test(
  'pages are handed over in the loop that gives them, and wait in order while their reader is waited for',
  async (t) => {
    const one = seat()
    const taken: string[] = []
    let goOn = () => {}
    const serving = one.serve(({ cursor }) => {
      taken.push(cursor)
      return cursor === 'b' ? new Promise<void>((resolve) => (goOn = resolve)) : undefined
    })
    for (const cursor of ['a', 'b', 'c', 'd']) t.ok(one.push(page(cursor)))
    t.strictSame(taken, ['a', 'b'], 'at once, until there is something to wait for')
    goOn()
    await serving
    const again = one.serve(({ cursor }) => {
      taken.push(cursor)
      return undefined
    })
    t.strictSame(taken, ['a', 'b', 'c', 'd'])
    one.push(page('e'))
    one.giveUp()
    await again
    t.notOk(one.push(page('f')))
    t.strictSame(taken, ['a', 'b', 'c', 'd', 'e'])
  },
)

t.test('a reader that is not served holds so much and no more; given up, it holds nothing', async (t) => {
  const one = seat()
  t.ok(one.push(page('a', limits.streamQueue)))
  t.notOk(one.push(page('b')))
  one.giveUp()
  await one.serve(() => {
    throw new Error('what waited was decided for somebody else')
  })
  t.equal(await one.next(), undefined)
})

t.test('what a reader throws ends its own service, and not the loop', async (t) => {
  const one = seat()
  const serving = one.serve(() => {
    throw new Error('its own')
  })
  t.ok(one.push(page('a')))
  await t.rejects(serving, { message: 'its own' })
  t.ok(one.push(page('b')), 'the next one waits')
  t.equal((await one.next())?.cursor, 'b')
})
