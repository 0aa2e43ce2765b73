import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import t from 'tap'
import { isIdentifier, namesObjects, referencesIn } from '../../src/domain/stix-object.ts'
import { revokedObject } from '../../src/formats/stix-other-out.ts'
import { type Answer, type TestNode, testNode } from '../node.ts'

/** Real events and bundles, beside the project where there are any. */
const data = join(process.cwd(), '..', 'shared', 'data')

t.setTimeout(300_000)

const filesIn = (folder: string): string[] =>
  readdirSync(join(data, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(data, folder, name))
    .sort()

/** Files of the folder that are no bundles, or break STIX on purpose: every fault in them must be named. */
const push = (node: TestNode, file: string, format: string): Promise<Answer> =>
  node.call('ana.cert-br', {
    method: 'POST',
    url: `/v1/indicators?tlp=clear&format=${format}`,
    headers: { 'content-type': 'application/json' },
    payload: readFileSync(file),
  })

interface Totals {
  accepted: number
  unchanged: number
  rejected: Map<string, number>
}

/** A push is taken, or everything it does not take has a position, a code and a sentence. */
function count(totals: Totals, { status, body }: Answer, file: string): string[] {
  if (![200, 207, 422].includes(status)) return [`${file}: ${status}`]
  totals.accepted += body.accepted
  totals.unchanged += body.unchanged
  const faults: { position: object; code: string; message: string }[] = body.rejected
  for (const { code } of faults) totals.rejected.set(code, (totals.rejected.get(code) ?? 0) + 1)
  return faults
    .filter(({ position, code, message }) => Object.keys(position).length === 0 || code === '' || message.length < 10)
    .map((fault) => `${file}: ${JSON.stringify(fault)}`)
}

t.test('real events and bundles', { skip: existsSync(data) ? false : 'no ../shared/data here' }, async (t) => {
  const node = await testNode(t)
  for (const [folder, format] of [
    ['misp-events', 'misp'],
    ['stix21', 'stix'],
  ] as const) {
    t.test(`${folder} go in, and what is refused is named`, async (t) => {
      const totals: Totals = { accepted: 0, unchanged: 0, rejected: new Map() }
      const unnamed: string[] = []
      for (const file of filesIn(folder))
        unnamed.push(...count(totals, await push(node, file, format), relative(data, file)))
      t.strictSame(unnamed, [])
      t.ok(totals.accepted > 500, `${totals.accepted} accepted, ${totals.unchanged} unchanged`)
      t.comment(`refused: ${JSON.stringify(Object.fromEntries(totals.rejected))}`)
      const again: Totals = { accepted: 0, unchanged: 0, rejected: new Map() }
      // What referred to something of a later file comes in with the second push.
      for (const file of filesIn(folder)) count(again, await push(node, file, format), file)
      t.ok(again.accepted <= 1, `${again.accepted} accepted by a second push`)
      again.accepted = 0
      for (const file of again.rejected.has('reference_unknown') ? filesIn(folder) : []) {
        count(again, await push(node, file, format), file)
      }
      t.equal(again.accepted, 0, 'another push changes nothing')
    })
  }

  t.test('what went in comes out valid against the STIX 2.1 schemas', async (t) => {
    const validate = validators()
    let url: string | undefined = '/v1/indicators?format=stix&limit=1000'
    let objects = 0
    const invalid: string[] = []
    while (url !== undefined) {
      const answer: Answer = await node.call('ana.cert-br', { method: 'GET', url })
      t.equal(answer.headers['content-type'], 'application/stix+json;version=2.1')
      const bundle = JSON.parse(answer.text)
      for (const object of bundle.objects) {
        objects++
        const fault = validate(object)
        if (fault !== undefined) invalid.push(`${object.id}: ${fault}`)
      }
      url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
    }
    t.ok(objects > 2_000, `${objects} objects`)
    t.strictSame(invalid.slice(0, 10), [])
  })

  t.test(
    'objects that are no indicators come out valid, with equal meaning, and without a reference that leads nowhere',
    async (t) => {
      const validate = validators()
      const found = new Map<string, StixMembers>()
      const faults: string[] = []
      for (let url: string | undefined = '/v1/objects?format=stix&limit=1000'; url !== undefined; ) {
        const answer: Answer = await node.call('ana.cert-br', { method: 'GET', url })
        for (const object of JSON.parse(answer.text).objects) {
          found.set(object.id, object)
          const fault = validate(object)
          if (fault !== undefined) faults.push(`${object.id}: ${fault}`)
        }
        url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
      }
      t.strictSame(faults.slice(0, 10), [], 'the OASIS schemas have nothing to say')
      t.ok(found.size > 3_000, `${found.size} objects`)
      for (const [type, object] of new Map([...found.values()].map((each) => [String(each.type), each]))) {
        const revoked = JSON.parse(revokedObject(JSON.stringify(object), type, '2030-01-01T00:00:00.000Z'))
        t.equal(validate(revoked), undefined, `${type}, taken back`)
      }
      const indicators = new Set<string>()
      for (let url: string | undefined = '/v1/indicators?format=stix&limit=1000'; url !== undefined; ) {
        const answer: Answer = await node.call('ana.cert-br', { method: 'GET', url })
        for (const { id } of JSON.parse(answer.text).objects) indicators.add(id)
        url = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
      }
      const dangling = [...found.values()]
        .flatMap((object) => referencesIn(object))
        .filter((id) => !found.has(id) && !indicators.has(id))
      t.strictSame(dangling, [])
      const changed: string[] = []
      let compared = 0
      for (const file of filesIn('stix21')) {
        for (const sent of JSON.parse(readFileSync(file, 'utf8')).objects ?? []) {
          const got = found.get(sent.id)
          if (
            got === undefined ||
            got.modified !== (sent.modified ?? got.modified) ||
            sent.type === 'marking-definition'
          )
            continue
          compared++
          if (!isDeepStrictEqual(meaningOf(got), meaningOf(sent, found, indicators))) changed.push(sent.id)
        }
      }
      t.ok(compared > 3_000, `${compared} compared`)
      // The same id stands in several files with other content under one time: the first one counts.
      t.ok(changed.length < 30, `${changed.length} differ: ${changed.slice(0, 5).join(' ')}`)
    },
  )
})

type StixMembers = Record<string, unknown> & { readonly id: string }

/** An object without its markings, empty lists and, where it is what was sent, references to what is not here. */
function meaningOf(
  object: StixMembers,
  found?: ReadonlyMap<string, unknown>,
  indicators?: ReadonlySet<string>,
): object {
  const { object_marking_refs: _, granular_markings: __, ...rest } = object
  const gone = (id: unknown) =>
    isIdentifier(id) && found !== undefined && !found.has(id) && indicators?.has(id) !== true
  return Object.fromEntries(
    Object.entries(rest).flatMap(([name, value]) => {
      if (!namesObjects(name)) return Array.isArray(value) && value.length === 0 ? [] : [[name, value]]
      const left = Array.isArray(value) ? value.filter((id) => !gone(id)) : value
      return gone(left) || (Array.isArray(left) && left.length === 0) ? [] : [[name, left]]
    }),
  )
}

/** The OASIS schemas, for tests only: their patterns are not for the request path. */
function validators(): (object: { type: string }) => string | undefined {
  const ajv = new Ajv2020({ strict: false, validateFormats: true, unicodeRegExp: false })
  formats.default(ajv)
  const folder = join(data, 'stix21-schemas', 'schemas')
  const byType = new Map<string, string>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('.json'),
  )) {
    const schema = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    ajv.addSchema(schema)
    byType.set(name.replace(/^.*\//, '').replace('.json', ''), schema.$id)
  }
  return (object) => {
    const validate = ajv.getSchema(byType.get(object.type) ?? '')
    if (validate === undefined) return `no schema for ${object.type}`
    return validate(object) === true ? undefined : ajv.errorsText(validate.errors)
  }
}
