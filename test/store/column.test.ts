import fc from 'fast-check'
import t from 'tap'
import { Column, wordsOf } from '../../src/store/column.ts'

/** What happens to a feed: something new, or something that stood at a place moves to the next or is recalled. */
const change = fc.record({
  handling: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 40 }) },
    fc.integer({ min: 65_000, max: 70_000 }),
  ),
  moves: fc.option(fc.nat(), { nil: undefined }),
  recalled: fc.boolean(),
})

const bitmapOf = (handlings: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(Math.floor(Math.max(0, ...handlings) / 8) + 1)
  for (const id of handlings) bytes[id >> 3] = (bytes[id >> 3] ?? 0) | (1 << (id & 7))
  return bytes
}

t.test('finds what a plain list finds, from both ends, whatever moved or was recalled', async (t) => {
  const scenario = fc.record({
    changes: fc.array(change, { maxLength: 400 }),
    gap: fc.integer({ min: 1, max: 3_000 }),
    permitted: fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 65_000, max: 70_000 }))),
    at: fc.nat({ max: 1_200_000 }),
    limit: fc.integer({ min: 1, max: 50 }),
  })
  fc.assert(
    fc.property(scenario, ({ changes, gap, permitted, at, limit }) => {
      const column = new Column()
      const rows = new Map<number, number>()
      const changed = new Map<number, number>()
      let replacements: number[] = []
      for (const [n, { handling, moves, recalled }] of changes.entries()) {
        const position = (n + 1) * gap
        const standing = [...rows.keys()]
        const previous = moves === undefined ? undefined : standing[moves % Math.max(1, standing.length)]
        column.enter(position, handling, recalled, previous)
        const left = previous === undefined ? undefined : rows.get(previous)
        if (left !== undefined) changed.set(left, position)
        if (!recalled) changed.set(handling, position)
        if (previous !== undefined) {
          rows.delete(previous)
          replacements = [...replacements, position]
        }
        if (!recalled) rows.set(position, handling)
      }
      const words = wordsOf(bitmapOf(permitted))
      const visible = [...rows].filter(([, id]) => permitted.includes(id)).map(([position]) => position)
      t.equal(column.head, changes.length * gap)
      t.equal(
        column.replacedAfter(at),
        replacements.some((each) => each > at),
      )
      t.strictSame(
        column.newestBelow(words, at, limit),
        visible
          .filter((each) => each < at)
          .sort((a, b) => b - a)
          .slice(0, limit),
      )
      t.strictSame(
        column.oldestAbove(words, at, 900_000, limit),
        visible
          .filter((each) => each > at && each <= 900_000)
          .sort((a, b) => a - b)
          .slice(0, limit),
      )
      t.equal(column.count(words), visible.length)
      for (const id of permitted) t.equal(column.changedAt(id), changed.get(id) ?? 0)
    }),
    { numRuns: 300 },
  )
})

t.test('what was counted above a place is not taken for what lies below it', async (t) => {
  const column = new Column()
  for (let position = 1; position <= 600_000; position++) {
    const rare = position === 10 || position === 20 || position > 599_990
    column.enter(position, rare ? 2 : 1, false, undefined)
  }
  const rare = wordsOf(bitmapOf([2]))
  t.strictSame(column.newestBelow(rare, 500_000, 5), [20, 10])
  t.strictSame(column.newestBelow(rare, 600_001, 12), [...Array.from({ length: 10 }, (_, n) => 600_000 - n), 20, 10])
  t.strictSame(column.newestBelow(rare, 500_000, 1), [20])
})

t.test(
  'a reader of one row in a million, of the oldest, or of none is answered without looking at the rest',
  async (t) => {
    const column = new Column()
    for (let position = 1; position <= 1_000_000; position++)
      column.enter(position, position === 7 ? 2 : 1, false, undefined)
    const began = performance.now()
    for (let n = 0; n < 200; n++) {
      t.strictSame(column.newestBelow(wordsOf(bitmapOf([2])), 1_000_001, 100), [7])
      t.strictSame(column.newestBelow(wordsOf(bitmapOf([3])), 1_000_001, 100), [])
    }
    // Scanning a million entries takes some milliseconds each time; chunks that hold nothing are passed over.
    t.ok((performance.now() - began) / 400 < 2, `${((performance.now() - began) / 400).toFixed(3)} ms each`)
  },
)
