import { generateKeyPairSync } from 'node:crypto'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { satisfiesEngines } from '../src/cli/doctor/engines.ts'
import { run, type World } from '../src/cli/main.ts'
import { harmless } from '../src/cli/output.ts'
import { readConfig } from '../src/config.ts'
import { apiKey, fakeNode, folderWith, judge, problem } from './cli-fake-node.ts'

interface Ran {
  readonly code: number
  readonly out: readonly string[]
  readonly err: readonly string[]
}

/** One command line in this process. */
async function puente(environment: NodeJS.ProcessEnv, argv: readonly string[], stdin = ''): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const world = (): World => ({
    ...readConfig(environment),
    stdin: Readable.from(stdin === '' ? [] : [stdin]),
    terminal: { out: false, err: false },
    print: (line) => void out.push(line),
    say: (line) => void err.push(line),
  })
  const code = await run(argv, world)
  return { code, out, err }
}

t.test('exit codes mean what --help says', async (t) => {
  const { url } = await fakeNode(t, (request) => {
    if (request.url.startsWith('/v1/me'))
      return request.headers.authorization === undefined ? problem(401, 'x') : { status: 200, body: {} }
    return request.url.startsWith('/v1/indicators') ? judge(request) : problem(403, 'role_required')
  })
  const folder = folderWith(t, { 'good.txt': '192.0.2.1\n', 'mixed.txt': '192.0.2.1\nbad\n', 'all.txt': 'bad\n' })
  const file = (name: string) => path.join(folder, name)
  const environment = { PUENTE_URL: url, PUENTE_API_KEY: apiKey }
  const closed = { ...environment, PUENTE_URL: 'http://127.0.0.1:1' }
  const codes: readonly (readonly [number, NodeJS.ProcessEnv, string[]])[] = [
    [0, environment, ['--help']],
    [0, environment, ['--version']],
    [0, environment, ['push', file('good.txt')]],
    [1, environment, ['push', file('mixed.txt')]],
    [1, environment, ['push', file('all.txt')]],
    [2, environment, ['push', file('missing.txt')]],
    [2, environment, ['push', folder]],
    [2, environment, ['push', '--tlp', 'purple', file('good.txt')]],
    [2, environment, ['push', '--batch', '0', file('good.txt')]],
    [2, environment, ['bogus']],
    [2, environment, []],
    [2, { ...environment, PUENTE_PORT: 'x' }, ['org', 'list']],
    [2, environment, ['org', 'list', '--key', 'secret']],
    [3, closed, ['push', file('good.txt')]],
    [3, closed, ['lookup', '192.0.2.1']],
    [4, { PUENTE_URL: url }, ['push', file('good.txt')]],
    [4, environment, ['org', 'list']],
  ]
  for (const [code, given, argv] of codes) t.equal((await puente(given, argv)).code, code, argv.join(' '))
})

t.test('push names each refusal and ends with a summary; --json gives the same to machines', async (t) => {
  const { url } = await fakeNode(t, (request) =>
    request.method === 'GET' ? { status: 200, body: {} } : judge(request),
  )
  const file = path.join(folderWith(t, { 'a.txt': '192.0.2.1\nbad\u001b[31m\n' }), 'a.txt')
  const environment = { PUENTE_URL: url, PUENTE_API_KEY: apiKey }
  const people = await puente(environment, ['push', file, '--tlp', 'green'])
  t.same(people.err, [`${file}:2: invalid_value: bad�[31m`], 'what a terminal would obey is taken out')
  t.same(people.out, ['1 file: 1 accepted, 0 unchanged, 1 rejected'])
  const machines = await puente(environment, ['push', file, '--json'])
  t.same(machines.err, [])
  t.same(
    machines.out.map((line) => JSON.parse(line)),
    [
      { file, code: 'invalid_value', message: 'bad\u001b[31m', line: 2 },
      { files: 1, accepted: 1, unchanged: 0, rejected: 1 },
    ],
  )
})

