import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type EmbeddedPostgres, startEmbedded } from './start.ts'
import { removeLeftovers, temporaryPath } from './temporary.ts'

/**
 * A cluster for tests and trials: fsync off, in a new temporary folder that `stop` removes. A folder that a killed
 * process left is removed by the next call.
 * @throws Error as {@link startEmbedded}.
 */
export async function startThrowAway(): Promise<EmbeddedPostgres> {
  const name = path.join(tmpdir(), 'puente-throw-away')
  removeLeftovers(name)
  const dataFolder = temporaryPath(name)
  const server = await startEmbedded({ dataFolder, durable: false })
  const stop = async () => {
    await server.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
  return { ...server, stop }
}
