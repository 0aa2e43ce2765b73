import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { readConfig, variables } from '../config.ts'
import { ConfigurationError } from '../config-values.ts'
import { wordsOf } from '../domain/error-words.ts'
import { version } from '../main.ts'
import { addAccount } from './commands/account.ts'
import { addAgreement } from './commands/agreement.ts'
import { addAssistance } from './commands/assistance.ts'
import { addAttribution } from './commands/attribution.ts'
import { addAudit } from './commands/audit.ts'
import { addBlocklist } from './commands/blocklist.ts'
import { addClient } from './commands/client.ts'
import { addCommunity } from './commands/community.ts'
import { addDemo } from './commands/demo.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExport } from './commands/export.ts'
import { addHandling } from './commands/handling.ts'
import { addIdentity } from './commands/identity.ts'
import { addKey } from './commands/key.ts'
import { addLookup } from './commands/lookup.ts'
import { addMigrate } from './commands/migrate.ts'
import { addOrg } from './commands/org.ts'
import { addPeer } from './commands/peer.ts'
import { addPush } from './commands/push.ts'
import { addReply } from './commands/reply.ts'
import { addRequest } from './commands/request.ts'
import { addRestored } from './commands/restored.ts'
import { addRetention } from './commands/retention.ts'
import { addServe } from './commands/serve.ts'
import { addSetup } from './commands/setup.ts'
import { addSight } from './commands/sight.ts'
import { addWarninglist } from './commands/warninglist.ts'
import { addWebhook } from './commands/webhook.ts'
import { addWiden } from './commands/widen.ts'
import { CommandError, type ExitCode, exitCodes, exitCodesText } from './exit.ts'
import { aligned } from './output.ts'
import type { Shell } from './shell.ts'

/** Where a command line runs; {@link run} adds the exit code. */
export type World = Omit<Shell, 'exitWith'>

/**
 * Runs one command line.
 * @param argv without `node` and the script
 * @param world this process when absent
 * @returns the exit code, as {@link exitCodes} has them
 */
export async function run(argv: readonly string[], world: () => World = thisProcess): Promise<ExitCode> {
  let ending: ExitCode = exitCodes.ok
  let say = (line: string): void => void process.stderr.write(`${line}\n`)
  try {
    const shell: Shell = {
      ...world(),
      exitWith: (code) => {
        ending = code
      },
    }
    say = shell.say
    await program(shell).parseAsync(argv, { from: 'user' })
    return ending
  } catch (error) {
    return explained(error, say)
  }
}

function thisProcess(): World {
  // `puente lookup … | head` closes the pipe: that is no error worth a stack
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCodes.ok)
  })
  return {
    ...readConfig(),
    stdin: process.stdin,
    terminal: { out: process.stdout.isTTY === true, err: process.stderr.isTTY === true },
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
  }
}

/** Every command, in the order in which `--help` lists them. */
function program(shell: Shell): Command {
  const puente = new Command('puente')
    .description('Share threat indicators across borders, lawfully.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => shell.print(text.trimEnd()), writeErr: (text) => shell.say(text.trimEnd()) })
    .showHelpAfterError('(--help shows what is possible)')
    .addHelpText('after', `\nEnvironment:\n${environmentText()}\n\n${exitCodesText}`)
  for (const add of [addServe, addDemo, addSetup, addMigrate, addRestored, addDoctor]) add(puente, shell)
  for (const add of [addPush, addLookup, addSight, addWebhook]) add(puente, shell)
  for (const add of [
    addOrg,
    addAccount,
    addKey,
    addCommunity,
    addHandling,
    addClient,
    addAgreement,
    addIdentity,
    addPeer,
  ])
    add(puente, shell)
  for (const add of [addRequest, addExport, addRetention, addAssistance, addReply, addAttribution, addWiden])
    add(puente, shell)
  for (const add of [addBlocklist, addWarninglist]) add(puente, shell)
  addAudit(puente, shell)
  return puente
}

const environmentText = (): string =>
  aligned(
    variables.map(({ name, default: otherwise, description }) => [`  ${name}`, `${description} [${otherwise}]`]),
  ).join('\n')

/** The end of a command that did not go well: a sentence for what is known, a stack for a bug. */
/** An error that nobody expected, with the reasons under it. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error)
  const { message, stack = message } = wordsOf(error)
  return error.cause === undefined ? stack : `${stack}\n  because: ${told(error.cause)}`
}

function explained(error: unknown, say: (line: string) => void): ExitCode {
  // commander has printed its own
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  const known = error instanceof ConfigurationError || error instanceof CommandError
  say(known ? `puente: ${error.message}` : told(error))
  if (error instanceof CommandError) return error.exitCode
  return error instanceof ConfigurationError ? exitCodes.usage : exitCodes.refused
}
