import { createHash } from 'node:crypto'
import t from 'tap'
import { originatorShown, sourceOf } from '../../src/policy/release.ts'
import { handling } from '../api/graphql.ts'
import { loadWorld, readerOf } from './cases.ts'

const world = loadWorld()
const facts = {
  organisation: (id: string) => world.organisations.find((each) => each.id === id),
  digest: (text: string) => createHash('sha256').update(`key|${text}`).digest('hex').slice(0, 32),
}

/** What stands for the source, as an account sees it. */
const alias = (account: string, more: object, originator = 'cert-br'): string | undefined =>
  sourceOf(
    handling(originator, { tlp: 'amber', attribution: 'anonymous', ...more }),
    readerOf(world, account, []),
    facts,
  ).alias

t.test('a source has one alias in a community, and none in two', async (t) => {
  const national = { communities: ['lac-csirts'] }
  const [camila, sofia] = [alias('camila.csirt-cl', national), alias('sofia.csirt-ar', national)]
  t.match(camila, /^source-[0-9a-f]{12}$/)
  t.equal(camila, sofia, 'for all its members')
  t.equal(camila, alias('camila.csirt-cl', { ...national, tlp: 'green' }), 'whatever the label')
  t.equal(alias('rosa.red-andina', national), camila, 'a client has that of its provider')
  const circles = [
    camila,
    alias('camila.csirt-cl', { communities: ['banca-segura'] }),
    alias('camila.csirt-cl', { tlp: 'green' }),
    alias('camila.csirt-cl', { organisations: ['csirt-cl'] }),
    alias('sofia.csirt-ar', { organisations: ['csirt-ar', 'csirt-cl'] }),
  ]
  t.equal(new Set(circles).size, circles.length, 'one for each circle')
  t.not(alias('rosa.red-andina', { communities: ['banca-segura'] }), camila, 'nor can a client join them')
  t.equal(alias('sofia.csirt-ar', { tlp: 'green' }), alias('rosa.red-andina', { tlp: 'clear' }), 'one for everybody')
  t.not(alias('camila.csirt-cl', national, 'csirt-ar'), camila, 'and for each source')
})

t.test('the source sees its own name', async (t) => {
  const own = handling('cert-br', { tlp: 'green', attribution: 'anonymous' })
  t.equal(originatorShown(readerOf(world, 'bruno.cert-br', []), own), true)
  t.match(sourceOf(own, readerOf(world, 'bruno.cert-br', []), facts), { originator: { id: 'cert-br' } })
})
