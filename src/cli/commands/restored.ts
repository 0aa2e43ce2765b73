import type { Command } from 'commander'
import { dataFolderOf, migrateDatabase, openDatabase, restored } from '../../main.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import type { Shell } from '../shell.ts'
import { notStarted } from './serve.ts'

/** `puente restored`: gives the feed a new epoch, after a copy was put back that nothing tells from the original. */
export function addRestored(program: Command, shell: Shell): void {
  program
    .command('restored')
    .description('after a backup was put back, before the node serves: cursors from before are refused')
    .action(async () => {
      await renewEpoch(shell)
      shell.print('The feed has a new epoch: whoever follows it begins again.')
    })
}

async function renewEpoch({ config, secrets }: Shell): Promise<void> {
  const log = openLog('warn')
  try {
    const database = await openDatabase(secrets, { dataFolder: dataFolderOf(config), durable: true }, log)
    try {
      await migrateDatabase(database)
      await restored(database, config, log)
    } finally {
      await database.stop()
    }
  } catch (error) {
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  }
}
