import t from 'tap'
import { mayTravel } from '../../src/policy/travelling.ts'
import { agreement, green, readerAt } from '../federation/cast.ts'

t.test(
  'what may travel is decided once for the same readers, and anew for other readers, instants and worlds',
  async (t) => {
    const readers = [readerAt('csirt-cl', 'CL', { greenMember: true })]
    const jurisdictions = new Map([['cert-br', 'BR']])
    const world = { agreements: [{ ...agreement, validTo: '2026-07-01T00:00:00.000Z' }], jurisdictions }
    const [june, july] = [new Date('2026-06-01T12:00:00.000Z'), new Date('2026-07-01T12:00:00.000Z')]
    const handling = green('cert-br')
    const ask = () => mayTravel(readers, handling, june, world)
    t.equal(ask(), true)
    t.equal(ask(), true)
    t.equal(mayTravel(readers, { ...handling }, june, world), true, 'a copy is the same')
    t.equal(mayTravel(readers, { ...handling, notReleasableTo: ['CL'] }, june, world), false, 'another handling')
    t.equal(mayTravel(readers, handling, july, world), false, 'the agreement has ended')
    t.equal(ask(), true)
    t.equal(mayTravel(readers, handling, june, { ...world, agreements: [] }), false, 'another world')
    t.equal(ask(), true)
    t.equal(mayTravel([readerAt('cert-mx', 'MX')], handling, june, world), false, 'others')
  },
)
