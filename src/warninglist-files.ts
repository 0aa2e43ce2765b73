import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { type Context, loadWarninglist } from './actions/index.ts'
import { Fault } from './domain/errors.ts'

/** Largest file that is read as a warninglist. */
const fileBytes = 64 * 1024 * 1024

export interface LoadedFile {
  readonly file: string
  readonly name?: string
  readonly entries?: number
  readonly changed?: boolean
  /** Why it was not taken. */
  readonly refused?: string
}

/**
 * Loads warninglists from files and, below folders, from every `*.json`, as MISP's repository lies on disk. What is none is told with its
 * reason, and the others go on.
 * @throws for a path that cannot be read
 */
export async function* loadWarninglists(context: Context, paths: readonly string[]): AsyncGenerator<LoadedFile> {
  for (const place of paths) {
    const isFolder = (await stat(place)).isDirectory()
    const files = isFolder ? (await readdir(place, { recursive: true })).filter((name) => name.endsWith('.json')) : ['']
    for (const name of files.sort()) yield await loadOne(context, path.join(place, name))
  }
}

async function loadOne(context: Context, file: string): Promise<LoadedFile> {
  if ((await stat(file)).size > fileBytes) return { file, refused: `It is larger than ${fileBytes} bytes.` }
  try {
    return { file, ...(await loadWarninglist(context, await readFile(file))) }
  } catch (error) {
    if (error instanceof Fault && error.kind !== 'unavailable') return { file, refused: error.message }
    throw error
  }
}
