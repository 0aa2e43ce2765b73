import fc from 'fast-check'
import t from 'tap'
import { decayModelOf, decayOf, decayThreshold, polynomialScore } from '../../src/domain/decay.ts'
import { observableTypes } from '../../src/domain/observables/types.ts'

/** MISP's shipped models by their parameters `lifetime` and `decay_speed` (misp-decaying-models). */
const nids = { lifetimeDays: 120, decaySpeed: 2 }
const phishing = { lifetimeDays: 3, decaySpeed: 2.3 }

t.test("the score is what MISP's Polynomial.php computes from the same numbers", async (t) => {
  // By hand: 80 × (1 − √(30/120)) = 80 × (1 − 1/2); 80 × (1 − √(67.5/120)) = 80 × (1 − 3/4).
  t.equal(polynomialScore(80, 30, nids), 40)
  t.equal(polynomialScore(80, 67.5, nids), 20)
  t.equal(polynomialScore(80, 7.5, nids), 60)
  t.equal(polynomialScore(80, 120, nids), 0)
  t.equal(polynomialScore(80, 121, nids), 0, 'never below 0')
  // 80 × (1 − (1/3)^(1/2.3)), by another program, to four decimals.
  t.equal(polynomialScore(80, 1, phishing).toFixed(4), '30.3812')
  // OpenCTI computes the same polynomial with δ = 3; its own test: after 20 and 28 days of 365, from 100.
  t.equal(Math.round(polynomialScore(100, 20, { lifetimeDays: 365, decaySpeed: 3 })), 62)
  t.equal(Math.round(polynomialScore(100, 28, { lifetimeDays: 365, decaySpeed: 3 })), 58)
  // δ < 1 falls late, δ = 1 evenly.
  t.equal(polynomialScore(80, 60, { lifetimeDays: 120, decaySpeed: 0.5 }), 60)
  t.equal(polynomialScore(80, 60, { lifetimeDays: 120, decaySpeed: 1 }), 40)
})

t.test('a score lies between 0 and its base, and only falls', async (t) => {
  const models = [...observableTypes.keys()].map(decayModelOf)
  const days = fc.double({ min: -10, max: 5_000, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), days, days, fc.constantFrom(...models), (base, a, b, model) => {
      const [sooner, later] = [Math.min(a, b), Math.max(a, b)]
      const [high, low] = [polynomialScore(base, sooner, model), polynomialScore(base, later, model)]
      return high <= base && low >= 0 && low <= high
    }),
  )
  t.ok(models.length > 100)
})

t.test('the model of a type: its own lifetime, and the speed of its kind', async (t) => {
  t.strictSame(decayModelOf('ipv4-address'), { lifetimeDays: 90, decaySpeed: 2 })
  t.strictSame(decayModelOf('domain-name'), { lifetimeDays: 365, decaySpeed: 2 })
  t.strictSame(decayModelOf('sha256'), { lifetimeDays: 1_825, decaySpeed: 0.5 })
  t.strictSame(decayModelOf('iban'), { lifetimeDays: 365, decaySpeed: 1 })
  t.strictSame(decayModelOf('of a later version'), { lifetimeDays: 365, decaySpeed: 1 })
})

t.test('it falls from the last time it was seen, or from what the indicator says', async (t) => {
  const at = new Date('2026-06-01T00:00:00.000Z')
  const address = { type: 'ipv4-address', modified: '2026-05-02T00:00:00.000Z' }
  const score = (more: object, sighting?: string) => {
    const { score, baseScore, since, decayed } = decayOf({ ...address, ...more }, sighting, at)
    return [score, baseScore, since.slice(0, 10), decayed]
  }
  // 80 × (1 − √(30/90))
  t.strictSame(score({}), [33.81, 80, '2026-05-02', false])
  t.strictSame(score({ confidence: 70 }), [29.59, 70, '2026-05-02', true])
  t.strictSame(score({ confidence: 0 }), [0, 0, '2026-05-02', true])
  t.strictSame(
    score({ lastSeen: '2026-04-17T12:00:00.000Z' }),
    [23.75, 80, '2026-04-17', true],
    'lastSeen before modified',
  )
  t.strictSame(score({}, '2026-06-01T00:00:00.000Z'), [80, 80, '2026-06-01', false], 'seen now')
  t.strictSame(
    score({}, '2026-06-01T00:30:00.000Z'),
    [80, 80, '2026-06-01', false],
    'what lies ahead has not begun to fall',
  )
  t.strictSame(
    score({}, '2026-05-01T00:00:00.000Z'),
    [33.81, 80, '2026-05-02', false],
    'an earlier sighting makes nothing older',
  )
  t.strictSame(score({ validUntil: '2026-06-01T00:00:00.000Z' }, '2026-06-01T00:00:00.000Z'), [
    0,
    80,
    '2026-06-01',
    true,
  ])
  t.strictSame(score({ validUntil: '2026-06-01T00:00:00.001Z' }), [33.81, 80, '2026-05-02', false])
  t.equal(decayThreshold, 30)
})
