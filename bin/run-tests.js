#!/usr/bin/env node
/**
 * Runs the built tests on one throw-away PostgreSQL, or on the one of TEST_DATABASE_URL (a superuser's), and ends with
 * the line `N passed, N failed`, counting assertions. Arguments replace the list of test files:
 * `npm test -- test/policy/decide.test.ts`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TapReader } from './tap-reader.js'

const project = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const tap = path.join(path.dirname(require.resolve('tap/package.json')), 'dist', 'esm', 'run.mjs')

process.chdir(project)
const { passed, failed } = await main(process.argv.slice(2))
// a run of nothing is no success
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)

async function main(args) {
  try {
    if (needsBuild() && (await runTap(['build'], process.env)) !== 0) throw new Error('tap cannot be built')
    const server = process.env.TEST_DATABASE_URL ? undefined : await startServer()
    try {
      return await runTests(args, server?.url ?? process.env.TEST_DATABASE_URL)
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

/** tap leaves out its TypeScript plugin, as .taprc says, only after a build; left to the first run, that run fails. */
function needsBuild() {
  try {
    const built = path.join(project, 'node_modules/@tapjs/test/test-built/dist/esm/index.js')
    return readFileSync(built, 'utf8').includes('@tapjs/typescript')
  } catch {
    return true
  }
}

async function runTests(args, databaseUrl) {
  const options = args.filter((arg) => arg.startsWith('-'))
  const files = args.filter((arg) => !arg.startsWith('-')).map(builtPath)
  const wanted = files.length > 0 ? files : ['dist/test/**/*.test.js']
  // each file may hold a pool of connections
  const jobs = Math.min(8, availableParallelism())
  const reader = new TapReader((line) => console.log(line))
  const code = await runTap(
    ['run', '--disable-coverage', '--reporter=tap', `--jobs=${jobs}`, ...options, ...wanted],
    { ...process.env, TEST_DATABASE_URL: databaseUrl },
    (line) => reader.read(line),
  )
  return reader.totals(code === 0)
}

/** `test/tlp.test.ts` means `dist/test/tlp.test.js`. */
function builtPath(file) {
  const relative = path.relative(project, path.resolve(file))
  return relative.startsWith(`test${path.sep}`) ? path.join('dist', relative.replace(/\.ts$/, '.js')) : file
}

/** Runs tap to its end and resolves to its exit code. A signal to this process is tap's to obey. */
async function runTap(args, env, onLine = () => {}) {
  const child = spawn(process.execPath, [tap, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const lines = createInterface({ input: child.stdout }).on('line', onLine)
  const [[code]] = await Promise.all([once(child, 'exit'), once(lines, 'close')])
  process.off('SIGINT', forward).off('SIGTERM', forward)
  return code ?? 1
}
