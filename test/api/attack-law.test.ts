import t from 'tap'
import { get, legalNode, post, requestBody, step } from '../legal.ts'
import { ask } from './graphql.ts'

/** What an attacker would try with legal requests. */

t.setTimeout(300_000)

const liaison = 'ignacio.policia-cl'

t.test('attacks on legal requests', async (t) => {
  const node = await legalNode(t)

  t.test('texts that the database does not keep are errors of the caller', async (t) => {
    for (const bad of ['a\u0000b', '\ud83d', 'x\u0000']) {
      for (const member of [
        'facts',
        'necessity',
        'citation',
        'authority',
        'caseReference',
        'expiresAt',
        'instrument',
        'requestingJurisdiction',
      ]) {
        const rest = await post(node, liaison, '/v1/legal-requests', requestBody({ [member]: bad }))
        t.ok(rest.status >= 400 && rest.status < 500, `REST ${member} ${rest.status}`)
        const query = `mutation { draftLegalRequest(input: ${literal(requestBody({ [member]: bad }))}) { id } }`
        const { status, text } = await node.call(liaison, {
          method: 'POST',
          url: '/graphql',
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify({ query }),
        })
        t.ok(
          status < 500 && !text.includes('"internal"') && text.includes('errors'),
          `GraphQL ${member} ${status} ${text.slice(0, 300)}`,
        )
      }
      for (const scope of [
        { values: [bad] },
        { countries: [bad] },
        { network: bad },
        { domain: bad },
        { types: [bad] },
        { classes: [bad] },
        { since: bad },
        { originators: [bad] },
      ]) {
        const query = `mutation { draftLegalRequest(input: ${literal(requestBody({ scope: { originators: ['csirt-cl'], ...scope } }))}) { id } }`
        const { status, text } = await node.call(liaison, {
          method: 'POST',
          url: '/graphql',
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify({ query }),
        })
        t.ok(
          status < 500 && !text.includes('"internal"') && text.includes('errors'),
          `GraphQL scope ${JSON.stringify(scope)} ${status} ${text.slice(0, 300)}`,
        )
      }
    }
    const { body } = await post(node, liaison, '/v1/legal-requests', requestBody())
    const query = `mutation { annotateLegalRequest(id: "${body.id}", note: "a\\u0000b") { id } }`
    const { text } = await node.call(liaison, {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ query }),
    })
    t.ok(!text.includes('"internal"') && text.includes('errors'), text)
  })

  t.test('ids of no form are ids of nothing', async (t) => {
    for (const id of ['x', '%00', '..%2f', '00000000-0000-0000-0000-00000000000g', 'é', 'a'.repeat(5000)])
      for (const [method, url] of [
        ['GET', `/v1/legal-requests/${id}`],
        ['POST', `/v1/legal-requests/${id}/approve`],
        ['GET', `/v1/exports/${id}`],
        ['POST', `/v1/exports/${id}/download`],
        ['GET', `/v1/legal-requests?before=${id}`],
        ['GET', `/v1/legal-requests?state=${id}`],
        ['GET', `/v1/legal-requests?limit=${id}`],
      ] as const) {
        const { status } = await node.call(liaison, {
          method,
          url,
          ...(method === 'POST' ? { headers: { 'content-type': 'application/json' }, payload: '{}' } : {}),
        })
        t.ok(status >= 400 && status < 500, `${method} ${url.slice(0, 60)} ${status}`)
      }
  })

  t.test('a hidden request is one that never was, at every door and in every answer', async (t) => {
    const { body } = await post(
      node,
      liaison,
      '/v1/legal-requests',
      requestBody({ confidentialUntil: '2026-08-01T00:00:00.000Z' }),
    )
    await step(node, liaison, body.id, 'file')
    const nobody = '00000000-0000-4000-8000-000000000000'
    const strangers = [
      'iris.csirt-cl',
      'duda.cert-br',
      'renata.policia-br',
      'berta.policia-cl',
      'camila.csirt-cl',
      'admin.lacnic',
      'elena.csirt-cl',
      'anonymous',
    ]
    for (const account of strangers) {
      for (const [method, path, payload] of [
        ['GET', '', undefined],
        ['POST', '/approve', '{}'],
        ['POST', '/refuse', '{"note":"no"}'],
        ['POST', '/review', '{}'],
        ['POST', '/withdraw', '{}'],
        ['POST', '/close', '{}'],
        ['POST', '/notes', '{"note":"x"}'],
        ['POST', '/file', '{}'],
        ['PUT', '', JSON.stringify(requestBody())],
        ['GET', '/exports', undefined],
        ['POST', '/exports', '{}'],
        ['POST', '/approve', '{"as":"originator"}'],
      ] as const) {
        const ask = (id: string) =>
          node.call(account, {
            method,
            url: `/v1/legal-requests/${id}${path}`,
            ...(payload === undefined ? {} : { headers: { 'content-type': 'application/json' }, payload }),
          })
        const [there, none] = [await ask(body.id), await ask(nobody)]
        const plain = (text: string) =>
          text
            .replaceAll(body.id, 'ID')
            .replaceAll(nobody, 'ID')
            .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ref')
        t.equal(plain(there.text), plain(none.text), `${account} ${method} ${path} ${there.status} ${none.status}`)
        t.equal(there.status, none.status)
        t.ok(there.status >= 400, `${account} ${method} ${path} ${there.status}`)
      }
      const { text, status } = await get(node, account, '/v1/legal-requests')
      t.ok(status !== 200 || !text.includes(body.id), `${account} ${text}`)
      const page = await get(node, account, `/v1/legal-requests?before=${body.id}`)
      const none = await get(node, account, `/v1/legal-requests?before=${nobody}`)
      t.equal(page.text.replaceAll(body.id, ''), none.text.replaceAll(nobody, ''))
    }
  })

  t.test('nobody is two people', async (t) => {
    const { body } = await post(
      node,
      liaison,
      '/v1/legal-requests',
      requestBody({ scope: { originators: ['lacnic'], types: ['ipv4-address'] } }),
    )
    await node.plant(
      { ...(await import('./graphql.ts')).handling('lacnic', { tlp: 'green' }) },
      { type: 'ipv4-address', value: '192.0.2.77' },
    )
    await step(node, liaison, body.id, 'file')
    t.equal((await step(node, 'olga.lacnic', body.id, 'approve', { as: 'node' })).status, 200)
    t.equal((await step(node, 'olga.lacnic', body.id, 'approve', { as: 'originator' })).status, 403)
    t.equal((await step(node, 'olga.lacnic', body.id, 'refuse', { as: 'originator', note: 'x' })).status, 403)
    t.equal((await get(node, liaison, `/v1/legal-requests/${body.id}`)).body.state, 'under-review')
    for (const account of [liaison])
      for (const word of ['approve', 'review']) t.equal((await step(node, account, body.id, word)).status, 403)
  })
})

