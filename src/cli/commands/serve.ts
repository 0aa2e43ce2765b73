import { type Command, Option } from 'commander'
import { integer, listeningAt } from '../../config-values.ts'
import { wordsOf } from '../../domain/error-words.ts'
import { serve } from '../../main.ts'
import { isOneOfSeveral } from '../../processes.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import type { Shell } from '../shell.ts'

interface ServeOptions {
  readonly host?: string
  readonly port?: string
  readonly processes?: string
}

/** `puente serve`: a node, until it is told to stop. */
export function addServe(program: Command, { config, secrets }: Shell): void {
  program
    .command('serve')
    .description('run a node until SIGTERM or Ctrl-C; its log goes to standard error')
    .addOption(new Option('--host <address>', 'instead of PUENTE_HOST'))
    .addOption(new Option('--port <port>', 'instead of PUENTE_PORT; 0 takes a free one'))
    .addOption(new Option('--processes <number>', 'instead of PUENTE_PROCESSES: so many, behind one port'))
    .action(async ({ host = config.host, port, processes }: ServeOptions) => {
      const chosen = {
        // One of several is told its port by the one that started it.
        ...listeningAt(config, host, integer('--port', isOneOfSeveral() ? undefined : port, config.port, 0, 65_535)),
        processes: integer('--processes', processes, config.processes, 1, 64),
      }
      try {
        await serve(chosen, secrets, openLog(config.logLevel))
      } catch (error) {
        throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
      }
    })
}

/** Why a node did not start, with the reasons under it. */
export function notStarted(error: unknown): string {
  const reasons: string[] = []
  for (let each = error; each instanceof Error; each = each.cause) {
    // SQLSTATE undefined_table
    if ('code' in each && each.code === '42P01') return 'The database was never set up: `puente setup` does that.'
    reasons.push(wordsOf(each).message)
  }
  return reasons
    .filter((reason, i) => reason !== '' && !reasons.slice(0, i).some((all) => all.includes(reason)))
    .join(': ')
}
