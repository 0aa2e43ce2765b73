import t from 'tap'
import { PageAhead } from '../../src/actions/index.ts'
import type { ReadPage } from '../../src/formats/feed-page.ts'

/** Pages that are asked for before the one ahead of them is stored. */

const entry = { envelope: 'no envelope', seal: 0, index: 0, path: [], hops: [] }

const pageAfter = (after: string | null, more = true): ReadPage => ({
  ...{ v: 1, from: 'them', to: 'us', seals: [], entries: [entry] },
  cursor: after === null ? 'a' : String.fromCharCode(after.charCodeAt(0) + 1),
  more,
})

/** Answers when it is told to, the first asked first. */
function peer() {
  const asked: [string, string | null][] = []
  const signals: AbortSignal[] = []
  const waiting: ((page: ReadPage | Error) => void)[] = []
  return {
    asked,
    signals,
    ask: (after: string, stored: string | null, ended: AbortSignal) => {
      asked.push([after, stored])
      signals.push(ended)
      return new Promise<{ page: ReadPage; bytes: number }>((resolve, reject) =>
        waiting.push((page) => (page instanceof Error ? reject(page) : resolve({ page, bytes: 1 }))),
      )
    },
    answer: async (page: ReadPage | Error) => {
      waiting.shift()?.(page)
      await new Promise(setImmediate)
    },
  }
}

t.test('two pages are asked for ahead, one after the other, with what is stored', async (t) => {
  const { asked, ask, answer } = peer()
  const ahead = new PageAhead()
  t.equal(await ahead.take(null), undefined, 'the first is not asked for ahead')
  ahead.goOn(pageAfter(null), ask)
  t.strictSame(asked, [['a', null]])
  await answer(pageAfter('a'))
  t.strictSame(asked.slice(1), [['b', null]], 'the second as soon as the first is here')
  await answer(pageAfter('b'))
  t.equal(asked.length, 2, 'no third')
  t.match(
    await ahead.take('a'),
    { page: { cursor: 'b', entries: [{ read: { code: 'malformed' } }] }, bytes: 1 },
    'read',
  )
  ahead.goOn(pageAfter('a'), ask)
  t.strictSame(asked.slice(2), [['c', 'a']], 'the third once there is room')
  t.match(await ahead.take('b'), { page: { cursor: 'c' } })
  await answer(pageAfter('c', false))
  t.match(await ahead.take('c'), { page: { cursor: 'd', more: false } })
  t.equal(asked.length, 3, 'nothing after the last')
})

t.test('what went wrong is told to who takes the page, and nothing is left of it', async (t) => {
  const { asked, ask, answer } = peer()
  const ahead = new PageAhead()
  ahead.goOn(pageAfter(null), ask)
  await answer(new Error('lost on the way'))
  await t.rejects(ahead.take('a'), { message: 'lost on the way' })
  t.equal(await ahead.take('a'), undefined)
  t.strictSame(asked, [['a', null]])
})

t.test('pages that were asked for after another cursor are let go of', async (t) => {
  const { ask, answer } = peer()
  const ahead = new PageAhead()
  ahead.goOn(pageAfter(null), ask)
  await answer(pageAfter('a'))
  await answer(pageAfter('b'))
  t.equal(await ahead.take('x'), undefined)
  t.equal(await ahead.take('b'), undefined, 'the one behind it too')
})

t.test('who ends asks for nothing more, and waits for what is under way', async (t) => {
  const { asked, ask, answer, signals } = peer()
  const ahead = new PageAhead()
  ahead.goOn(pageAfter(null), ask)
  let closed = false
  const closing = ahead.close().then(() => {
    closed = true
  })
  await new Promise(setImmediate)
  t.strictSame([closed, signals[0]?.aborted], [false, true])
  await answer(pageAfter('a'))
  await closing
  ahead.goOn(pageAfter(null), ask)
  t.strictSame(asked, [['a', null]])
})
