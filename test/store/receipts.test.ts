import t from 'tap'
import type { Queries } from '../../src/store/database.ts'
import { openReceipt } from '../../src/store/receipts.ts'

t.test('a key that is given back while it is looked for was under way', async (t) => {
  // In the way of the insert, and gone before the select: as two statements of others can fall.
  const query = async (text: string) => (text.startsWith('insert') ? { rowCount: 0 } : { rows: [] })
  const found = await openReceipt({ client: { query } } as unknown as Queries, 'ana', new Date(), 'key', 1_000)
  t.match(found, { earlier: { id: String } })
  t.notOk('opened' in found)
  t.notMatch(found, { earlier: { answer: String } }, 'so that whoever asks comes again')
})
