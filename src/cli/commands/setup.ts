import { type Command, Option } from 'commander'
import { type SetUp, setUp } from '../../actions/set-up.ts'
import { Fault } from '../../domain/errors.ts'
import { type OrganisationKind, organisationKinds } from '../../domain/organisation.ts'
import { dataFolderOf, migrateDatabase, openContext, openDatabase } from '../../main.ts'
import { AlreadyRunning } from '../../store/embedded/postmaster.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import { printRows } from '../output.ts'
import type { Shell } from '../shell.ts'
import { notStarted } from './serve.ts'

interface SetupOptions {
  readonly organisation: string
  readonly name: string
  readonly kind: OrganisationKind
  readonly jurisdiction: string
  readonly json?: boolean
}

/** `puente setup`: the operator of an empty node, with its first two accounts. Works on the database, not over the network. */
export function addSetup(program: Command, shell: Shell): void {
  program
    .command('setup')
    .description('make an organisation the operator of an empty node; prints the keys of its first accounts, once')
    .requiredOption('--organisation <id>', 'a slug, such as lacnic')
    .requiredOption('--name <name>', 'as people write it')
    .addOption(new Option('--kind <kind>', 'what it is').choices(organisationKinds).makeOptionMandatory())
    .requiredOption('--jurisdiction <code>', 'the law it is under: ISO 3166-1 alpha-2, such as UY')
    .option('--json', 'for machines: one JSON document')
    .action(async (options: SetupOptions) => {
      const { accounts } = await setUpNow(shell, options)
      if (options.json === true) return shell.print(JSON.stringify({ accounts }))
      printRows(shell, false, accounts, [
        ['ACCOUNT', ({ id }) => id],
        ['ROLES', ({ roles }) => roles.join(', ')],
      ])
      shell.print('')
      for (const { id, apiKey } of accounts) shell.print(`# ${id}\nexport PUENTE_API_KEY=${apiKey}`)
      shell.say('\nKeep these keys: they are shown this once. The administrator enrols organisations and accounts,')
      shell.say('the policy officer founds communities and enters agreements.')
    })
}

async function setUpNow(
  { config, secrets }: Shell,
  { organisation: id, name, kind, jurisdiction }: SetupOptions,
): Promise<SetUp> {
  const log = openLog('warn')
  const database = await openDatabase(secrets, { dataFolder: dataFolderOf(config), durable: true }, log).catch(
    (error) => {
      const why = error instanceof AlreadyRunning ? '. Set a node up before it serves, or use DATABASE_URL' : ''
      throw new CommandError(exitCodes.unreachable, notStarted(error) + why, { cause: error })
    },
  )
  try {
    await migrateDatabase(database)
    const context = await openContext(database, config, log)
    try {
      return await setUp(context, { organisation: { id, name, kind, jurisdiction } })
    } finally {
      await context.close()
    }
  } catch (error) {
    if (error instanceof Fault)
      throw new CommandError(exitCodes.refused, `${error.message} (${error.code})`, { cause: error })
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  } finally {
    await database.stop()
  }
}
