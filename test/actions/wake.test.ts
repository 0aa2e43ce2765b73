import t from 'tap'
import { Wake } from '../../src/actions/wake.ts'

// Waiting keeps no process alive.
const held = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(held))

t.test('who waits is woken by what changes, and by what changed before it waited', async (t) => {
  const wake = new Wake()
  const { turn } = wake
  const waits = [wake.after(turn, 60_000), wake.after(turn, 60_000)]
  wake.tell()
  t.strictSame(await Promise.all(waits), [true, true])
  t.equal(await wake.after(turn, 60_000), true, 'it changed while nobody waited')
  t.equal(await wake.after(wake.turn, 1), false, 'the clock')
})

t.test('who is told to stop waits no more', async (t) => {
  const wake = new Wake()
  const stop = new AbortController()
  const waiting = wake.after(wake.turn, 60_000, stop.signal)
  stop.abort()
  t.equal(await waiting, false)
  t.equal(await wake.after(wake.turn, 60_000, stop.signal), false)
})
