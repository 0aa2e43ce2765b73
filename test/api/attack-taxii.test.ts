import t from 'tap'
import { testNode } from '../node.ts'

/** What an attacker would try at the doors of TAXII. */

t.setTimeout(300_000)

const taxii = 'application/taxii+json;version=2.1'
const amber = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
const uuid = (n: number) => `8bad1b96-53bc-4148-87eb-${String(n).padStart(12, '0')}`
const indicator = (n: number, value: string, more: object = {}) => ({
  type: 'indicator',
  spec_version: '2.1',
  id: `indicator--${uuid(n)}`,
  created: '2026-05-01T00:00:00.000Z',
  modified: '2026-05-01T00:00:00.000Z',
  valid_from: '2026-05-01T00:00:00.000Z',
  pattern_type: 'stix',
  pattern: `[domain-name:value = '${value}']`,
  ...more,
})

t.test('attacks on TAXII', async (t) => {
  const node = await testNode(t)
  const root = '/taxii2/node/collections'
  const get = (account: string, url: string, headers = {}) =>
    node.call(account, { method: 'GET', url, headers: { accept: taxii, ...headers } })
  const add = (account: string, collection: string, body: string, headers = {}) =>
    node.call(account, {
      method: 'POST',
      url: `${root}/${collection}/objects/`,
      headers: { 'content-type': taxii, accept: taxii, ...headers },
      payload: body,
    })

  t.test('nonsense is an error of the caller', async (t) => {
    const junk = [
      '%00',
      'x',
      '..%2f',
      '%F0%9F%98%80',
      '0',
      '-1',
      '9'.repeat(40),
      'a'.repeat(4000),
      '%27',
      '9999-12-31T23:59:59.999999Z',
      '0000-01-01T00:00:00Z',
      '1969-01-01T00:00:00Z',
      'all,',
      ',',
      'null',
    ]
    for (const account of ['anonymous', 'ana.cert-br'])
      for (const each of junk)
        for (const url of [
          `${root}/${each}/`,
          `${root}/${each}/objects/`,
          `${root}/all/objects/${each}/`,
          `${root}/all/objects/${each}/versions/`,
          `/taxii2/node/status/${each}/`,
          ...[
            'limit',
            'next',
            'added_after',
            'match[id]',
            'match[type]',
            'match[version]',
            'match[spec_version]',
            'match%5Bid%5D',
            '__proto__',
            'constructor',
          ].map((name) => `${root}/all/objects/?${name}=${each}`),
        ]) {
          const { status, text } = await get(account, url)
          t.ok(status < 500, `${account} ${url.slice(0, 100)} ${status} ${text.slice(0, 100)}`)
        }
    const odd = { toString: 1, valueOf: 1 }
    for (const body of [
      '',
      '{}',
      '[]',
      'null',
      '{"objects":[]}',
      '{"objects":{}}',
      '{"objects":[null,1,"x",[]]}',
      JSON.stringify({ objects: [{ ...indicator(1, 'a.example'), id: odd, type: odd, modified: odd }] }),
      `${'['.repeat(50000)}`,
      '{"objects":[{"type":"\\u0000"}]}',
      '\u00ff',
      '{"objects":[1],"objects":[2]}',
    ])
      for (const collection of ['mine', 'public', 'community-lac-csirts', 'community-banca-segura', 'nothing']) {
        const { status, text } = await add('ana.cert-br', collection, body)
        t.ok(status < 500, `${collection} ${body.slice(0, 60)} ${status} ${text.slice(0, 200)}`)
      }
  })

  t.test('a collection that one may not know is one that is not there', async (t) => {
    const plain = (text: string) => text.replace(/community-[a-z-]+/g, 'X')
    for (const account of ['anonymous', 'joao.rede-sul', 'grace.observa-us']) {
      for (const path of [
        '/',
        '/objects/',
        '/manifest/',
        `/objects/indicator--${uuid(1)}/`,
        `/objects/indicator--${uuid(1)}/versions/`,
      ]) {
        const [there, none] = [
          await get(account, `${root}/community-lac-csirts${path}`),
          await get(account, `${root}/community-nothing${path}`),
        ]
        t.equal(there.status, none.status, `${account} ${path}`)
        t.equal(plain(there.text), plain(none.text))
        t.strictSame(
          { ...there.headers, date: 0, 'content-length': 0, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': 0 },
          { ...none.headers, date: 0, 'content-length': 0, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': 0 },
        )
      }
      const [there, none] = [
        await add(account, 'community-lac-csirts', '{"objects":[]}'),
        await add(account, 'community-nothing', '{"objects":[]}'),
      ]
      t.equal(there.status, none.status)
      t.equal(plain(there.text), plain(none.text))
    }
  })

  t.test('RED, anonymous and recalled things', async (t) => {
    const open = (objects: object[], query = '?tlp=green') =>
      node.call('ana.cert-br', {
        method: 'POST',
        url: `/v1/indicators${query}`,
        headers: { 'content-type': 'application/stix+json;version=2.1' },
        payload: JSON.stringify({ type: 'bundle', id: `bundle--${uuid(99)}`, objects }),
      })
    await open([indicator(10, 'anon.example.com')], '?tlp=green&attribution=anonymous')
    await open([indicator(11, 'red.example.com')], '?tlp=red&people=camila.csirt-cl')
    await open([indicator(12, 'gone.example.com', { name: 'secret name' })])
    await open([indicator(13, 'never-seen.example.com')], '?tlp=amber%2Bstrict&audience=cert-br')
    const all = () => get('camila.csirt-cl', `${root}/all/objects/`)
    const first = await all()
    t.match(first.text, 'anon.example.com')
    t.notMatch(first.text, /cert-?br|red\.example|never-seen/i)
    for (const id of [10, 12, 13])
      await node.call('ana.cert-br', {
        method: 'POST',
        url: `/v1/indicators/indicator--${uuid(id)}/recall`,
        headers: { 'content-type': 'application/json' },
        payload: '{"reason":"because"}',
      })
    const after = await all()
    t.notMatch(after.text, /gone\.example|anon\.example|secret name|cert-?br|because/i)
    t.notMatch(after.text, uuid(13), 'what was never seen is not told of when it goes')
    t.match(after.text, uuid(12))
    t.notMatch((await get('diego.csirt-cl', `${root}/all/objects/`)).text, uuid(12), 'a newcomer had nothing of it')
    for (const path of ['', 'versions/'])
      t.equal((await get('camila.csirt-cl', `${root}/all/objects/indicator--${uuid(13)}/${path}`)).status, 404)
    t.equal((await get('camila.csirt-cl', `${root}/all/objects/indicator--${uuid(11)}/`)).status, 404)
  })

  t.test('what only shows takes nothing away', async (t) => {
    const published = await add(
      'ana.cert-br',
      'community-lac-csirts',
      JSON.stringify({ objects: [indicator(20, 'keep.example.com', { object_marking_refs: [amber] })] }),
    )
    t.equal(published.body.success_count, 1, published.text)
    for (const account of ['camila.csirt-cl', 'bruno.cert-br', 'carlos.colcert', 'anonymous', 'joao.rede-sul']) {
      const { status } = await node.call(account, {
        method: 'DELETE',
        url: `${root}/community-lac-csirts/objects/indicator--${uuid(20)}/`,
        headers: { accept: taxii },
      })
      t.ok(status >= 400 && status < 500, `${account} ${status}`)
    }
    t.equal((await get('camila.csirt-cl', `${root}/community-lac-csirts/objects/indicator--${uuid(20)}/`)).status, 200)
    const inAll = await node.call('ana.cert-br', {
      method: 'DELETE',
      url: `${root}/all/objects/indicator--${uuid(20)}/`,
      headers: { accept: taxii },
    })
    t.equal(inAll.status, 403, 'its own publisher, where it cannot write')
    t.equal((await get('camila.csirt-cl', `${root}/all/objects/indicator--${uuid(20)}/`)).status, 200)
    const other = await get('camila.csirt-cl', `/taxii2/node/status/${published.body.id}/`)
    t.equal(other.status, 404)
  })
})
