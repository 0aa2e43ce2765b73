/**
 * What a token costs at the door, against what an API key costs, in one run: `npm run build && node dist/bench/tokens.js`. The last
 * line is one JSON object. Ratios are claims, numbers belong to a machine and a moment.
 */

import { randomUUID } from 'node:crypto'
import { actions } from '../src/actions/index.ts'
import { startContext } from '../src/actions/start.ts'
import { signToken } from '../src/auth/tokens.ts'
import { startThrowAway } from '../src/store/embedded/throw-away.ts'
import { migrate } from '../src/store/migrate.ts'
import { enrolPublisher } from '../test/server.ts'
import { pairOf } from '../test/tokens.ts'

const times = 500
const server = await startThrowAway()
await migrate(server.url, 'migrations')
const context = await startContext({
  database: { url: server.url, connections: 10, statementTimeoutMs: 60_000 },
  clock: () => new Date(),
  log: { info: () => {}, warn: () => {}, error: (facts) => console.error(facts) },
  version: 'bench',
})
const apiKey = await enrolPublisher(server.url)
const { jwk, thumbprint } = await pairOf()
await context.database.client.query(
  "insert into client_key (id, account, name, thumbprint, jwk, scopes) values ('0123456789ab', 'ana.cert-br', 'x', $1, $2, '{read}')",
  [thumbprint, JSON.stringify(jwk)],
)

async function token(): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const { issuer, keys } = context.tokens
  const names = { iss: issuer, aud: issuer, sub: 'ana.cert-br', client_id: 'ana.cert-br', client_key: '0123456789ab' }
  const claims = { ...names, scope: 'read', jti: randomUUID(), iat: now, exp: now + 300 }
  return signToken(claims, 'at+jwt', await keys.signer(await context.policy.current(), new Date()))
}

/** CPU time of this process for each, in µs: less at the mercy of what else runs than time is. Those of the database are not in it. */
async function cpu(credentials: readonly string[], use: (credential: string) => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (const credential of credentials) await use(credential)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / credentials.length
}

const authenticate = (credential: string) => actions.authenticate(context, { authorization: `Bearer ${credential}` })
const verify = async (text: string) => {
  const at = new Date()
  const standing = await context.policy.current()
  return context.tokens.verify(text, ({ kid }) => context.tokens.keys.find(standing, kid, at), at)
}

const results: Record<string, number[]> = {}
for (let round = 0; round < 5; round++) {
  const many = await Promise.all(Array.from({ length: times }, token))
  const one = Array.from({ length: times }, () => many[0] ?? '')
  const keys = Array.from({ length: times }, () => apiKey)
  const measured = {
    'policy epoch alone': await cpu(one, () => context.policy.current()),
    'epoch and signature': await cpu(many, verify),
    'token, first use': await cpu(many, authenticate),
    'token, remembered': await cpu(one, authenticate),
    'API key': await cpu(keys, authenticate),
  }
  for (const [name, value] of Object.entries(measured)) results[name] = [...(results[name] ?? []), value]
}
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const found = Object.fromEntries(Object.entries(results).map(([name, values]) => [name, Math.round(median(values))]))
for (const [name, value] of Object.entries(found))
  console.log(`${name.padEnd(20)} ${String(value).padStart(6)} µs of CPU`)
console.log(JSON.stringify(found))
await context.close()
await server.stop()
