import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { run } from './run.ts'
import { removeLeftovers, temporaryPath } from './temporary.ts'

/** PostgreSQL's own data folder inside the node's. */
export const clusterName = 'postgres'
export const superuser = 'puente'

const passwordName = 'puente.password'

/** The superuser's password. @throws Error when there is no cluster, or this user may not read it */
export const readPassword = (cluster: string): string => readFileSync(path.join(cluster, passwordName), 'utf8').trim()

/**
 * Makes sure the cluster exists, and returns its superuser's password. A new one is made under another name and gets
 * its own by one rename, password included, so that a start killed in the middle leaves nothing half made.
 * @throws Error when the folder holds something else, or a cluster of another PostgreSQL version.
 */
export async function prepareCluster(
  cluster: string,
  binaries: Binaries,
  account: Account | undefined,
  durable: boolean,
): Promise<string> {
  removeLeftovers(cluster)
  if (isMissing(cluster)) await makeCluster(cluster, binaries, account, durable)
  return openCluster(cluster, binaries)
}

/** An empty folder counts as missing: the rename of the new cluster replaces it. */
function isMissing(cluster: string): boolean {
  return !existsSync(cluster) || readdirSync(cluster).length === 0
}

function openCluster(cluster: string, binaries: Binaries): string {
  let major: string
  let password: string
  try {
    major = readFileSync(path.join(cluster, 'PG_VERSION'), 'utf8').trim()
    password = readPassword(cluster)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${cluster} is no PostgreSQL cluster of Puente's that this user may open: ${reason}`, { cause })
  }
  if (major !== String(binaries.major)) {
    throw new Error(
      `${cluster} was made by PostgreSQL ${major} and this is PostgreSQL ${binaries.major}: dump it with the Puente that made it, or choose another data folder`,
    )
  }
  return password
}

async function makeCluster(cluster: string, binaries: Binaries, account: Account | undefined, durable: boolean) {
  const temporary = temporaryPath(cluster)
  const passwordFile = `${temporary}-password`
  try {
    mkdirSync(temporary, { mode: 0o700 })
    writeFileSync(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
    for (const made of account === undefined ? [] : [temporary, passwordFile]) {
      chownSync(made, account?.uid ?? -1, account?.gid ?? -1)
    }
    const outcome = await run(
      path.join(binaries.folder, 'bin', 'initdb'),
      initdbArguments(temporary, passwordFile, durable),
      account,
    )
    if (outcome.failure !== undefined) throw new Error(`cannot make a PostgreSQL cluster: ${outcome.failure.reason}`)
    renameSync(passwordFile, path.join(temporary, passwordName))
    await rename(temporary, cluster).catch((error: unknown) => {
      // another start was faster: its cluster is as good as this one
      if (!existsSync(path.join(cluster, 'PG_VERSION'))) throw error
    })
    if (durable) await syncFolder(path.dirname(cluster))
  } finally {
    rmSync(temporary, { recursive: true, force: true })
    rmSync(passwordFile, { force: true })
  }
}

/** Sorting by code point wherever the cluster is made: an index never depends on the system's own collations. */
function initdbArguments(folder: string, passwordFile: string, durable: boolean): string[] {
  return [
    `--pgdata=${folder}`,
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--locale=C.UTF-8',
    // macOS has no C.UTF-8 of its own: there only PostgreSQL's builtin one has that name
    ...(process.platform === 'darwin' ? ['--locale=C', '--lc-ctype=en_US.UTF-8', '--builtin-locale=C.UTF-8'] : []),
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth-local=scram-sha-256',
    '--auth-host=reject',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ]
}

/** A rename is kept over a power failure only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
