import type { Command } from 'commander'
import { dataFolderOf, migrateDatabase, openDatabase } from '../../main.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import type { Shell } from '../shell.ts'
import { notStarted } from './serve.ts'

/** `puente migrate`: brings the database to the newest schema, as `serve` does when it starts. */
export function addMigrate(program: Command, shell: Shell): void {
  program
    .command('migrate')
    .description('bring the database to the newest schema (serve does so itself when it starts)')
    .option('--json', 'for machines: one JSON document')
    .action(async ({ json }: { json?: boolean }) => {
      const applied = await migrateNow(shell)
      if (json === true) shell.print(JSON.stringify({ applied }))
      else shell.print(applied.length === 0 ? 'the schema is up to date' : `applied: ${applied.join(', ')}`)
    })
}

async function migrateNow({ config, secrets }: Shell): Promise<string[]> {
  try {
    const database = await openDatabase(secrets, { dataFolder: dataFolderOf(config), durable: true }, openLog('warn'))
    try {
      return await migrateDatabase(database)
    } finally {
      await database.stop()
    }
  } catch (error) {
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  }
}
