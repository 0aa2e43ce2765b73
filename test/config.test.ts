import t from 'tap'
import type { Context } from '../src/actions/index.ts'
import { readConfig, variables } from '../src/config.ts'
import { ConfigurationError, listeningAt } from '../src/config-values.ts'
import { type Job, startSchedule } from '../src/schedule.ts'

const key = `puente_0123456789ab_${'x'.repeat(43)}`

t.test('an empty environment gives the documented defaults', async (t) => {
  const { config, secrets } = readConfig({})
  t.match(config, { host: '127.0.0.1', port: 8460, dataFolder: undefined, logLevel: 'info', trustProxy: { length: 0 } })
  t.equal(config.url, 'http://127.0.0.1:8460')
  t.match(config, { issuer: 'http://127.0.0.1:8460', oidc: undefined, privateHosts: { length: 0 } })
  t.equal(readConfig({ PUENTE_HOST: '::1', PUENTE_PORT: '81' }).config.issuer, 'http://[::1]:81')
  t.same(secrets, { databaseUrl: undefined, apiKey: undefined })
  for (const { name, default: otherwise } of variables) {
    if (/^\d+$/.test(otherwise)) t.same(readConfig({ [name]: otherwise }).config, config, `${name} is ${otherwise}`)
  }
})

t.test('a node that listens elsewhere names itself so, unless it has another name', async (t) => {
  const { config } = readConfig({})
  t.match(listeningAt(config, '::1', 9000), { host: '::1', port: 9000, issuer: 'http://[::1]:9000' })
  const named = readConfig({ PUENTE_ISSUER: 'https://puente.example.org' }).config
  t.match(listeningAt(named, '::1', 9000), { port: 9000, issuer: 'https://puente.example.org' })
})

t.test('an empty variable counts as absent', async (t) => {
  const empty = Object.fromEntries(variables.map(({ name }) => [name, '  ']))
  t.same(readConfig(empty), readConfig({}))
})

t.test('good values are taken', async (t) => {
  const { config, secrets } = readConfig({
    PUENTE_HOST: '::1',
    PUENTE_PORT: '0',
    DATABASE_URL: 'postgresql://puente@db.example/puente',
    PUENTE_DATA: 'data',
    PUENTE_LOG_LEVEL: 'WARN',
    PUENTE_TRUST_PROXY: 'loopback, 10.0.0.0/8,2001:db8::1',
    PUENTE_URL: 'https://puente.example.org/node/',
    PUENTE_API_KEY: key,
    PUENTE_ALLOWED_ORIGINS: 'https://console.example.org, http://localhost:5173',
    NO_COLOR: '1',
    PUENTE_ISSUER: 'https://puente.example.org/',
    PUENTE_OIDC_ISSUER: 'https://login.example.org/',
    PUENTE_OIDC_AUDIENCE: 'puente',
    PUENTE_PRIVATE_HOSTS: 'IDP.internal, 10.0.0.5:8443,[fd00::1]',
  })
  t.equal(config.issuer, 'https://puente.example.org')
  t.same(config.oidc, { issuer: 'https://login.example.org/', audience: 'puente', claim: 'sub' }, 'letter by letter')
  t.same(config.privateHosts, ['idp.internal', '10.0.0.5:8443', '[fd00::1]'])
  t.match(config, { host: '::1', port: 0, logLevel: 'warn', colour: false, url: 'https://puente.example.org/node' })
  t.equal(config.dataFolder, `${process.cwd()}/data`)
  t.same(config.trustProxy, ['loopback', '10.0.0.0/8', '2001:db8::1'])
  t.same(config.allowedOrigins, ['https://console.example.org', 'http://localhost:5173'])
  t.same(secrets, { databaseUrl: 'postgresql://puente@db.example/puente', apiKey: key })
  t.throws(() => Object.assign(config, { port: 1 }), TypeError, 'it cannot be changed')
})

