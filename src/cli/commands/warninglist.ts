import type { Command } from 'commander'
import { removeWarninglist } from '../../actions/index.ts'
import type { WarninglistFacts } from '../../actions/warninglists.ts'
import { type LoadedFile, loadWarninglists } from '../../warninglist-files.ts'
import { atTheMachine } from '../at-the-machine.ts'
import { call } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { printRows } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

const running = 'While the node runs on it, name a folder in PUENTE_WARNINGLISTS and start the node again'

/** `puente warninglist`: lists of known values, in MISP's format. Loading and removing work on the database. */
export function addWarninglist(program: Command, shell: Shell): void {
  const warninglist = program
    .command('warninglist')
    .description('lists of known values, which no blocklist holds and which are shown beside indicators')

  warninglist
    .command('load <path...>')
    .description("files in MISP's format, or folders of them; works on the database, not over the network")
    .option('--json', 'for machines: a JSON document a file')
    .action(async (paths: string[], { json }: { json?: boolean }) => {
      const loaded = await atTheMachine(shell, running, (context) => allOf(loadWarninglists(context, paths)))
      if (loaded.some(({ refused }) => refused !== undefined)) shell.exitWith(exitCodes.refused)
      printRows(shell, json, loaded, [
        ['FILE', ({ file }) => file],
        ['NAME', ({ name }) => name],
        ['ENTRIES', ({ entries }) => entries],
        ['', ({ changed, refused }) => refused ?? (changed === true ? 'loaded' : 'as it was')],
      ])
    })

  asClient(warninglist.command('list').description('those of the node')).action(async (options: ClientOptions) => {
    const { items } = await call<{ items: WarninglistFacts[] }>(targetOf(shell, options), '/v1/warninglists')
    printRows(shell, options.json, items, [
      ['NAME', ({ name }) => name],
      ['KIND', ({ kind }) => kind],
      ['ENTRIES', ({ entries }) => entries],
      ['VERSION', ({ version }) => version],
      ['LOADED', ({ loadedAt }) => loadedAt],
    ])
  })

  warninglist
    .command('remove <name>')
    .description('take one away; works on the database, not over the network')
    .option('--json', 'for machines: one JSON document')
    .action(async (name: string, { json }: { json?: boolean }) => {
      const removed = await atTheMachine(shell, running, (context) => removeWarninglist(context, name))
      if (!removed) throw new CommandError(exitCodes.refused, `there is no warninglist "${name}"`)
      shell.print(json === true ? JSON.stringify({ removed: name }) : `removed ${name}`)
    })
}

async function allOf(loading: AsyncIterable<LoadedFile>): Promise<LoadedFile[]> {
  const all: LoadedFile[] = []
  try {
    for await (const one of loading) all.push(one)
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EACCES')
      throw new CommandError(exitCodes.usage, `${path} cannot be read (${code})`)
    throw error
  }
  return all
}
