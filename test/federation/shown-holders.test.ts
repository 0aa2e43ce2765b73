import t from 'tap'
import { sealNotices, tendWidening } from '../../src/actions/index.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { mayReportOn } from '../../src/policy/reports.ts'
import { agreement, green, now, readerAt } from './cast.ts'
import { federation, post, publish, sees, tablesWith } from './nodes.ts'

/** Who has something by a relay alone hears of its recall from the originating node too, where it showed that it has it. */

t.setTimeout(600_000)

const fed = await federation(t)
const [br, cl] = [fed.node('cert-br'), fed.node('csirt-cl')]
const recall = (id: string) => post(br, 'ana.cert-br', `/v1/indicators/${id}/recall`, { reason: 'mistaken' })
const holdingsOf = async (id: string) =>
  (
    await br.context.database.client.query(
      'select version, bare, shown from peer_holding where stix_id = $1 and peer = $2',
      [id.slice('indicator--'.length), cl.context.node.id],
    )
  ).rows
/** Santiago and Brasília do not reach each other: what one has of the other came by Montevideo. */
const apart = () => {
  fed.cut('csirt-cl', 'cert-br')
  fed.cut('cert-br', 'csirt-cl')
}
/** Montevideo keeps to itself what it hears, and the other two reach each other. */
const relayGone = () => {
  fed.heal()
  for (const name of ['csirt-cl', 'cert-br']) {
    fed.cut(name, 'lacnic')
    fed.cut('lacnic', name)
  }
}

t.test('who reported a sighting is told of the recall, and who did not is told nothing', async (t) => {
  apart()
  const shown = await publish(br, 'ana.cert-br', '3fff::1', 'tlp=green')
  const silent = await publish(br, 'ana.cert-br', '3fff::2', 'tlp=green')
  const narrowed = await publish(br, 'ana.cert-br', '3fff::3', 'tlp=green')
  await fed.settle()
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::1'))
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::2'))
  t.strictSame(await holdingsOf(shown), [], 'nothing tells Brasília of it')
  for (const id of [shown, narrowed])
    t.equal((await post(cl, 'diego.csirt-cl', `/v1/indicators/${id}/sightings`, {})).status, 201)
  await sealNotices(cl.context)
  await fed.settle()
  t.strictSame(await holdingsOf(shown), [{ version: 0, bare: false, shown: true }])
  t.strictSame(await holdingsOf(silent), [])

  relayGone()
  await recall(shown)
  await recall(silent)
  const narrower = await br.call('ana.cert-br', {
    ...{ method: 'PATCH', url: `/v1/indicators/${narrowed}` },
    payload: JSON.stringify({ tlp: 'amber', audience: ['lacnic'] }),
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  t.equal(narrower.status, 200)
  const outstanding = async () => (await br.call('ana.cert-br', { url: '/v1/outstanding-recalls' })).body.items
  await fed.settle()
  t.strictSame(await tablesWith(cl, '3fff::1'), [], 'its content is let go of')
  t.strictSame(await tablesWith(cl, '3fff::3'), [], 'so is what it may not have any more')
  t.match(await holdingsOf(shown), [{ version: 2, bare: true }])
  t.equal(await fed.settle(), 0, 'and is told once')
  const nodes = (await outstanding()).flatMap(({ nodes }: { nodes: { node: { name: string } }[] }) => nodes)
  t.notOk(
    nodes.some(({ node }: { node: { name: string } }) => node.name === 'csirt-cl'),
    'and has confirmed it',
  )

  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::2'), 'of what it never showed it hears by the relay alone')
  const { rows } = await cl.context.database.client.query(
    "select 1 from envelope where stix_id = $1 and recalled union all select 1 from quarantine where item = 'indicator--' || $1",
    [silent.slice('indicator--'.length)],
  )
  t.strictSame(rows, [], 'no byte of its recall came')
  t.strictSame(await holdingsOf(silent), [])
  fed.heal()
  await fed.settle()
  t.strictSame(await tablesWith(cl, '3fff::2'), [])
})

t.test('likewise who asked to widen it', async (t) => {
  apart()
  const id = await publish(br, 'ana.cert-br', '3fff::11', 'tlp=amber&audience=csirt-cl&audience=lacnic')
  await fed.settle()
  t.ok(await sees(cl, 'diego.csirt-cl', '3fff::11'))
  fed.heal()
  const asked = await post(cl, 'diego.csirt-cl', `/v1/indicators/${id}/widening-requests`, {
    wanted: { tlp: 'green' },
    reason: 'It hit our members.',
  })
  t.equal(asked.status, 201, asked.text)
  await tendWidening(cl.context)
  t.strictSame(await holdingsOf(id), [{ version: 0, bare: false, shown: true }])
  relayGone()
  await recall(id)
  await fed.settle()
  t.strictSame(await tablesWith(cl, '3fff::11'), [])
  fed.heal()
  await fed.settle()
})

t.test('who may not have it shows nothing by naming it', async (t) => {
  apart()
  const id = await publish(br, 'ana.cert-br', '3fff::21', 'tlp=amber&audience=lacnic')
  await fed.settle()
  t.notOk(await sees(cl, 'diego.csirt-cl', '3fff::21'))
  fed.heal()
  // Santiago has heard of the id by another way, and pretends.
  const { client } = cl.context.database
  await client.query(
    `insert into widening_request (id, asker, account, originator, stix_id, version, source_shown, wanted, reason, state, asked_at, sent_to,
       send_number, send_after)
     values (gen_random_uuid(), 'csirt-cl', 'diego.csirt-cl', 'cert-br', $1, 1, true, '{"tlp":"green"}', 'r', 'open', now(), $2, 1, now() - interval '1 year')`,
    [id.slice('indicator--'.length), br.context.node.id],
  )
  await tendWidening(cl.context)
  const { rows } = await client.query('select state, failure from widening_request where stix_id = $1', [
    id.slice('indicator--'.length),
  ])
  t.match(rows, [{ state: 'failed', failure: 'unknown' }], 'it was told that there is no such thing')
  t.strictSame(await holdingsOf(id), [])
  await recall(id)
  await fed.settle()
  const { rows: told } = await client.query('select 1 from envelope where stix_id = $1', [
    id.slice('indicator--'.length),
  ])
  t.strictSame(told, [], 'and hears of no recall')
})

t.test('nor may anybody elsewhere speak of what is anonymous, which never left', (t) => {
  const reader = readerAt('csirt-cl', 'CL')
  const world = { agreements: [agreement], jurisdictions: new Map([['cert-br', 'BR']]) }
  const may = (handling: Handling, reporter = 'csirt-cl') =>
    mayReportOn(reporter, reader, { originator: 'cert-br', handling }, now, world)
  t.equal(may(green('cert-br')), true)
  t.equal(may(green('cert-br', { attribution: 'anonymous' })), false)
  t.equal(may(green('cert-br', { attribution: 'anonymous' }), 'cert-br'), true, 'but who it is from')
  t.end()
})
