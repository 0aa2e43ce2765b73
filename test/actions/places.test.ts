import t from 'tap'
import { Places } from '../../src/actions/places.ts'

t.test('so many in all, and of one account, and one more when one has ended', async (t) => {
  const places = new Places({ most: 3, mostOfAccount: 2, sentence: 'Come again.' })
  const full = { code: 'unavailable', message: 'Come again.' }
  const open = async (account: string) => {
    const stream = places.during(account, async function* () {
      yield account
    })
    await stream.next()
    return stream
  }
  const [first] = [await open('ana'), await open('ana')]
  t.throws(() => places.refuseBeyond('ana'), full, 'of one account')
  await t.rejects(open('ana'), full)
  await open('camila')
  t.throws(() => places.refuseBeyond('diego'), full, 'of all')
  await first.return(undefined)
  t.doesNotThrow(() => places.refuseBeyond('ana'))
  t.doesNotThrow(() => places.refuseBeyond('diego'))
})
