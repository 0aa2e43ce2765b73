import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fastify from 'fastify'
import t from 'tap'
import { parse } from 'yaml'
import { registerMisp } from '../../src/api/misp/index.ts'
import { readContract } from '../../src/api/rest/contract.ts'
import { registerRest } from '../../src/api/rest/index.ts'
import { requireActions } from '../../src/api/route-law.ts'
import { registerTaxii } from '../../src/api/taxii/index.ts'
import { actionNames } from '../../src/domain/action-names.ts'
import { faultCodes } from '../../src/domain/errors.ts'
import { testNode } from '../node.ts'

interface Written {
  readonly paths: Record<string, Record<string, { readonly operationId?: string }>>
}

const verbs = new Set(['get', 'post', 'put', 'patch', 'delete'])
const contract = parse(readFileSync('openapi.yaml', 'utf8')) as Written
const promised = Object.entries(contract.paths)
  .flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => verbs.has(key))
      .map((key) => `${key.toUpperCase()} ${path}`),
  )
  .sort()

/** Routes that are no part of the REST contract: GraphQL has its own, pages are for people. */
const elsewhere = /^\/(graphql|graphiql|docs|altair)(\/|\*|$)/

t.test('every route is in openapi.yaml, and everything in openapi.yaml is a route', async (t) => {
  const routes: string[] = []
  const { context } = await testNode(t, { seed: false })
  const app = fastify()
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  const contract = readContract('openapi.yaml')
  await app.register((scope) => registerRest(scope, context, contract))
  const ofMisp = contract.operations.filter(({ door }) => door === 'misp')
  await app.register((scope) => registerMisp(scope, context, ofMisp))
  const ofTaxii = contract.operations.filter(({ door }) => door === 'taxii')
  await app.register((scope) => registerTaxii(scope, context, ofTaxii, () => []))
  await app.ready()
  t.strictSame(routes.sort(), promised)
  await app.close()
})

t.test('the whole application has no other doors than REST, MISP, TAXII, GraphQL and their pages', async (t) => {
  const { app } = await testNode(t, { seed: false })
  const served = urlsOf(app.printRoutes({ commonPrefix: false, includeMeta: false }))
  t.ok(served.length > 20, `${served.length} routes`)
  const paths = new Set(Object.keys(contract.paths))
  const strangers = served.filter((url) => !paths.has(url.replace(/:(\w+)/g, '{$1}')) && !elsewhere.test(url))
  t.strictSame(strangers, [])
})

t.test('the schemas of every operation are schemas: a node compiles them only when it is asked', async (t) => {
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv, ['date-time', 'uuid'])
  const { operations } = readContract('openapi.yaml')
  const schemas = operations.flatMap(({ schema }) => [schema.body, schema.querystring, schema.params])
  let compiled = 0
  for (const schema of schemas) {
    if (schema === undefined) continue
    t.type(ajv.compile(schema as object), 'function')
    compiled++
  }
  t.ok(compiled > 300, `${compiled} schemas`)
})

t.test('what the build read of openapi.yaml is what it says, and is not believed of another text', async (t) => {
  t.strictSame(readContract('openapi.yaml').document, contract)
  const built = JSON.parse(readFileSync('dist/openapi.json', 'utf8')) as object
  const folder = t.testdir({ 'openapi.yaml': `${readFileSync('openapi.yaml', 'utf8')}\nx-later: true\n` })
  mkdirSync(path.join(folder, 'dist'))
  writeFileSync(path.join(folder, 'dist', 'openapi.json'), JSON.stringify(built))
  t.equal(readContract(path.join(folder, 'openapi.yaml')).document['x-later'], true)
})

/** The URLs in fastify's drawing of its routes: a tree whose branches lengthen the path. */
function urlsOf(drawing: string): string[] {
  const path: string[] = []
  const urls: string[] = []
  for (const line of drawing.split('\n')) {
    const branch = /^([│ ]*)[├└]── (\S*)( \()?/.exec(line)
    if (branch === null) continue
    const depth = (branch[1] ?? '').length / 4
    path.splice(depth, path.length, branch[2] ?? '')
    if (branch[3] !== undefined) urls.push(path.join(''))
  }
  return urls
}

t.test('every error code is in docs/errors.md, and every code there exists', async (t) => {
  const rows = readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([a-z_]+)` \| (\d{3}) \|/gm)
  const written = new Map([...rows].map((row) => [row[1] ?? '', Number(row[2])]))
  t.strictSame([...written.keys()].sort(), Object.keys(faultCodes).sort())
  const { Fault } = await import('../../src/domain/errors.ts')
  for (const [code, status] of written) {
    t.equal(new Fault(code as keyof typeof faultCodes, '').status, status, `${code} is answered with ${status}`)
  }
})

t.test('a route without an action does not boot', async (t) => {
  const app = fastify()
  requireActions(app)
  app.get('/v1/secrets', async () => 'all of them')
  await t.rejects(async () => void (await app.ready()), /GET \/v1\/secrets names no action/)
})

t.test('a route with an action that does not exist does not boot', async (t) => {
  const app = fastify()
  requireActions(app)
  app.get('/v1/secrets', { config: { action: 'leak' as never } }, async () => 'all of them')
  await t.rejects(async () => void (await app.ready()), /names no action/)
})

t.test('a hidden scope is asked too', async (t) => {
  const app = fastify()
  requireActions(app)
  await app.register(async (scope) => {
    scope.get('/deep/inside', async () => 'hidden')
  })
  await t.rejects(async () => void (await app.ready()), /\/deep\/inside names no action/)
})

t.test('each operation names an action that exists, and each action with a door has one', async (t) => {
  const { operations } = readContract('openapi.yaml')
  const used = new Set(operations.map(({ action }) => action))
  const without = actionNames.filter((name) => !used.has(name))
  // Authentication happens before every door; set-up happens at the machine.
  t.strictSame(without, ['authenticate', 'set-up'])
})