t.test('push gives what the files do not say as query parameters', async (t) => {
  const { url, requests } = await fakeNode(t, (request) =>
    request.method === 'GET' ? { status: 200, body: {} } : judge(request),
  )
  const options = ['--tlp', 'amber+strict', '--pap', 'amber', '--audience', 'cert-br', '--audience', 'csirt-cl']
  options.push('--community', 'lac-csirts', '--law-enforcement', 'never', '--attribution', 'anonymous')
  await puente({ PUENTE_URL: url, PUENTE_API_KEY: apiKey }, ['push', '-', '--format', 'ndjson', ...options], '{}\n')
  const { searchParams } = new URL(requests[1]?.url ?? '', url)
  t.same([...searchParams].sort(), [
    ['attribution', 'anonymous'],
    ['audience', 'cert-br'],
    ['audience', 'community:lac-csirts'],
    ['audience', 'csirt-cl'],
    ['lawEnforcement', 'never'],
    ['pap', 'amber'],
    ['tlp', 'amber+strict'],
  ])
})

t.test('lookup asks for its arguments, or for the lines of standard input', async (t) => {
  const { url, requests } = await fakeNode(t, ({ body }) => {
    const { values } = JSON.parse(body) as { values: string[] }
    return { status: 200, body: { results: values.map((value) => ({ value, known: false, matches: [] })) } }
  })
  const { code, out } = await puente({ PUENTE_URL: url }, ['lookup', '--json'], '192.0.2.1\n\n 192.0.2.2 \n')
  t.equal(code, 0)
  t.same(
    out.map((line) => JSON.parse(line).value),
    ['192.0.2.1', '192.0.2.2'],
  )
  await puente({ PUENTE_URL: url }, ['lookup', 'x.example', '--type', 'domain-name'])
  t.same(JSON.parse(requests[1]?.body ?? '').values, [{ value: 'x.example', type: 'domain-name' }])
})

t.test('lookup says why a value could not be looked up, and what would help', async (t) => {
  const fault = { code: 'invalid_value', message: 'What type of value this is cannot be told; name it.' }
  const { url } = await fakeNode(t, () => ({
    status: 200,
    body: { results: [{ value: 'boleto.example', known: false, matches: [], fault }] },
  }))
  const asked = await puente({ PUENTE_URL: url }, ['lookup', 'boleto.example'])
  t.match(asked, { code: 1, err: [`boleto.example: ${fault.message} (use --type)`] })
  const named = await puente({ PUENTE_URL: url }, ['lookup', 'boleto.example', '--type', 'url'])
  t.match(named, { code: 1, err: [`boleto.example: ${fault.message}`] }, 'no advice to do what was done')
})

t.test('who has no key is told which variable it goes into', async (t) => {
  const body = { code: 'credentials_required', rule: 'caller.enrolled', detail: 'send a header' }
  const { url } = await fakeNode(t, () => ({ status: 401, body }))
  const { code, err } = await puente({ PUENTE_URL: url }, ['org', 'list'])
  t.match({ code, err }, { code: 4, err: [/PUENTE_API_KEY.*credentials_required/] })
})

t.test('sight sends what is said, and nothing that is not', async (t) => {
  const id = 'indicator--00000000-0000-4000-8000-000000000001'
  const { url, requests } = await fakeNode(t, ({ body }) => ({ status: 201, body: { id, ...JSON.parse(body) } }))
  const sight = (...more: string[]) => puente({ PUENTE_URL: url, PUENTE_API_KEY: apiKey }, ['sight', id, ...more])
  t.equal((await sight()).code, 0)
  const { code, out } = await sight(
    ...['--type', 'false-positive', '--count', '3', '--last-seen', '2026-06-01T00:00:00Z', '--tlp', 'amber'],
    ...[
      '--audience',
      'csirt-cl',
      '--audience',
      'community:lac-csirts',
      '--anonymous',
      '--originator',
      'cert-br',
      '--json',
    ],
  )
  const said = {
    ...{ type: 'false-positive', lastSeen: '2026-06-01T00:00:00Z', tlp: 'amber' },
    ...{ audience: ['csirt-cl', 'community:lac-csirts'], count: 3, attribution: 'anonymous' },
  }
  t.strictSame(
    requests.map(({ method, url, body }) => [`${method} ${url}`, JSON.parse(body)]),
    [
      [`POST /v1/indicators/${id}/sightings`, {}],
      [`POST /v1/indicators/${id}/sightings?originator=cert-br`, said],
    ],
  )
  t.equal(code, 0)
  t.strictSame(JSON.parse(out.join('')), { id, ...said })
  for (const wrong of [
    ['--count', '0'],
    ['--type', 'seem'],
    ['--tlp', 'purple'],
  ])
    t.equal((await sight(...wrong)).code, 2, wrong.join(' '))
})

