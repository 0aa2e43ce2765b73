import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Attribute, type Event, everything, misp, push, refusedByPymisp, stixOf, uuids } from '../misp.ts'
import { testNode } from '../node.ts'

t.setTimeout(300_000)

const data = join(process.cwd(), '..', 'shared', 'data', 'misp-events')
t.test(
  'real events go in, come out, and go in again',
  { skip: existsSync(data) ? false : 'no ../shared/data here' },
  async (t) => {
    const [first, second] = [await testNode(t), await testNode(t)]
    const files = readdirSync(data).filter((name) => name.endsWith('.json'))
    let attributes = 0
    for (const name of files) {
      const document = JSON.parse(readFileSync(join(data, name), 'utf8'))
      const events: Event[] = (document.response ?? [document]).map(({ Event: each }: { Event: Event }) => each)
      const pushed = await push(first, 'ana.cert-br', document, '&tlp=clear')
      const refused = new Set(
        pushed.body.rejected.map(({ position }: { position: { pointer: string } }) =>
          position.pointer.replace(/\/(value|type)$/, ''),
        ),
      )
      for (const event of events) {
        const { body } = await misp(first, 'ana.cert-br').get(`events/view/${event.uuid}`)
        const out: Event & Record<string, unknown> = body.Event
        const plain = ({ Tag: all = [] }: { Tag?: readonly { readonly name: string }[] }) =>
          all.map(({ name: tag }) => tag).filter((tag) => !/^(tlp|pap|puente):/i.test(tag))
        const { info, date, threat_level_id, analysis } = event as Event & Record<string, unknown>
        t.match(out, { info, date, threat_level_id, analysis }, name)
        t.strictSame(plain(out).sort(), plain(event).sort(), `${name}: tags`)
        t.strictSame(
          out.Object.map(({ uuid, name: kind }) => [uuid, kind]).sort(),
          (event.Object ?? []).map(({ uuid, name: kind }) => [uuid, kind]).sort(),
          `${name}: objects`,
        )
        const expected = everything(event).length - refused.size
        t.equal(uuids(out).length, expected, `${name}: attributes`)
        attributes += expected
        const originals = new Map(everything(event).map((each) => [each.uuid, each]))
        for (const each of everything(out)) {
          const { type, category, to_ids, object_relation } = originals.get(each.uuid) ?? ({} as Attribute)
          t.match(each, { type, category, to_ids, object_relation: object_relation ?? null }, `${name}: ${each.uuid}`)
        }
        t.strictSame(refusedByPymisp(out), [], `${name}: as PyMISP reads it`)
        const again = await push(second, 'ana.cert-br', body)
        t.strictSame([again.status, again.body.rejected], [200, []], `${name}: again`)
        const twice = await misp(second, 'ana.cert-br').get(`events/view/${event.uuid}`)
        t.strictSame(twice.body, body, `${name}: the same event again`)
      }
    }
    t.ok(attributes > 2_000, `${attributes} attributes of ${files.length} files`)
    const [ofFirst, ofSecond] = [await stixOf(first), await stixOf(second)]
    t.ok(ofFirst.size > 1_000, `${ofFirst.size} STIX indicators`)
    t.strictSame(ofSecond, ofFirst, 'the same patterns and markings in STIX, under the same ids')
    const [a, b] = [
      await first.call('ana.cert-br', { method: 'GET', url: '/v1/statistics' }),
      await second.call('ana.cert-br', { method: 'GET', url: '/v1/statistics' }),
    ]
    t.strictSame(b.body, a.body, 'as many indicators of the same labels')
  },
)
