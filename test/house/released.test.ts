import { readFileSync } from 'node:fs'
import { buildSchema, findBreakingChanges } from 'graphql'
import t from 'tap'
import { parse } from 'yaml'
import { broken } from './broken.ts'

/**
 * What clients of the last release were promised still holds. `test/released/` has the contracts as that release had them, and is
 * written at a release and at no other time (CONTRIBUTING.md, "a release").
 */
const text = (file: string) => readFileSync(file, 'utf8')
const sdl = text('schema.graphql')
const openapi = text('openapi.yaml')

t.test('schema.graphql breaks nothing of the last release', async (t) => {
  const breaks = (earlier: string, later: string) => findBreakingChanges(buildSchema(earlier), buildSchema(later))
  t.strictSame(breaks(text('test/released/schema.graphql'), sdl), [])
  t.match(breaks(sdl, sdl.replace('  value: String!\n', '')), [{ type: 'FIELD_REMOVED' }], 'it would be found')
})

t.test('openapi.yaml breaks nothing of the last release', async (t) => {
  t.strictSame(broken(parse(text('test/released/openapi.yaml')), parse(openapi)), [])
})

t.test('what breaks a REST client is found', async (t) => {
  const schema = {
    type: 'object',
    required: ['a'],
    properties: { a: { type: 'string', enum: ['x', 'y'] }, b: { type: 'integer', maximum: 9 } },
  }
  const json = (schema: object) => ({ content: { 'application/json': { schema } } })
  const contract = (sent: object, read: object, more: object = {}) => ({
    paths: { '/a': { post: { requestBody: json(sent), responses: { '200': json(read) }, ...more } } },
    components: { schemas: { Thing: schema } },
  })
  const reference = { $ref: '#/components/schemas/Thing' }
  const base = contract(reference, reference)
  const body = 'POST /a body application/json'
  const answer = 'POST /a 200 application/json'
  const parameter = { in: 'query', name: 'q', schema: { type: 'string' } }
  const rows: readonly (readonly [later: object, found: readonly string[]])[] = [
    [base, []],
    [contract({ ...schema, properties: { ...schema.properties, c: {} } }, schema), []],
    [contract(schema, { ...schema, properties: { ...schema.properties, c: {} } }), []],
    [contract({ ...schema, required: [] }, { ...schema, required: ['a', 'b'] }), []],
    [contract({ ...schema, required: ['a', 'b'] }, schema), [`${body}.b: is required now`]],
    [contract(schema, { ...schema, required: [] }), [`${answer}.a: may be absent now`]],
    [contract(schema, { ...schema, properties: { a: schema.properties.a } }), [`${answer}.b: is gone`]],
    [
      contract(
        { ...schema, properties: { a: { type: 'string', enum: ['x'] }, b: { type: 'integer', maximum: 8 } } },
        schema,
      ),
      [`${body}.a: enum is narrower`, `${body}.b: maximum is tighter`],
    ],
    [
      contract(schema, { ...schema, properties: { ...schema.properties, b: { type: ['integer', 'null'] } } }),
      [`${answer}.b: type is wider`],
    ],
    [contract(schema, schema, { parameters: [parameter] }), []],
    [
      contract(schema, schema, { parameters: [{ ...parameter, required: true }] }),
      ['POST /a query q: is required now'],
    ],
    [contract(schema, schema, { responses: { '201': {} } }), ['POST /a 200: is gone']],
    [{ paths: { '/a': { get: {} } } }, ['POST /a: is gone']],
  ]
  for (const [later, found] of rows) t.strictSame(broken(base, later), found, found.join(', ') || 'nothing')
})
