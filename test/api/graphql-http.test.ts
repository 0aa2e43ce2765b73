import { serverAudits } from 'graphql-http'
import t from 'tap'
import { testNode } from '../node.ts'

/** GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/), as its reference implementation audits it. */

/** 4xx says to proxies, logs and limits what happened, in both media types. */
const asRefused = 'a request that is refused has the status of its refusal; 200 is for what ran (docs/divergences.md)'

/** The audits that are not passed, by their id. The list is exact: what passes again leaves it. */
const accepted: Readonly<Record<string, string>> = {
  '572B': asRefused, // SHOULD use 200 on document parsing failure when accepting application/json
  FDE2: asRefused, // SHOULD use 200 on document validation failure when accepting application/json
  '7B9B': asRefused, // SHOULD use 200 on variable coercion failure when accepting application/json
}

const shared = testNode(t)

t.test('the audits of graphql-http, against a node that listens', async (t) => {
  const { app } = await shared
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const audits = serverAudits({ url: `${address}/graphql` })
  t.ok(audits.length >= 60, `${audits.length} audits`)
  const failed: string[] = []
  for (const audit of audits) {
    const result = await audit.fn()
    if (result.status === 'ok') continue
    failed.push(audit.id)
    t.ok(audit.id in accepted, `${audit.id} ${audit.name}: ${result.reason}`)
    t.not(result.status, 'error', `${audit.id} is no requirement`)
  }
  t.strictSame(failed.sort(), Object.keys(accepted).sort(), 'the accepted deviations, and no others')
})

t.test('Accept is weighed, in answers and refusals alike', async (t) => {
  const { app } = await shared
  const json = 'application/json; charset=utf-8'
  const response = 'application/graphql-response+json; charset=utf-8'
  const rows: readonly (readonly [accept: string | undefined, type: string | undefined])[] = [
    [undefined, json],
    ['*/*', json],
    ['application/*', json],
    ['', json],
    ['application/graphql-response+json', response],
    ['APPLICATION/GraphQL-Response+JSON', response],
    ['application/graphql-response+json; charset=utf-8, application/json; charset=utf-8', response],
    ['application/json, application/graphql-response+json', json],
    ['application/json;q=0.5, application/graphql-response+json;q=0.9', response],
    ['application/graphql-response+json;q=0.1, application/json', json],
    ['application/graphql-response+json;q=0, */*', json],
    ['application/json;q=0, */*', response],
    ['*/*, application/graphql-response+json', response],
    ['text/html, */*;q=0.1', json],
    ['application/json;q=0', undefined],
    ['application/json;q=nonsense', undefined],
    ['text/html', undefined],
    [',;=,', undefined],
  ]
  for (const [accept, type] of rows) {
    const told = `Accept: ${accept}`
    const ask = (query: string) =>
      app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { 'content-type': 'application/json', ...(accept === undefined ? {} : { accept }) },
        payload: { query },
      })
    const answered = await ask('{ __typename }')
    t.equal(answered.statusCode, type === undefined ? 406 : 200, told)
    t.equal(answered.headers['content-type'], type ?? json, told)
    if (type === undefined) t.match(answered.json(), { errors: [{ extensions: { code: 'not_acceptable' } }] })
    const refused = await ask('{ nothing }')
    t.equal(refused.statusCode, type === undefined ? 406 : 400, told)
    t.equal(refused.headers['content-type'], type ?? json, told)
  }
  const accept = 'application/graphql-response+json'
  const unknown = await app.inject({ url: '/graphql', headers: { accept, authorization: 'Bearer nonsense' } })
  t.equal(unknown.statusCode, 401)
  t.equal(unknown.headers['content-type'], response, 'what is refused before it is read, too')
})

t.test('extensions are an object, though none is known', async (t) => {
  const { app } = await shared
  const get = (extensions: string) =>
    app.inject({ url: `/graphql?${new URLSearchParams({ query: '{ __typename }', extensions })}` })
  t.equal((await get('{"a": 1}')).statusCode, 200)
  t.equal((await get('')).statusCode, 200, 'absent')
  for (const extensions of ['[]', '1', '"a"']) {
    const refused = await get(extensions)
    t.equal(refused.statusCode, 400, extensions)
    t.match(refused.json(), { errors: [{ extensions: { position: { pointer: '/extensions' } } }] })
  }
})
