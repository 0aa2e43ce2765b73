import fc from 'fast-check'
import t from 'tap'
import { rowsAt } from '../../src/store/collection-rows.ts'
import { Column, wordsOf } from '../../src/store/column.ts'
import type { Queries } from '../../src/store/database.ts'
import { Entries } from '../../src/store/feed-entries.ts'
import type { LiveColumn } from '../../src/store/live-column.ts'
import { ObjectColumn, typeCode } from '../../src/store/object-column.ts'
import { PolicyMoved } from '../../src/store/visible.ts'

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

t.test('of objects it finds what a plain list finds, by handling and by type, from COPY cut anywhere', async (t) => {
  const types = ['tool', 'report', 'relationship', 'x509-certificate']
  const version = fc.record({
    handling: fc.integer({ min: 1, max: 6 }),
    type: fc.constantFrom(...types),
    moves: fc.option(fc.nat(), { nil: undefined }),
    recalled: fc.nat({ max: 4 }).map((n) => n === 0),
  })
  const scenario = fc.record({
    versions: fc.array(version, { maxLength: 60 }),
    permitted: fc.uniqueArray(fc.integer({ min: 1, max: 6 })),
    asked: fc.option(fc.uniqueArray(fc.constantFrom(...types)), { nil: undefined }),
    cut: fc.integer({ min: 1, max: 40 }),
  })
  type Row = { readonly handling: number; readonly type: string }
  fc.assert(
    fc.property(scenario, ({ versions, permitted, asked, cut }) => {
      const lists = {
        now: new Map<number, Row>(),
        recalled: new Map<number, Row>(),
        replaced: new Map<number, Row>(),
      }
      let text = ''
      for (const [n, { handling, type, moves, recalled }] of versions.entries()) {
        const position = (n + 1) * 300
        const standing = [...lists.now.keys()]
        const previous = moves === undefined ? undefined : standing[moves % Math.max(1, standing.length)]
        const before = previous === undefined ? undefined : lists.now.get(previous)
        // An object is taken back by a later version of it, and its type stays.
        const row = { handling, type: before?.type ?? type }
        const isRecall = recalled && before !== undefined
        text += `${position}\t${handling}\t${isRecall ? 't' : 'f'}\t7\t${previous ?? '\\N'}\t${row.type}\n`
        if (previous !== undefined && before !== undefined) {
          lists.replaced.set(previous, before)
          lists.now.delete(previous)
        }
        lists[isRecall ? 'recalled' : 'now'].set(position, row)
      }
      const column = new ObjectColumn()
      const entries = new Entries(({ position, handling, type, recalled, previous }) =>
        column.enter(position, handling, type, recalled, previous),
      )
      for (let at = 0; at < text.length; at += cut) entries.take(Buffer.from(text.slice(at, at + cut)))
      const pairs = column.pairsOf(wordsOf(bitmapOf(permitted)), asked)
      for (const which of ['now', 'recalled', 'replaced'] as const) {
        const expected = [...lists[which]]
          .filter(([, { handling, type }]) => permitted.includes(handling) && (asked?.includes(type) ?? true))
          .map(([position]) => position)
          .sort((a, b) => a - b)
        t.strictSame(column[which].oldestAbove(pairs, 0, 1_000_000, 1_000), expected, which)
      }
    }),
    { numRuns: 300 },
  )
  t.equal(new Set(types.map(typeCode)).size, types.length)
})

t.test(
  'rows of a collection are asked for unless the column stands exactly where the policy was confirmed',
  async (t) => {
    let asked = 0
    const client = {
      query: async () => {
        asked++
        return { rows: [{ policy_epoch: 8n, feed_position: 3n, handling_head: 1 }] }
      },
    }
    const now = new Column()
    for (const position of [1, 2, 3]) now.enter(position, 1, false, undefined)
    const hot = { get: (position: number) => ({ position: BigInt(position) }), keep: () => {} }
    const column = { now, recalled: new Column(), hot } as unknown as LiveColumn
    const visible = { epoch: 7n, handlings: 2, bitmap: bitmapOf([1]), organisation: undefined }
    const read = (confirmed: number) => rowsAt({ client } as unknown as Queries, column, visible, [1, 2], confirmed)
    t.equal((await read(3)).rows.size, 2)
    t.equal(asked, 0, 'what was confirmed holds')
    await t.rejects(read(2), PolicyMoved, 'otherwise the policy is asked again')
  },
)
