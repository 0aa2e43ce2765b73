import t from 'tap'
import { testNode } from '../node.ts'
import { handling } from './graphql.ts'

/** Requests that are odd: methods, paths, parameters, headers and bodies, and what every answer carries. */

t.test('methods and paths that are no doors', async (t) => {
  const node = await testNode(t)
  const ask = (method: string, url: string) => node.call('ana.cert-br', { method: method as 'GET', url })
  for (const method of ['DELETE', 'PUT', 'OPTIONS', 'TRACE', 'PATCH']) {
    const answer = await ask(method, '/v1/indicators')
    t.match(answer, { status: 405, body: { code: 'method_not_allowed' } }, method)
    t.equal(answer.headers.allow, 'GET, HEAD, POST')
  }
  t.equal((await ask('PUT', '/v1/indicators/indicator--0')).headers.allow, 'GET, HEAD, PATCH')
  t.match(await ask('DELETE', '/v1/nothing'), { status: 404, body: { code: 'not_found' } })
  t.match(await ask('DELETE', '/v1/indicators/'), { status: 404, body: { code: 'not_found' } })
  const whole = await ask('GET', '/v1/me')
  const bodiless = await ask('HEAD', '/v1/me')
  t.equal(bodiless.status, 200)
  t.equal(bodiless.text, '')
  t.equal(bodiless.headers['content-length'], whole.headers['content-length'])
  for (const page of ['/docs/static', '/docs', '/graphiql', '/v1/indicators']) {
    for (const climb of [
      '../../package.json',
      '..%2f..%2fpackage.json',
      '%2e%2e/%2e%2e/package.json',
      '..\\..\\package.json',
      '.%00./package.json',
      '/etc/passwd',
      '%2fetc%2fpasswd',
      '....//package.json',
    ]) {
      const { status, text } = await ask('GET', `${page}/${climb}`)
      t.ok([400, 403, 404].includes(status), `${page}/${climb}: ${status}`)
      t.notMatch(text, /"dependencies"|root:/)
    }
  }
})

t.test('query strings and headers that are repeated or odd', async (t) => {
  const node = await testNode(t)
  const ask = (url: string, headers = {}) => node.call('ana.cert-br', { method: 'GET', url, headers })
  const rows: readonly (readonly [url: string, status: number])[] = [
    ['/v1/indicators?limit=1&limit=2', 400],
    ['/v1/indicators?value=a&value=b', 400],
    ['/v1/indicators?cursor=a&cursor=b', 400],
    ['/v1/indicators?tlp=clear&tlp=red', 200],
    ['/v1/indicators?limit[]=1', 400],
    ['/v1/indicators?limit[$gt]=1', 400],
    ['/v1/indicators?__proto__=1', 400],
    ['/v1/indicators?__proto__[limit]=1', 400],
    ['/v1/indicators?constructor=1', 400],
    ['/v1/indicators?toString', 400],
    ['/v1/indicators?=', 400],
    ['/v1/indicators?&&&', 200],
    ['/v1/indicators?%', 400],
    ['/v1/indicators?limit=%31', 200],
    ['/v1/indicators?limit=1e1', 400],
    ['/v1/indicators?limit=', 400],
    ['/v1/indicators?limit=null', 400],
    ['/v1/indicators?limit=true', 400],
    [`/v1/indicators?${'tlp=clear&'.repeat(1_000)}`, 400],
    ['/v1/me?anything=1', 400],
    ['/v1/indicators/%E0%A4%A', 400],
    [`/v1/indicators/${'a'.repeat(600)}`, 400],
  ]
  for (const [url, status] of rows) {
    const answer = await ask(url)
    t.equal(answer.status, status, `${url.slice(0, 60)}: ${answer.text.slice(0, 160)}`)
    if (status >= 400) t.match(answer.headers['content-type'], 'application/problem+json', url.slice(0, 60))
  }
  t.equal(
    (await ask('/v1/me', { 'puente-purpose': ['defence', 'law-enforcement'] })).status,
    400,
    'two purposes are none',
  )
})

