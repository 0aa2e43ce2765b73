import { constants, existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { removeLeftovers, temporaryPath } from './temporary.ts'

/**
 * Makes the links between libraries that npm cannot pack and the package's install script, which is blocked, would
 * make. Several starts may do so at once.
 * @returns false when a link is missing and cannot be made here.
 */
export function recreateLinks(folder: string): boolean {
  const list = JSON.parse(readFileSync(path.join(folder, 'pg-symlinks.json'), 'utf8')) as readonly Link[]
  for (const { source, target } of list) {
    // both begin with `native/`, the name of this folder in the package
    const link = path.join(folder, path.relative('native', target))
    const aim = path.relative(path.dirname(target), source)
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue
    try {
      symlinkSync(aim, link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false
    }
  }
  return true
}

interface Link {
  readonly source: string
  readonly target: string
}

/**
 * Copies the binaries to `copy`, readable by all, and makes their links. The copy appears by one rename; when two
 * starts make it at once, the first stays. With `replace` a broken copy is moved out of the way and removed.
 * @returns why it could not be done, or undefined.
 */
export async function stage(folder: string, copy: string, replace: boolean): Promise<string | undefined> {
  const temporary = temporaryPath(copy)
  try {
    removeLeftovers(copy)
    await copyReadable(folder, temporary)
    if (!recreateLinks(temporary)) return `its libraries cannot be linked in ${temporary}`
    if (replace) await rename(copy, `${temporary}-replaced`).catch(() => undefined)
    await rename(temporary, copy).catch((error: unknown) => {
      if (!existsSync(copy)) throw error
    })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await rm(temporary, { recursive: true, force: true })
    await rm(`${temporary}-replaced`, { recursive: true, force: true })
  }
}

/** What only compilers need: a quarter of the files. */
const development = /\.a$|^pkgconfig$|^pgxs$|^include$/

async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (development.test(entry.name)) continue
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isDirectory()) {
      await copyReadable(source, target)
    } else if (entry.isFile()) {
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644)
    }
  }
}
