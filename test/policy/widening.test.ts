import fc from 'fast-check'
import t from 'tap'
import { canonicalHandling, type Handling, handlingText } from '../../src/domain/handling.ts'
import { strictness, tlps } from '../../src/domain/tlp.ts'
import type { Wanted } from '../../src/domain/widening.ts'
import { decide } from '../../src/policy/decide.ts'
import { widenedBy, widens } from '../../src/policy/widening.ts'
import { handling } from '../api/graphql.ts'
import { readerOf, worldOf } from './cases.ts'
import { asked, questions } from './worlds.ts'

/** What is wider: nobody who had it goes without. */

const inputOf = ({ organisations, communities, originator: _, maskable: __, unknown: ___, ...rest }: Handling) => ({
  ...rest,
  audience: [...organisations, ...communities.map((id) => `community:${id}`)],
})

/** As an originator's node resolves what is said. */
const resolved = (before: Handling, wanted: Wanted): Handling => {
  const { audience = [], ...said } = widenedBy(inputOf(before), wanted)
  const communities = audience.flatMap((item) => (item.startsWith('community:') ? [item.slice(10)] : []))
  const organisations = audience.filter((item) => !item.startsWith('community:'))
  const { originator, maskable } = before
  return canonicalHandling({ ...before, ...said, organisations, communities, originator, maskable } as Handling)
}

const wishes: fc.Arbitrary<Wanted> = fc.record(
  {
    tlp: fc.constantFrom(...tlps.filter((each) => each !== 'red')),
    audience: fc.subarray(['north', 'south', 'community:banks', 'community:node'], { minLength: 1 }),
    releasableTo: fc.subarray(['AR', 'BR', 'CL'], { minLength: 1 }),
    lawEnforcement: fc.constantFrom('allowed' as const, 'on-request' as const),
  },
  { requiredKeys: [] },
)

t.test('what widens takes nothing from anybody, in random worlds', async (t) => {
  let [wider, opened] = [0, 0]
  fc.assert(
    fc.property(questions, wishes, ({ world, reader, grants, handling: before, purpose }, wanted) => {
      fc.pre(before.tlp !== 'red' && strictness(wanted.tlp ?? 'clear') <= strictness(before.tlp))
      const after = resolved(before, wanted)
      fc.pre(widens(before, after))
      wider++
      const who = readerOf(world, reader, grants)
      const told = (of: Handling) => decide(who, of, purpose, asked, worldOf(world)).effect
      const [was, is] = [told(before), told(after)]
      if (was !== 'permit' && is === 'permit') opened++
      // GREEN reaches law enforcement by the node's community alone, an audience may name it.
      const police = who.organisation?.kind === 'law-enforcement' && before.tlp !== after.tlp && after.tlp === 'green'
      return was !== 'permit' || is === 'permit' || police
    }),
    { numRuns: 4_000 },
  )
  t.ok(wider > 200, `${wider} were wider`)
  t.ok(opened > 20, `and ${opened} let somebody have it`)
})

t.test('what is no wider is none', async (t) => {
  const amber = handling('cert-br', { tlp: 'amber', organisations: ['csirt-cl'] })
  t.notOk(widens(amber, amber))
  t.notOk(widens(amber, { ...amber, pap: 'green', expiresAt: '2027-01-01T00:00:00.000Z' }))
  t.notOk(widens(amber, { ...amber, organisations: ['colcert'] }), 'one instead of the other')
  t.notOk(widens(amber, { ...amber, tlp: 'green', lawEnforcement: 'never' }), 'one way wider, another narrower')
  t.notOk(widens(amber, { ...amber, tlp: 'red', people: ['x'] }))
  t.ok(widens(amber, { ...amber, organisations: ['colcert', 'csirt-cl'] }))
  t.ok(widens({ ...amber, tlp: 'red', people: ['x'], organisations: [] }, amber), 'RED that is opened')
  const limited = { ...amber, releasableTo: ['BR'], notReleasableTo: ['CL', 'AR'] }
  t.match(resolved(limited, { releasableTo: ['CL'] }), { releasableTo: ['BR', 'CL'], notReleasableTo: ['AR'] })
  t.equal(handlingText(resolved(amber, {})), handlingText(amber), 'nothing asked for changes nothing')
  t.equal(resolved({ ...amber, lawEnforcement: 'allowed' }, { lawEnforcement: 'on-request' }).lawEnforcement, 'allowed')
})
