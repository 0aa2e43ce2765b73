import type { Context } from '../actions/index.ts'
import { Fault } from '../domain/errors.ts'
import { dataFolderOf, migrateDatabase, openContext, openDatabase } from '../main.ts'
import { AlreadyRunning } from '../store/embedded/postmaster.ts'
import { notStarted } from './commands/serve.ts'
import { CommandError, exitCodes } from './exit.ts'
import { openLog } from './log.ts'
import type { Shell } from './shell.ts'

/** Works on the database of the node itself, not over the network. @param running what to do while a node runs on the embedded one */
export async function atTheMachine<T>(
  { config, secrets }: Shell,
  running: string,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const log = openLog('warn')
  const database = await openDatabase(secrets, { dataFolder: dataFolderOf(config), durable: true }, log).catch(
    (error) => {
      const why = error instanceof AlreadyRunning ? `. ${running}` : ''
      throw new CommandError(exitCodes.unreachable, notStarted(error) + why, { cause: error })
    },
  )
  try {
    await migrateDatabase(database)
    const context = await openContext(database, config, log)
    try {
      return await work(context)
    } finally {
      await context.close()
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    if (error instanceof Fault)
      throw new CommandError(exitCodes.refused, `${error.message} (${error.code})`, { cause: error })
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  } finally {
    await database.stop()
  }
}
