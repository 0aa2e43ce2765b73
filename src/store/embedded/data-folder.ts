import { chmodSync, mkdirSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** What {@link defaultDataFolder} must know of the machine. The caller reads it: this room reads no environment. */
export interface FolderFacts {
  /** `process.getuid()`; 0 is root. */
  readonly uid: number
  /** The checkout, when it may be written to. */
  readonly projectFolder?: string
  /** `XDG_DATA_HOME`, as found. */
  readonly xdgDataHome?: string
  readonly homeFolder: string
}

/** Where a node keeps its data as root; PostgreSQL runs under another account, which cannot enter root's home. */
const systemDataFolder = '/var/lib/puente'

/**
 * The data folder of a node that was not told one. Root: `/var/lib/puente`. Anyone else: `.puente` in the checkout, so
 * that two checkouts are two nodes; without a writable checkout `puente` under `XDG_DATA_HOME`, which counts only when
 * absolute and is `~/.local/share` when missing (XDG Base Directory Specification 0.8).
 */
export function defaultDataFolder(facts: FolderFacts): string {
  if (facts.uid === 0) return systemDataFolder
  if (facts.projectFolder !== undefined) return path.join(facts.projectFolder, '.puente')
  const xdg = facts.xdgDataHome
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(facts.homeFolder, '.local', 'share')
  return path.join(base, 'puente')
}

/**
 * Makes the data folder where missing and returns its real path. Root's may be entered by others (0711), for the
 * account PostgreSQL runs under; anyone else's is private (0700). The mode of an existing folder is left alone.
 * @throws Error that says what to do, when the folder cannot be made.
 */
export function openDataFolder(folder: string, uid: number): string {
  const mode = uid === 0 ? 0o711 : 0o700
  try {
    // mkdir's mode passes through the umask, chmod's does not
    if (mkdirSync(folder, { recursive: true, mode }) !== undefined) chmodSync(folder, mode)
    return realpathSync(folder)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `cannot make the data folder ${folder} (${reason}); choose another data folder, or set DATABASE_URL to a PostgreSQL of your own`,
      { cause },
    )
  }
}
