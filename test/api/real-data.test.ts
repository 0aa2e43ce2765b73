import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import t from 'tap'
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
      for (const file of filesIn(folder)) count(again, await push(node, file, format), file)
      t.equal(again.accepted, 0, 'a second push changes nothing')
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
})

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
