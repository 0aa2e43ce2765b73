import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/domain/errors.ts'
import { limits } from '../../src/domain/limits.ts'
import { type Observable, observableTypes, parseObservable } from '../../src/domain/observables/index.ts'
import { forms } from './forms.ts'

const shown = (asked: string, found: Observable): string =>
  found.type === asked ? found.value : `${found.type} ${found.value}`

t.test('every type brings its spellings to one canonical form', async (t) => {
  for (const [type, rows] of Object.entries(forms)) {
    for (const [text, canonical] of rows)
      t.equal(shown(type, parseObservable(type, text)), canonical, `${type}: ${text}`)
  }
  const without = [...observableTypes.keys()].filter((type) => forms[type] === undefined)
  t.strictSame(without, [], 'no type is without an example')
})

/** A text of a type, or something near one: characters put in, taken out, doubled, in another case. */
const near = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.nat(),
      fc.nat(3),
      fc.oneof(
        fc.constantFrom('', ' ', '/', '\\', '.', ':', '-', '0', '%', 'K', '\u00ad', 'é', '[.]'),
        fc.string({ unit: 'binary' }),
      ),
      fc.boolean(),
    )
    .map(([text, at, out, put, upper]) => {
      const start = at % (text.length + 1)
      const changed = text.slice(0, start) + put + text.slice(start + out)
      return upper ? changed.toUpperCase() : changed
    })

function attempt(type: string, text: string): Observable | undefined {
  try {
    return parseObservable(type, text)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

t.test('a canonical form is its own canonical form, and nothing but a fault is ever thrown', async (t) => {
  let parsed = 0
  for (const [type, rows] of Object.entries(forms)) {
    const texts = rows.flat()
    fc.assert(
      fc.property(
        fc.oneof({ arbitrary: near(texts), weight: 4 }, { arbitrary: fc.string({ unit: 'binary' }), weight: 1 }),
        (text) => {
          const first = attempt(type, text)
          if (first === undefined) return
          parsed++
          const again = parseObservable(first.type, first.value)
          if (again.type !== first.type || again.value !== first.value)
            throw new Error(`${shown('', first)} ≠ ${shown('', again)}`)
          if (first.value === '' || first.value.length > limits.valueCharacters) throw new Error('empty or too long')
        },
      ),
      { numRuns: 100 },
    )
  }
  t.ok(parsed > 2_000, `${parsed} texts were values`)
})

t.test('a value is read in 50 µs or less', async (t) => {
  const medians = Object.entries(forms).map(([type, rows]) => {
    const text = rows[0]?.[0] ?? ''
    const times = Array.from({ length: 41 }, () => {
      const start = process.hrtime.bigint()
      parseObservable(type, text)
      return Number(process.hrtime.bigint() - start) / 1_000
    })
    return { type, us: times.sort((a, b) => a - b)[20] ?? Number.POSITIVE_INFINITY }
  })
  const slowest = medians.sort((a, b) => b.us - a.us).slice(0, 3)
  t.comment(slowest.map(({ type, us }) => `${type} ${us.toFixed(1)} µs`).join(', '))
  t.ok((medians[Math.floor(medians.length / 2)]?.us ?? 51) <= 50, 'the median type')
  t.ok((slowest[0]?.us ?? 501) <= 500, 'the slowest type within ten times that')
})