t.test('widen asks, lists and answers', async (t) => {
  const [id, request] = ['indicator--00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']
  const { url, requests } = await fakeNode(t, () => ({ status: 200, body: { id: request, state: 'open', items: [] } }))
  const widen = (...more: string[]) => puente({ PUENTE_URL: url, PUENTE_API_KEY: apiKey }, ['widen', ...more])
  const asking = ['--tlp', 'green', '--audience', 'colcert', '--audience', 'community:x', '--releasable-to', 'CO']
  const commands = [
    ['ask', id, ...asking, '--law-enforcement', 'allowed', '--originator', 'cert-br', '--reason', 'r'],
    ['list', '--side', 'received', '--state', 'open', 'lapsed'],
    ['show', request],
    ['accept', request, '--note', 'n'],
    ['accept', request],
    ['refuse', request, '--reason', 'r'],
    ['withdraw', request],
  ]
  for (const command of commands) t.equal((await widen(...command)).code, 0, command.join(' '))
  const wanted = { tlp: 'green', audience: ['colcert', 'community:x'], releasableTo: ['CO'], lawEnforcement: 'allowed' }
  const at = `/v1/widening-requests/${request}`
  t.strictSame(
    requests.map(({ method, url, body }) => [`${method} ${url}`, body === '' ? undefined : JSON.parse(body)]),
    [
      [`POST /v1/indicators/${id}/widening-requests?originator=cert-br`, { wanted, reason: 'r' }],
      ['GET /v1/widening-requests?side=received&state=open%2Clapsed', undefined],
      [`GET ${at}`, undefined],
      [`POST ${at}/accept`, { note: 'n' }],
      [`POST ${at}/accept`, {}],
      [`POST ${at}/refuse`, { reason: 'r' }],
      [`POST ${at}/withdraw`, {}],
    ],
  )
  for (const wrong of [
    ['ask', id, '--tlp', 'green'],
    ['ask', id, '--tlp', 'red', '--reason', 'r'],
    ['refuse', request],
  ])
    t.equal((await widen(...wrong)).code, 2, wrong.join(' '))
})

t.test('a key follows no redirect', async (t) => {
  const other = await fakeNode(t, () => ({ status: 200, body: { items: [] } }))
  const { url } = await fakeNode(t, () => ({ status: 307, body: {}, headers: { location: other.url } }))
  t.equal((await puente({ PUENTE_URL: url, PUENTE_API_KEY: apiKey }, ['org', 'list'])).code, 1)
  t.equal(other.requests.length, 0)
})

