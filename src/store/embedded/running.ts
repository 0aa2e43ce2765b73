import path from 'node:path'
import { clusterName, readPassword, superuser } from './cluster.ts'
import { socketOfRunning } from './postmaster.ts'

/** Where a server on the socket answers, for the superuser. */
export const urlAt = (socketFolder: string, password: string): string =>
  `postgres://${superuser}:${password}@localhost/${superuser}?host=${encodeURIComponent(socketFolder)}`

/**
 * The URL of the embedded database that another process of this machine runs on the data folder; undefined when none does.
 * @throws Error when this user may not open it
 */
export function runningEmbedded(dataFolder: string): string | undefined {
  const cluster = path.join(path.resolve(dataFolder), clusterName)
  const socketFolder = socketOfRunning(cluster)
  return socketFolder === undefined ? undefined : urlAt(socketFolder, readPassword(cluster))
}