t.test('each bad value is refused with a sentence that names its variable', async (t) => {
  const bad: readonly (readonly [string, ...string[]])[] = [
    ['PUENTE_HOST', 'http://x', '300.1.1.1:80', 'a b', '-'.repeat(80)],
    ['PUENTE_PORT', '-1', '65536', '80a', '8460.5', '1e3', '99999999999'],
    ['DATABASE_URL', 'mysql://x/y', 'localhost', 'postgres'],
    ['PUENTE_DATABASE_CONNECTIONS', '1', '501', 'many'],
    ['PUENTE_STATEMENT_TIMEOUT_MS', '99', '3600001', '30s'],
    ['PUENTE_CONNECTIONS', '9', '100001', 'all'],
    ['PUENTE_CONNECTIONS_PER_ADDRESS', '0', '100001', '-'],
    ['PUENTE_REQUESTS_PER_MINUTE', '0', '1000001', '∞'],
    ['PUENTE_PROCESSES', '0', '65', 'auto'],
    ['PUENTE_METRICS_PORT', '-1', '65536', '127.0.0.1:9464'],
    ['NATS_URL', 'localhost', 'http://x:4222', 'nats//x'],
    ['PUENTE_LOG_LEVEL', 'verbose', 'trace'],
    [
      'PUENTE_TRUST_PROXY',
      'true',
      '1',
      '10.0.0.0/33',
      '::/129',
      '0.0.0.0/0',
      '10.0.0.1/8/8',
      'proxy.example',
      '10.0.0.1,',
    ],
    ['PUENTE_ALLOWED_ORIGINS', '*', 'null', 'console.example', 'https://x/', 'ftp://x', 'https://a b', 'https://x,'],
    ['PUENTE_URL', 'puente.example', 'ftp://x', 'http://user:secret@x', 'http://x/?a=b', 'http://x/#a'],
    ['PUENTE_ISSUER', 'puente.example', 'ftp://x', 'https://x/?a=b', 'https://x/#a', 'https://user:secret@x'],
    ['PUENTE_OIDC_ISSUER', 'login.example', 'https://x/?a=b', 'https://login.example'],
    ['PUENTE_OIDC_AUDIENCE', 'https://puente.example'],
    ['PUENTE_OIDC_CLAIM', 'a b', 'x'.repeat(101)],
    ['PUENTE_PRIVATE_HOSTS', 'http://x', 'a b', 'x/', 'x,', 'ana@x', 'x:99999', '127.1', '::1'],
    ['PUENTE_PUBLISH_FIGURES', 'true', '1', 'YES'],
    ['PUENTE_API_KEY', 'secret', 'puente_0123456789ab_short', `${key}x`, `Bearer ${key}`],
  ]
  for (const [name, ...values] of bad) {
    for (const value of values) {
      t.throws(() => readConfig({ [name]: value }), { message: new RegExp(`^${name} must`) }, value)
    }
  }
  const named = new Set(bad.map(([name]) => name))
  const free = variables.filter(({ name }) => !named.has(name)).map(({ name }) => name)
  t.same(free, ['PUENTE_DATA', 'PUENTE_WARNINGLISTS', 'NO_COLOR'], 'only what can have any value has no bad one')
})

t.test('a refusal of a secret does not repeat it', async (t) => {
  const secret = 'puente_hunter2'
  for (const name of ['PUENTE_API_KEY', 'DATABASE_URL', 'NATS_URL', 'PUENTE_URL']) {
    const value = name === 'PUENTE_URL' ? `http://${secret}:${secret}@x` : secret
    try {
      readConfig({ [name]: value })
      t.fail(`${name} was taken`)
    } catch (error) {
      t.ok(error instanceof ConfigurationError)
      t.notMatch(String(error), 'hunter2', name)
    }
  }
})

t.test('a job never runs twice at once, and its failure is logged and does not end it', async (t) => {
  let running = 0
  let runs = 0
  let most = 0
  const logged: string[] = []
  const enough = new Promise<void>((resolve) => {
    const job: Job = {
      name: 'slow',
      everyMs: 1,
      run: async () => {
        most = Math.max(most, ++running)
        await new Promise((done) => setTimeout(done, 5))
        running--
        if (++runs === 3) resolve()
        throw new Error('it failed')
      },
    }
    const log = { info: () => {}, warn: () => {}, error: (facts: object) => void logged.push(JSON.stringify(facts)) }
    const schedule = startSchedule({} as Context, log, [job])
    t.teardown(() => schedule.stop())
    // the schedule keeps no process alive, so the test must
    const awake = setInterval(() => {}, 1000)
    t.teardown(() => clearInterval(awake))
  })
  await enough
  t.equal(most, 1)
  t.match(logged[0], /slow/)
})

t.test('a schedule that stops waits for what is under way and starts nothing more', async (t) => {
  let finished = 0
  let begun: () => void = () => {}
  const first = new Promise<void>((resolve) => {
    begun = resolve
  })
  const run = async () => {
    begun()
    await new Promise((done) => setTimeout(done, 20))
    finished++
  }
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const awake = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(awake))
  const schedule = startSchedule({} as Context, log, [{ name: 'job', everyMs: 1, run }])
  await first
  await schedule.stop()
  t.equal(finished, 1)
  await new Promise((done) => setTimeout(done, 30))
  t.equal(finished, 1)
})
