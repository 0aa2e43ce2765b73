#!/usr/bin/env node
/**
 * Runs the built tests on one throw-away PostgreSQL, or on the one of TEST_DATABASE_URL (a superuser's), and ends with
 * the line `N passed, N failed`, counting assertions. Arguments replace the list of test files:
 * `npm test -- test/policy/decide.test.ts`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inSources } from './source-places.js'
import { GroupReader } from './tap-group.js'
import { grouped } from './test-groups.js'

const project = fileURLToPath(new URL('..', import.meta.url))

/** What hangs so long is ended, whatever time it set itself. */
const stuckAfterMs = 60 * 60_000

process.chdir(project)
const { passed, failed } = await main()
// a run of nothing is no success
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)

async function main() {
  try {
    const { values, positionals } = parseArgs({
      options: { jobs: { type: 'string' }, timeout: { type: 'string', default: '120' } },
      allowPositionals: true,
    })
    // Each file may hold a pool of connections.
    const jobs = Number(values.jobs ?? Math.min(8, availableParallelism()))
    const server = process.env.TEST_DATABASE_URL ? undefined : await startServer()
    try {
      return await runFiles(positionals.length > 0 ? positionals.map(builtPath) : everyTest(), jobs, {
        ...process.env,
        TEST_DATABASE_URL: server?.url ?? process.env.TEST_DATABASE_URL,
        // Seconds that a file may take that sets no time of its own.
        TAP_TIMEOUT: values.timeout,
      })
    } finally {
      await server?.stop()
    }
  } catch (error) {
    console.error(error)
    return { passed: 0, failed: 1 }
  }
}

async function startServer() {
  const { startThrowAway } = await import('../dist/src/store/embedded/throw-away.js')
  return startThrowAway()
}

/** `test/tlp.test.ts` means `dist/test/tlp.test.js`. */
function builtPath(file) {
  const relative = path.relative(project, path.resolve(file))
  return relative.startsWith(`test${path.sep}`) ? path.join('dist', relative.replace(/\.ts$/, '.js')) : file
}

function everyTest() {
  const files = readdirSync('dist/test', { recursive: true }).filter((name) => name.endsWith('.test.js'))
  return files.sort().map((name) => path.join('dist', 'test', name))
}

/** Runs the files, so many processes at once, and adds up what they say. */
async function runFiles(files, jobs, env) {
  const totals = { passed: 0, failed: 0 }
  const waiting = grouped(files)
  const running = new Set()
  const stop = (signal) => {
    // Whoever is asked to end begins nothing more; what did not run did not pass.
    totals.failed += waiting.splice(0).flat().length
    for (const child of running) child.kill(signal)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const work = async () => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const { passed, failed } = await runGroup(group, env, running)
      totals.passed += passed
      totals.failed += failed
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return totals
}

/**
 * Runs a group of files and prints how each went. They are run by Node itself: the loaders of `tap run`, there for mocks and coverage,
 * took a third of the time of a file that starts a node.
 */
async function runGroup(files, env, running) {
  const stdio = ['ignore', 'pipe', 'inherit']
  const child = spawn(process.execPath, files.length === 1 ? files : ['bin/run-files.js', ...files], {
    env,
    stdio,
    timeout: stuckAfterMs,
    killSignal: 'SIGKILL',
  })
  running.add(child)
  const readers = new GroupReader(files, (line) => console.log(inSources(line)))
  const lines = createInterface({ input: child.stdout }).on('line', (line) => readers.read(line))
  const [[code, signal]] = await Promise.all([once(child, 'exit'), once(lines, 'close')])
  running.delete(child)
  return readers.close(signal ?? code)
}