t.test('a package with what may now be had masked alone is not given', async (t) => {
  const node = await legalNode(t)
  const { handling } = await import('./graphql.ts')
  const { runExports } = await import('../../src/actions/index.ts')
  const personal = handling('cert-br', { tlp: 'green', lawEnforcement: 'allowed', personalData: true, maskable: true })
  await node.plant(personal, { type: 'email-address', value: 'victim@example.org' })
  const scope = { originators: ['cert-br'], types: ['email-address'] }
  const drafted = await post(node, liaison, '/v1/legal-requests', requestBody({ scope }))
  await step(node, liaison, drafted.body.id, 'file')
  t.equal((await step(node, 'policy.lacnic', drafted.body.id, 'approve')).body.state, 'approved')
  const made = async () => {
    const { body } = await post(node, liaison, `/v1/legal-requests/${drafted.body.id}/exports`)
    await runExports(node.context)
    return (await get(node, liaison, `/v1/exports/${body.id}`)).body
  }
  const whole = await made()
  t.match(whole, { state: 'ready', items: 1, masked: 0 })
  const agreement = {
    ...{ id: 'without-data', name: 'Example (invented)', parties: ['BR', 'CL'], maxTlp: 'green' },
    ...{
      purposes: ['law-enforcement'],
      personalData: false,
      citation: 'Invented',
      validFrom: '2025-01-01T00:00:00.000Z',
    },
  }
  const added = await post(node, 'policy.lacnic', '/v1/agreements', agreement)
  t.equal(added.status, 201, added.text)
  const ended = await post(node, 'policy.lacnic', '/v1/agreements/br-cl-justicia/end', {})
  t.equal(ended.status, 200, ended.text)
  t.match(await made(), { state: 'ready', items: 1, masked: 1 }, 'it may be had masked')
  const given = await post(node, liaison, `/v1/exports/${whole.id}/download`)
  t.match([given.status, given.body?.code], [410, 'export_outdated'])
})

const literal = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(literal).join(',')}]`
    : typeof value === 'object' && value !== null
      ? `{${Object.entries(value)
          .map(([name, member]) => `${name}: ${literal(member)}`)
          .join(', ')}}`
      : JSON.stringify(value)
void ask
