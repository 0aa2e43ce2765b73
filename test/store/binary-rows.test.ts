import fc from 'fast-check'
import t from 'tap'
import { BinaryRows } from '../../src/store/binary-rows.ts'
import { copyBinary } from '../../src/store/copy-binary.ts'
import { Database } from '../../src/store/database.ts'
import { testDatabase } from '../database.ts'

/** Cells of one row, as the text that PostgreSQL reads them from; null where there is none. */
interface Row {
  readonly text: string | null
  readonly uuid: string | null
  readonly bytes: Buffer
  readonly flag: boolean
  readonly small: number | null
  readonly whole: number
  readonly big: bigint | null
  readonly time: string | null
  readonly texts: readonly string[]
  readonly network: string | null
}

const types = ['text', 'uuid', 'bytea', 'boolean', 'smallint', 'integer', 'bigint', 'timestamptz', 'text[]', 'inet']
const columns = types.map((type, n) => `c${n} ${type}`).join(', ')

/** Any text that a database can hold: no NUL, no half of a pair. */
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((each) => !each.includes('\0'))
const longText = fc.tuple(text, fc.integer({ min: 0, max: 4_000 })).map(([each, n]) => each.repeat(n))
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })

const time = fc
  .tuple(
    fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
    // Beyond microseconds, halves among them.
    fc.oneof(
      fc.nat(999_999),
      fc.nat(999).map((n) => n * 1_000 + 500),
    ),
  )
  .map(([date, finer]) => `${date.toISOString().slice(0, -1)}${String(finer).padStart(6, '0').replace(/0+$/, '')}Z`)

const network = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([address, length]) => `${address}/${length}`),
)

const row: fc.Arbitrary<Row> = fc.record({
  text: orNull(fc.oneof({ weight: 9, arbitrary: text }, longText)),
  uuid: orNull(fc.uuid()),
  bytes: fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes)),
  flag: fc.boolean(),
  small: orNull(fc.integer({ min: -32_768, max: 32_767 })),
  whole: fc.integer(),
  big: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  time: orNull(time),
  texts: fc.array(text, { maxLength: 4 }),
  network: orNull(network),
})

function write(rows: readonly Row[]) {
  const out = new BinaryRows(types.length)
  for (const each of rows) {
    out.row()
    out.text(each.text ?? undefined)
    out.uuid(each.uuid ?? undefined)
    out.hex(each.bytes.toString('hex'))
    out.flag(each.flag)
    out.smallint(each.small ?? undefined)
    out.integer(each.whole)
    out.bigint(each.big ?? undefined)
    out.time(each.time ?? undefined)
    out.texts(each.texts)
    out.network(each.network ?? undefined)
  }
  return out.end()
}

t.test('what is copied as binary rows is what the database reads from the texts of the cells', async (t) => {
  const database = new Database({
    url: await testDatabase(t),
    connections: 1,
    statementTimeoutMs: 60_000,
    onIdleError: () => {},
  })
  t.teardown(() => database.close())
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
      const differing = await database.transaction(async (transaction) => {
        const { client } = transaction
        for (const table of ['copied', 'read'])
          await client.query(
            `create temporary table ${table} (n bigint generated always as identity, ${columns}) on commit drop`,
          )
        await copyBinary(client, `copied (${types.map((_, n) => `c${n}`).join(', ')})`, write(rows))
        for (const each of rows) {
          const cells = [
            each.text,
            each.uuid,
            each.bytes,
            each.flag,
            each.small,
            each.whole,
            each.big,
            each.time,
            each.texts,
            each.network,
          ]
          const places = types.map((type, n) => `$${n + 1}::${type}`)
          await client.query(
            `insert into read (${types.map((_, n) => `c${n}`).join(', ')}) values (${places.join(', ')})`,
            cells,
          )
        }
        const differ: unknown[] = []
        for (const [n, type] of types.entries()) {
          const { rows: found } = await client.query(
            `select c.c${n} as copied, r.c${n} as read from copied c full join read r using (n) where c.c${n} is distinct from r.c${n}`,
          )
          differ.push(...found.map((each) => ({ type, ...each })))
        }
        return differ
      })
      t.strictSame(differing, [])
    }),
    { numRuns: 60 },
  )
})

t.test('rows begin where they are said to begin, in chunks of about 64 KiB', async (t) => {
  const out = new BinaryRows(2)
  for (let n = 0; n < 1_000; n++) {
    out.row()
    out.integer(n)
    out.text('x'.repeat(n === 500 ? 300_000 : 200))
  }
  const chunks = out.end()
  const numbers = chunks.flatMap(({ bytes, starts }) =>
    starts.map((start) => [bytes.readInt16BE(start), bytes.readInt32BE(start + 6)]),
  )
  t.strictSame(
    numbers,
    Array.from({ length: 1_000 }, (_, n) => [2, n]),
  )
  t.ok(chunks.length > 3)
  t.strictSame(
    chunks.map(({ bytes }) => bytes.length).filter((length) => length > 66_000).length,
    1,
    'one has the long row',
  )
  t.strictSame(new BinaryRows(1).end(), [])
})

t.test('what is no value of its type is refused, and nothing is cut off', async (t) => {
  const out = new BinaryRows(1)
  for (const [what, write] of Object.entries({
    'a smallint too large': () => out.smallint(32_768),
    'a smallint with a fraction': () => out.smallint(0.5),
    'an integer too large': () => out.integer(2_147_483_648),
    'an odd digit': () => out.hex('abc'),
    'digits that are none': () => out.hex('zz'),
    'a short UUID': () => out.uuid('0f8fad5b-d9cb-469f-a165-7086772895'),
    'a long UUID': () => out.uuid('0f8fad5b-d9cb-469f-a165-70867728950e0'),
    'a UUID with its hyphens elsewhere': () => out.uuid('0f8fad5bd-9cb-469f-a165-70867728950e'),
    'a UUID of no ASCII': () => out.uuid('0f8fad5b-d9cb-469f-a165-70867728950\u0130'),
    'a UUID with another letter': () => out.uuid('0f8fad5b-d9cb-469f-a165-70867728950g'),
    'a time of a zone': () => out.time('2026-01-01T00:00:00.000+01:00'),
    'no time': () => out.time('yesterday'),
  }))
    t.throws(write, RangeError, what)
})
