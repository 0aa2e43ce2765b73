import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Account } from './account.ts'

/** How the name of a socket folder begins: only such folders are ever removed. */
export const socketFolderPrefix = 'puente-pg-'

/** `sun_path` of macOS holds 103 bytes and a zero (Linux: 107); the socket's own name takes 15 and a slash. */
const folderBytes = 103 - '/.s.PGSQL.5432'.length

/**
 * A new private folder (0700) with a short path for the server's socket, owned by its account. Root may enter it too.
 * `/tmp` first, because TMPDIR may be long.
 * @throws Error when no temporary folder can be written to.
 */
export function makeSocketFolder(account: Account | undefined): string {
  let reason: unknown = 'the paths are too long'
  for (const parent of ['/tmp', tmpdir()]) {
    const template = path.join(parent, socketFolderPrefix)
    if (Buffer.byteLength(template) + 6 > folderBytes) continue
    try {
      const folder = mkdtempSync(template)
      if (account !== undefined) chownSync(folder, account.uid, account.gid)
      return folder
    } catch (error) {
      reason = error instanceof Error ? error.message : error
    }
  }
  throw new Error(`no folder for PostgreSQL's socket can be made in /tmp or ${tmpdir()}: ${reason}`)
}

/** Removes a folder that {@link makeSocketFolder} made, with what is in it; leaves any other folder alone. */
export function removeSocketFolder(folder: string): void {
  if (path.basename(folder).startsWith(socketFolderPrefix)) rmSync(folder, { recursive: true, force: true })
}