t.test('bodies are taken as they are: nothing is converted, dropped, filled in or chosen from two', async (t) => {
  const node = await testNode(t)
  const send = (payload: string) =>
    node.call('marta.lacnic', {
      method: 'POST',
      url: '/v1/organisations',
      headers: { 'content-type': 'application/json' },
      payload,
    })
  const good = { id: 'exact', name: 'Exact', kind: 'isp', jurisdiction: 'BR' }
  const invalid = { status: 400, body: { code: 'invalid_request' } }
  t.match(await send(JSON.stringify({ ...good, name: 5 })), invalid, 'a number for a text')
  t.match(await send(JSON.stringify({ ...good, name: null })), invalid, 'null for a text')
  t.match(await send(JSON.stringify({ ...good, colour: 'red' })), invalid, 'a member that is not known')
  t.match(await send(JSON.stringify([good])), invalid, 'a list of one')
  const twice = `{"jurisdiction": "CL", ${JSON.stringify(good).slice(1)}`
  t.match(await send(twice), { status: 400, body: { code: 'duplicate_key' } }, 'a member twice')
  t.equal((await send(JSON.stringify(good))).status, 201)
})

t.test('the page of the contract loads from here alone, over plain HTTP too', async (t) => {
  const { app } = await testNode(t)
  const page = await app.inject({ url: '/docs/' })
  t.equal(page.statusCode, 200)
  const policy = String(page.headers['content-security-policy'])
  t.match(policy, /^default-src 'self';/)
  t.notMatch(
    policy,
    /https?:|upgrade-insecure-requests|\*|unsafe|swagger\.io|script-src |style-src|connect-src|font-src/,
  )
  t.notMatch(
    page.body.replaceAll(/<script src="[^"]+"[^>]*> ?<\/script>/g, ''),
    /<script|<style|style=/,
    'nothing inline',
  )
  const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
  t.ok(files.length >= 5)
  for (const file of files) {
    const { statusCode, headers } = await app.inject({ url: new URL(file, 'http://node/docs/').pathname })
    t.match({ statusCode, headers }, { statusCode: 200, headers: { 'content-security-policy': policy } }, file)
  }
})

t.test('every answer, whatever it says, carries the headers that protect a browser, and its reader', async (t) => {
  const { app, as } = await testNode(t)
  const ana = as('ana.cert-br')
  const urls = ['/v1/indicators', '/v1/nowhere', '/v1/indicators?limit=x', '/healthz', '/openapi.json', '/v1/%zz']
  const asked = urls.map((url) => ({
    url,
    headers: ana,
  }))
  for (const each of [...asked, { url: '/v1/indicators', headers: { authorization: 'Bearer nobody' } }]) {
    const { headers } = await app.inject(each)
    t.match(
      headers,
      {
        'cache-control': 'private, no-store',
        vary: 'Authorization, Accept, Puente-Purpose',
        'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/,
        'x-content-type-options': 'nosniff',
        'strict-transport-security': /max-age=\d+/,
        'x-frame-options': 'SAMEORIGIN',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
      },
      each.url,
    )
  }
})

t.test('numbers are digits: what else could be read as one is refused', async (t) => {
  const node = await testNode(t)
  const texts = [
    '1e1',
    '0x10',
    '0b11',
    '%205',
    '5%20',
    '5%0A',
    '%2B5',
    '05',
    '5.0',
    '-1',
    '',
    'true',
    '%EF%BC%95',
    '9'.repeat(17),
  ]
  for (const text of texts) {
    for (const query of [`limit=${text}`, `min_confidence=${text}`, `asn=${text}`, `asn=1&asn=${text}`]) {
      const answer = await node.call('camila.csirt-cl', { url: `/v1/indicators?${query}` })
      const pointer = `/${query.split('=', 1)[0]}`
      t.match(answer, { status: 400, body: { code: 'invalid_request', position: { pointer } } }, query)
    }
    const body = { returnFormat: 'json', limit: decodeURIComponent(text) }
    const misp = { method: 'POST' as const, url: '/misp/attributes/restSearch', payload: JSON.stringify(body) }
    const headers = { accept: 'application/json', 'content-type': 'application/json' }
    if (text !== '') t.equal((await node.call('camila.csirt-cl', { ...misp, headers })).status, 400, `MISP, ${text}`)
  }
  const id = await node.plant(handling('cert-br', { tlp: 'green' }), { type: 'domain-name', value: 'a.example.com' })
  for (const match of ['"0x1"', '""', '"1e0"', ' ', '"01"'])
    t.match(
      await node.call('ana.cert-br', {
        method: 'PATCH',
        url: `/v1/indicators/${id}`,
        headers: { 'content-type': 'application/json', 'if-match': match },
        payload: '{"confidence":3}',
      }),
      { status: 400, body: { code: 'invalid_request' } },
      match,
    )
})
