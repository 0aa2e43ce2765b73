import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { actions } from '../src/actions/index.ts'
import { setUp } from '../src/actions/set-up.ts'
import { startContext } from '../src/actions/start.ts'

/** A node as users run it: a process of its own. */
export interface Server {
  readonly child: ChildProcess
  readonly url: string
}

/**
 * Starts `puente serve` on a database and a free port; killed when the test ends. Without what the test runner loads into every Node
 * that a test starts: it would be measured, too (100 MB).
 */
export async function startServer(
  t: Test,
  databaseUrl: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, 'bin/puente.js', 'serve'], {
    env: { ...process.env, DATABASE_URL: databaseUrl, PUENTE_PORT: '0', PUENTE_LOG_LEVEL: 'info', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stderr })) {
    const url = /"url":"(http:[^"]+)"/.exec(line)?.[1]
    if (url !== undefined) {
      child.stderr.resume()
      return { child, url }
    }
  }
  throw new Error('the server did not start')
}

/** Waits until a process has ended. */
export async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Enrols CERT.br with a publisher, past the doors. @returns its API key */
export async function enrolPublisher(databaseUrl: string): Promise<string> {
  const context = await startContext({
    database: { url: databaseUrl, connections: 2, statementTimeoutMs: 10_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: () => {} },
    version: 'test',
  })
  const { accounts } = await setUp(context, {
    organisation: { id: 'cert-br', name: 'CERT.br', kind: 'national-cert', jurisdiction: 'BR' },
  })
  const admin = await actions.authenticate(context, { authorization: `Bearer ${accounts[0]?.apiKey}` })
  await actions['create-account'](context, admin, {
    id: 'ana.cert-br',
    organisation: 'cert-br',
    name: 'Ana',
    roles: ['publisher'],
  })
  const { secret } = await actions['issue-key'](context, admin, { id: 'ana.cert-br', name: 'test' })
  await context.close()
  return secret
}