t.test('commands of the directory send what the contract wants', async (t) => {
  const { url, requests } = await fakeNode(t, ({ method }) => ({
    status: 200,
    body: { items: [], entries: [], method },
  }))
  const environment = { PUENTE_URL: url, PUENTE_API_KEY: apiKey }
  const lines: readonly (readonly [string, string, unknown?])[] = [
    ['org list', 'GET /v1/organisations'],
    [
      'org enrol cert-br --name CERT.br --kind national-cert --jurisdiction BR',
      'POST /v1/organisations',
      { id: 'cert-br', name: 'CERT.br', kind: 'national-cert', jurisdiction: 'BR' },
    ],
    ['org amend cert-br --disable', 'PATCH /v1/organisations/cert-br', { disabled: true }],
    ['org constituency cert-br', 'GET /v1/organisations/cert-br/constituency'],
    [
      'org constituency cert-br --asn 64496 --asn 64497',
      'PUT /v1/organisations/cert-br/constituency',
      {
        entries: [
          { kind: 'asn', value: '64496' },
          { kind: 'asn', value: '64497' },
        ],
      },
    ],
    ['org constituency cert-br --clear', 'PUT /v1/organisations/cert-br/constituency', { entries: [] }],
    ['account list --organisation cert-br', 'GET /v1/accounts?organisation=cert-br'],
    [
      'account create ana.cert-br --organisation cert-br --name Ana --role reader publisher',
      'POST /v1/accounts',
      { id: 'ana.cert-br', organisation: 'cert-br', name: 'Ana', roles: ['reader', 'publisher'] },
    ],
    ['account amend ana.cert-br --enable', 'PATCH /v1/accounts/ana.cert-br', { disabled: false }],
    ['key list ana.cert-br', 'GET /v1/accounts/ana.cert-br/keys'],
    [
      'key issue ana.cert-br --name push --scope write',
      'POST /v1/accounts/ana.cert-br/keys',
      { name: 'push', scopes: ['write'] },
    ],
    ['key revoke 0123456789ab', 'DELETE /v1/keys/0123456789ab'],
    ['key list-client ana.cert-br', 'GET /v1/accounts/ana.cert-br/client-keys'],
    ['key remove-client 0123456789ab', 'DELETE /v1/client-keys/0123456789ab'],
    ['key rotate-signing', 'POST /v1/signing-keys', { dropOthers: false }],
    ['key rotate-signing --drop-others', 'POST /v1/signing-keys', { dropOthers: true }],
    ['identity list ana.cert-br', 'GET /v1/accounts/ana.cert-br/identities'],
    [
      'identity add ana.cert-br --subject ana@idp --scope read',
      'POST /v1/accounts/ana.cert-br/identities',
      { subject: 'ana@idp', scopes: ['read'] },
    ],
    ['identity remove 0123456789ab', 'DELETE /v1/identities/0123456789ab'],
    ['webhook list', 'GET /v1/subscriptions'],
    [
      'webhook create https://soc.example/hook --name soc --own-system --from beginning --tlp green --asn 64496 --batch 50',
      'POST /v1/subscriptions',
      {
        name: 'soc',
        url: 'https://soc.example/hook',
        ownSystem: true,
        batch: 50,
        from: 'beginning',
        filter: { tlp: ['green'], asn: [64496] },
      },
    ],
    ['webhook amend x --pause', 'PATCH /v1/subscriptions/x', { paused: true }],
    ['webhook amend x --resume --from now', 'PATCH /v1/subscriptions/x', { paused: false, from: 'now' }],
    ['webhook remove x', 'DELETE /v1/subscriptions/x'],
    ['webhook rotate x --old-secret-seconds 60', 'POST /v1/subscriptions/x/secret', { oldSecretSeconds: 60 }],
    ['webhook dead-letters x', 'GET /v1/subscriptions/x/dead-letters'],
    ['webhook replay x', 'POST /v1/subscriptions/x/dead-letters/replay', {}],
    ['webhook replay x msg_1', 'POST /v1/subscriptions/x/dead-letters/replay', { letters: ['msg_1'] }],
    ['community list', 'GET /v1/communities'],
    [
      'community create x --name X --node-community',
      'POST /v1/communities',
      { id: 'x', name: 'X', nodeCommunity: true },
    ],
    ['community add-member x cert-br', 'PUT /v1/communities/x/members/cert-br'],
    ['community remove-member x cert-br', 'DELETE /v1/communities/x/members/cert-br'],
    ['client list', 'GET /v1/clients'],
    ['client add csirt-cl red-andina', 'PUT /v1/organisations/csirt-cl/clients/red-andina'],
    ['client remove csirt-cl red/andina', 'DELETE /v1/organisations/csirt-cl/clients/red%2Fandina'],
    ['agreement list', 'GET /v1/agreements'],
    [
      'agreement add x --name X --party BR --party CL --max-tlp amber --purpose defence --from 2026-01-01 --citation C',
      'POST /v1/agreements',
      {
        id: 'x',
        name: 'X',
        citation: 'C',
        maxTlp: 'amber',
        personalData: false,
        example: false,
        parties: ['BR', 'CL'],
        purposes: ['defence'],
        validFrom: '2026-01-01T00:00:00Z',
      },
    ],
    ['agreement end x --at 2027-01-01', 'POST /v1/agreements/x/end', { at: '2027-01-01T00:00:00Z' }],
  ]
  for (const [line, request, body] of lines) {
    const { code, err } = await puente(environment, line.split(' '))
    const sent = requests.at(-1)
    t.equal(`${sent?.method} ${sent?.url}`, request, line)
    t.same(sent?.body === '' ? undefined : JSON.parse(sent?.body ?? ''), body, `its body: ${line}`)
    t.equal(code, 0, err.join())
  }
})

