import type { Log } from '../../../actions/index.ts'
import type { Config } from '../../../config.ts'
import type { Narrator } from '../narrator.ts'
import { type Enrolled, fillDirectory } from './enrol.ts'
import { startCountryNodes } from './nodes.ts'
import { Region } from './region.ts'

export { type PublishFiles, playFederation } from './scenes.ts'

export interface RunningRegion {
  readonly region: Region
  readonly nodes: readonly Enrolled[]
  readonly folder: string
  stop(): Promise<void>
}

/** Three countries, each with its node and its directory; their nodes do not know of each other yet. */
export async function startRegion(config: Config, narrator: Narrator, log: Log): Promise<RunningRegion> {
  const started = await startCountryNodes(config, log)
  try {
    const nodes = await Promise.all(started.nodes.map(fillDirectory))
    return { region: new Region(nodes, narrator), nodes, folder: started.folder, stop: started.stop }
  } catch (error) {
    await started.stop()
    throw error
  }
}
