import t from 'tap'
import { tendPeers } from '../../src/actions/index.ts'
import { adminOf, federation, json, publish, sees, tablesWith } from './nodes.ts'

/** A node keeps nothing that none of its organisations may have, also when it is its own directory that changes. */

t.setTimeout(600_000)

const fed = await federation(t, {
  lacnic: ['lacnic', 'colcert', 'cert-mx', 'csirt-ar', 'observa-us'],
  'cert-br': ['cert-br', 'rede-sul'],
})
const [br, uy] = [fed.node('cert-br'), fed.node('lacnic')]
const sql = (text: string) => uy.context.database.client.query(text)

t.test('what nobody here may have any more is let go of, and comes again when somebody may', async (t) => {
  for (const node of [br, uy])
    await node.context.database.client.query(
      `insert into community (id, name) values ('finance', 'Finance');
       insert into community_member (community, organisation) values ('finance', 'cert-br'), ('finance', 'csirt-ar')`,
    )
  const id = await publish(br, 'ana.cert-br', '3fff::1', 'tlp=amber&audience=community:finance')
  await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  await fed.settle()
  t.equal((await sees(uy, 'martin.csirt-ar', '3fff::1')).id, id)
  const begin = await uy.call('martin.csirt-ar', { url: '/v1/feed?from=now' })

  await sql("delete from community_member where organisation = 'csirt-ar'")
  await tendPeers(uy.context)
  t.strictSame(await tablesWith(uy, '3fff::1'), [], 'its content is in no table')
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::2'), 'and the rest is left alone')
  const told = await uy.call('martin.csirt-ar', { url: `/v1/feed?cursor=${begin.body.cursor}` })
  t.match(told.body.items, [{ change: 'withdrawn', id }], 'its readers are told')
  await fed.settle()
  t.strictSame(await tablesWith(uy, '3fff::1'), [], 'and it does not come back')

  await sql("insert into community_member (community, organisation) values ('finance', 'csirt-ar')")
  fed.at('2026-06-01T00:20:00Z')
  await fed.settle()
  t.match(await sees(uy, 'martin.csirt-ar', '3fff::1'), { id, version: 1 })
})

t.test('what ends by the clock is let go of too', async (t) => {
  await publish(br, 'ana.cert-br', '3fff::3', 'tlp=green&expiresAt=2026-06-01T01:00:00Z')
  await fed.settle()
  t.ok(await sees(uy, 'lucia.lacnic', '3fff::3'))
  fed.at('2026-06-01T01:01:00Z')
  await tendPeers(uy.context)
  t.strictSame(await tablesWith(uy, '3fff::3'), [])
})

t.test('of what waits in quarantine the bytes go, and the name stays', async (t) => {
  fed.at('2026-06-01T02:00:00Z')
  br.at('2026-06-01T02:10:00Z')
  const id = await publish(br, 'ana.cert-br', '3fff::4', 'tlp=amber&audience=csirt-ar')
  await fed.pull('lacnic', 'cert-br')
  const waiting = async () => (await uy.call(adminOf(uy), { url: '/v1/quarantine?code=issued_in_future' })).body.items
  t.match(await waiting(), [{ item: id, releasable: true }])
  t.ok((await tablesWith(uy, '3fff::4')).length > 0)
  const disabled = await uy.call(adminOf(uy), {
    ...{ method: 'PATCH', url: '/v1/organisations/csirt-ar', headers: json },
    payload: JSON.stringify({ disabled: true }),
  })
  t.equal(disabled.status, 200, disabled.text)
  await tendPeers(uy.context)
  t.strictSame(await tablesWith(uy, '3fff::4'), [])
  t.match(await waiting(), [{ item: id, releasable: false }])
})