t.test('of a key for tokens only the public half is sent, whichever half the file holds', async (t) => {
  const { url, requests } = await fakeNode(t, () => ({ status: 201, body: {} }))
  const environment = { PUENTE_URL: url, PUENTE_API_KEY: apiKey }
  for (const { publicKey, privateKey } of [
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ]) {
    const folder = folderWith(t, {
      'private.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'public.pem': publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      'private.json': JSON.stringify(privateKey.export({ format: 'jwk' })),
      'public.json': ` ${JSON.stringify(publicKey.export({ format: 'jwk' }))}`,
    })
    for (const name of readdirSync(folder)) {
      const file = path.join(folder, name)
      const { code, err } = await puente(environment, [
        'key',
        'add-client',
        'ana.cert-br',
        '--name',
        'x',
        '--file',
        file,
      ])
      t.equal(code, 0, err.join())
      t.equal(requests.at(-1)?.url, '/v1/accounts/ana.cert-br/client-keys')
      t.same(JSON.parse(requests.at(-1)?.body ?? ''), { name: 'x', jwk: publicKey.export({ format: 'jwk' }) }, name)
    }
  }
  const before = requests.length
  const folder = folderWith(t, { 'none.pem': 'no key', 'none.json': '{"kty":"OKP"}' })
  for (const name of ['none.pem', 'none.json', 'missing.pem']) {
    const file = path.join(folder, name)
    const { code } = await puente(environment, ['key', 'add-client', 'ana.cert-br', '--name', 'x', '--file', file])
    t.equal(code, 2, name)
  }
  t.equal(requests.length, before)
})

t.test('doctor says what stands in the way, and makes no database to find out', async (t) => {
  const { url } = await fakeNode(t, () => ({ status: 404, body: {} }))
  const folder = folderWith(t, {})
  const { port } = new URL(url)
  const taken = await puente({ PUENTE_DATA: folder, PUENTE_PORT: port }, ['doctor', '--json'])
  t.equal(taken.code, 1)
  const { healthy, findings } = JSON.parse(taken.out[0] ?? '') as {
    healthy: boolean
    findings: { check: string; state: string }[]
  }
  t.equal(healthy, false)
  t.match(
    findings.find(({ check }) => check === 'port'),
    { state: 'fail' },
  )
  t.same(readdirSync(folder), [])
  const free = await puente({ PUENTE_DATA: folder, PUENTE_PORT: '0' }, ['doctor'])
  t.equal(free.code, 0, free.out.join('\n'))
  const other = await fakeNode(t, () => ({ status: 200, body: { status: 'alive' } }))
  const beside = await puente({ PUENTE_DATA: folder, PUENTE_PORT: new URL(other.url).port }, ['doctor'])
  t.match(beside, { code: 0, out: [/^ok/, /^ok/, /^ok/, /^warn +port .*another PUENTE_PORT/] }, beside.out.join('\n'))
  const away = { PUENTE_PORT: '0', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  t.match(await puente(away, ['doctor']), { code: 1, out: [/^ok/, /^ok/, /^ok/, /^fail +database/] })
})

t.test('ranges of engines are read as npm reads them', async (t) => {
  const range = '>=20.19 <21 || >=22.12'
  const good = ['20.19.0', '20.20.2', '22.12.0', '24.1.0', '100.0.0']
  const bad = ['20.18.9', '21.0.0', '22.11.9', '18.20.0', '3.0.0']
  for (const version of good) t.equal(satisfiesEngines(range, version), true, version)
  for (const version of bad) t.equal(satisfiesEngines(range, version), false, version)
  t.equal(satisfiesEngines('^20', '20.1.0'), false, 'a grammar it does not know holds for nothing')
})

t.test('a table lets nothing through that a terminal obeys', async (t) => {
  const text = 'a\u001b]0;title\u0007b\u202ec\u0000'
  t.notMatch(harmless(text), /\p{C}/u)
})
