import { WarninglistMatcher } from '../src/domain/warninglist-matcher.ts'
import { inTurn, type Line, rate } from './report.ts'
import type { BenchNode } from './world.ts'

/** Rows of one FETCH. */
const together = 2_000

/** As of pages: for so many answers code is still being compiled. */
const coldAnswers = 200

/**
 * A plain list over HTTP, with policy, audit log and warninglists, against a bare cursor of PostgreSQL over the same values in the same
 * order; and the answer that nothing changed against one statement.
 */
export async function blocklistLines(node: BenchNode, rows: number, rounds: number): Promise<Line[]> {
  const headers = node.readers['ninety-percent']
  const path = '/v1/blocklists/domains.txt'
  const list = await node.client.send(path, { headers, keep: true })
  const lines = list.split('\n').length - 1
  if (lines < rows * 0.8) throw new Error(`the list has ${lines} lines`)
  const whole = await inTurn(
    rounds,
    1,
    () => node.client.send(path, { headers }),
    () => bareCursor(node, lines),
  )
  const { headers: answered } = await fetch(node.url + path, { method: 'HEAD', headers })
  const known = { ...headers, 'if-none-match': answered.get('etag') ?? '' }
  const unchanged = await inTurn(
    Math.max(rounds, 9),
    50,
    () => node.client.send(path, { headers: known, status: 304 }),
    () => node.context.database.client.query('select position from feed_head'),
    coldAnswers,
  )
  return [
    rate(`blocklist, plain, ${lines} names`, 'names/s', whole.ours * lines, whole.theirs * lines, 0.15),
    rate('blocklist that was not changed', 'answers/s', unchanged.ours, unchanged.theirs, 0.05),
    matcherLine(),
  ]
}

/** The same values, sorted by the database and read through a cursor, thrown away. */
async function bareCursor({ context }: BenchNode, expected: number): Promise<void> {
  const read = await context.database.transaction(async ({ client }) => {
    await client.query(
      `declare bare no scroll cursor for select type, value from indicator
       where not recalled and position % 10 <> 9 or position % 10000 = 7 order by translate(domain_reversed, '.', ' ') collate "C", value`,
    )
    let total = 0
    for (;;) {
      const { rows } = await client.query(`fetch ${together} from bare`)
      if (rows.length === 0) return total
      total += rows.length
    }
  })
  if (Math.abs(read - expected) > expected / 5)
    throw new Error(`the cursor gave ${read} rows, and the list ${expected}`)
}

/** Values held against lists of 80,000 entries, against a look into one set of as many. */
function matcherLine(): Line {
  const addresses = Array.from({ length: 80_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
  const list = { version: 1, description: '', category: '', types: [] as string[] }
  const matcher = new WarninglistMatcher([
    { ...list, name: 'networks', kind: 'cidr', entries: addresses.map((address) => `${address}/32`) },
    { ...list, name: 'names', kind: 'hostname', entries: addresses.map((address) => `h.${address}.example`) },
  ])
  const set = new Set(addresses)
  const values = Array.from({ length: 200_000 }, (_, n) => `198.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
  const perSecond = (test: (value: string) => boolean) => {
    const began = performance.now()
    let hits = 0
    for (const value of values) if (test(value)) hits++
    if (hits > 0) throw new Error('nothing of it is on a list')
    return values.length / ((performance.now() - began) / 1_000)
  }
  const ours = Math.max(...[1, 2, 3].map(() => perSecond((value) => matcher.has({ type: 'ipv4-address', value }))))
  const theirs = Math.max(...[1, 2, 3].map(() => perSecond((value) => set.has(value))))
  return rate('addresses against warninglists', 'values/s', ours, theirs, 0.01)
}
