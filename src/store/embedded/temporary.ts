import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { identityOf, isAlive } from './process-identity.ts'

const infix = '.new-'

/**
 * A path beside `final` to prepare something under, before one rename makes it real. It carries the identity of this
 * process, so that {@link removeLeftovers} can tell what a killed process left from what a living one is preparing.
 */
export function temporaryPath(final: string): string {
  return `${final}${infix}${identityOf(process.pid) ?? process.pid}-${randomBytes(4).toString('hex')}`
}

/**
 * Removes what processes that died left of their preparations for `final`; what cannot be removed now (a program they
 * started may still be writing) is left for the next time.
 */
export function removeLeftovers(final: string): void {
  const folder = path.dirname(final)
  const prefix = path.basename(final) + infix
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix)) continue
    const identity = name.slice(prefix.length).split('-')[0] ?? ''
    if (isAlive(identity)) continue
    try {
      rmSync(path.join(folder, name), { recursive: true, force: true })
    } catch {}
  }
}
