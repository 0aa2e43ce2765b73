import t from 'tap'
import { prevalenceFor } from '../../src/policy/prevalence.ts'

t.test('who counts, and whose jurisdiction may be told', (t) => {
  const rows: readonly (readonly [
    named: string,
    aliases: string,
    others: string,
    organisations: number,
    placed: string,
  ])[] = [
    ['', '', '', 0, ''],
    ['abc', '', '', 3, 'abc'],
    ['abc', '', 'd', 3, 'abc'],
    ['abc', 'x', 'd', 4, 'abc'],
    ['abcd', '', 'e', 5, 'abcde'],
    ['abcd', 'xy', 'e', 7, 'abcde'],
    ['abcd', 'xyz', '', 7, 'abcd'],
    ['abc', '', 'abd', 3, 'abc'],
    ['abc', '', 'ade', 5, 'abcde'],
    ['', '', 'abcde', 5, 'abcde'],
  ]
  for (const [named, aliases, others, organisations, placed] of rows) {
    const seen = { named: new Set(named), aliases: new Set(aliases), others: new Set(others) }
    const told = prevalenceFor(seen)
    t.strictSame(
      [told.organisations, [...told.placed].sort().join('')],
      [organisations, placed],
      `${named}|${aliases}|${others}`,
    )
  }
  t.end()
})
