import { readFileSync, statSync } from 'node:fs'

/** The system account PostgreSQL runs under when Puente itself runs as root: PostgreSQL refuses to be root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * The account for a cluster, or `undefined` when the process is not root and PostgreSQL simply runs as its user.
 * An existing cluster keeps its owner, even if a `postgres` account appeared later; a new one gets `postgres`, else
 * `nobody`.
 * @throws Error when the system has neither, or when an ordinary user does not own the cluster.
 */
export function accountFor(clusterFolder: string, uid: number): Account | undefined {
  const owner = statSync(clusterFolder, { throwIfNoEntry: false })
  if (uid !== 0) {
    if (owner !== undefined && owner.uid !== uid)
      throw new Error(`${clusterFolder} belongs to uid ${owner.uid}, not ${uid}`)
    return undefined
  }
  const accounts = parsePasswd(readFileSync('/etc/passwd', 'utf8'))
  if (owner !== undefined && owner.uid !== 0) {
    const known = accounts.find((account) => account.uid === owner.uid)
    return known ?? { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  }
  const account = ['postgres', 'nobody'].flatMap((name) => accounts.find((one) => one.name === name) ?? [])[0]
  if (account === undefined) {
    throw new Error(
      'PostgreSQL refuses to run as root, and this system has neither an account postgres nor nobody; run Puente as an ordinary user or set DATABASE_URL',
    )
  }
  return account
}

/** The accounts of a passwd(5) file, without root's. Ids are unsigned: macOS writes nobody as -2. */
export function parsePasswd(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    if (!name || !uid || !gid || name.startsWith('#')) return []
    const account = { name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
    return account.uid === 0 ? [] : [account]
  })
}
