import t from 'tap'
import { writeEnvelope } from '../../src/formats/envelope.ts'
import { ensurePeerState } from '../../src/store/peer-states.ts'
import { insertPeer } from '../../src/store/peers.ts'
import { keepQuarantined } from '../../src/store/quarantine.ts'
import { envelopeOf, nodeFrom } from '../federation/cast.ts'
import { testNode } from '../node.ts'
import { handling } from './graphql.ts'

/** What somebody inside would try with what came from other nodes. */

t.setTimeout(300_000)

t.test('who keeps the node in order reads nothing in quarantine that its organisation may not read', async (t) => {
  const node = await testNode(t)
  const { database, clock } = node.context
  const brazil = await nodeFrom('brazil')
  const at = clock()
  const row = { id: brazil.id, name: 'Brazil', url: 'https://brazil.example', direction: 'both', state: 'active' }
  await database.transaction(async (transaction) => {
    await insertPeer(transaction, { ...row, stateSince: at, itemsPerHour: 1, bytesPerHour: 1, enrolledAt: at })
  })
  await ensurePeerState(database, brazil.id)
  const hidden = handling('cert-br', { tlp: 'amber+strict', organisations: ['csirt-cl'] })
  const kept = [hidden, handling('cert-br', { tlp: 'green' })].map((each, n) => ({
    originator: 'cert-br',
    item: null,
    version: n + 1,
    code: 'version_jump',
    detail: 'x',
    entry: JSON.stringify({
      envelope: writeEnvelope(envelopeOf(brazil, 'cert-br', { handling: each })),
      index: 0,
      path: [],
      hops: [],
      jws: 'x',
    }),
    retryAt: null,
    retryVersion: true,
  }))
  await database.transaction((transaction) => keepQuarantined(transaction, brazil.id, kept, at))
  const list = await node.call('nico.lacnic', { method: 'GET', url: '/v1/quarantine' })
  t.equal(list.body.items.length, 2, list.text)
  const shown = async (account: string): Promise<boolean[]> => {
    const answers = await Promise.all(
      list.body.items.map(({ id }: { id: string }) =>
        node.call(account, { method: 'GET', url: `/v1/quarantine/${id}` }),
      ),
    )
    return answers.map(({ body }) => body.envelope !== undefined)
  }
  t.strictSame(await shown('nico.lacnic'), [false, true])
  t.strictSame(await shown('marta.lacnic'), [false, true])
})

t.test('where something comes from is no way to learn who stays anonymous', async (t) => {
  const node = await testNode(t)
  const open = { type: 'domain-name', value: 'named.example.com' }
  const named = await node.plant(handling('cert-br', { tlp: 'green' }), open)
  const hushed = { ...handling('cert-br', { tlp: 'green' }), attribution: 'anonymous' } as const
  const anonymous = await node.plant(hushed, { ...open, value: 'anonymous.example.com' })
  const asked = (account: string, id: string) =>
    node.call(account, { method: 'GET', url: `/v1/indicators/${id}/provenance` })
  t.equal((await asked('camila.csirt-cl', named)).status, 200)
  const answer = await asked('camila.csirt-cl', anonymous)
  const none = await asked('camila.csirt-cl', 'indicator--00000000-0000-4000-8000-000000000000')
  t.equal(answer.status, 404)
  t.equal(answer.text, none.text)
  t.equal((await asked('ana.cert-br', anonymous)).status, 200)
})
