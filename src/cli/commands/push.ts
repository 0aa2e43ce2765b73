import { SingleBar } from 'cli-progress'
import { type Command, Option } from 'commander'
import { integer } from '../../config-values.ts'
import { limits } from '../../domain/limits.ts'
import { call, type Target } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { harmless } from '../output.ts'
import { type Input, openInputs, type PushFormat, pushFormats } from '../push/input.ts'
import {
  type PushObserver,
  type PushOptions,
  type PushSummary,
  partSize,
  pushFiles,
  type Refusal,
  Tally,
} from '../push/push.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'
import { addHandlingOptions, type HandlingOptions, handlingSaid } from './handling-options.ts'

interface Options extends ClientOptions, HandlingOptions {
  readonly format?: PushFormat
  readonly handling?: string
  readonly columns?: string
  readonly batch?: string
  readonly patience?: string
}

/** `puente push`: files into the node, as the account of the API key. */
export function addPush(program: Command, shell: Shell): void {
  const command = asClient(program.command('push <file...>'))
    .description(
      'publish files: CSV, lists, NDJSON, STIX 2.1, MISP, CAP, Shadowserver, IntelMQ, n6, OpenIOC; - is standard input',
    )
    .addOption(new Option('--format <format>', 'instead of looking at the files').choices(pushFormats))
    .option('--handling <name>', 'a handling profile of your organisation; the strictest of all that is said holds')
    .option('--columns <mapping>', 'what the columns of CSV are: value,type,-,class or value=IOC,lastSeen=Datum')
    .option('--batch <records>', `records of one request, 1 to 50000 (default ${limits.batchRecords})`)
    .option('--patience <seconds>', 'how long a part is tried again when the node is away (default 120)')
  addHandlingOptions(command).action(async (files: string[], options: Options) => {
    const target = targetOf(shell, options)
    const pushing = pushOptions(options, shell)
    const { inputs, release } = await openInputs(files, options.format, shell.stdin)
    try {
      await signIn(target)
      await push(shell, target, inputs, pushing, options.json === true)
    } finally {
      await release()
    }
  })
}

/** Says early, before anything is sent, that the node is away or the key is not good. */
async function signIn(target: Target): Promise<void> {
  if (target.apiKey === undefined) {
    throw new CommandError(exitCodes.unauthorised, 'publishing needs an API key: set PUENTE_API_KEY')
  }
  try {
    await call(target, '/v1/me')
  } catch (error) {
    // a key that may only write cannot ask who it is
    if (!(error instanceof CommandError && error.message.includes('scope_required'))) throw error
  }
}

async function push(shell: Shell, target: Target, inputs: readonly Input[], options: PushOptions, json: boolean) {
  const progress = openProgress(shell, inputs, json)
  const tally = new Tally()
  try {
    const summary = await pushFiles(target, inputs, options, progress, tally)
    progress.close()
    report(shell, summary, json)
    if (summary.rejected > 0) shell.exitWith(exitCodes.refused)
  } catch (error) {
    progress.close()
    report(shell, tally.summary(), json)
    shell.say('What was acknowledged is kept: the same command pushes the rest and leaves that as it is.')
    throw error
  }
}

/** A bar on a terminal, nothing on a pipe; refusals as they come, `file:line: code: message`. */
function openProgress(shell: Shell, inputs: readonly Input[], json: boolean): PushObserver & { close(): void } {
  const bar = shell.terminal.err
    ? new SingleBar({ format: '{bar} {percentage}% {value} of {total} bytes, {eta_formatted} left', hideCursor: true })
    : undefined
  bar?.start(
    Math.max(
      1,
      inputs.reduce((sum, { bytes }) => sum + bytes, 0),
    ),
    0,
  )
  return {
    refused: (refusal) => {
      if (json) return shell.print(JSON.stringify(flat(refusal)))
      // the line goes where the bar is, and the bar draws itself again below
      shell.say(`${bar === undefined ? '' : '\r\u001b[K'}${refusalLine(refusal)}`)
    },
    acknowledged: (bytes) => bar?.increment(bytes),
    close: () => bar?.stop(),
  }
}

/** `events.csv:17: invalid_value: …`; records of documents have a number from 0 and a pointer. */
export function refusalLine({ file, position, code, message }: Refusal): string {
  const { line, record, pointer } = position
  const where = line !== undefined ? `:${line}` : record !== undefined ? `:record ${record}` : ''
  return harmless(`${file}${where}${pointer ? ` ${pointer}` : ''}: ${code}: ${message}`)
}

const flat = ({ position, ...refusal }: Refusal) => ({ ...refusal, ...position })

function report(shell: Shell, summary: PushSummary, json: boolean): void {
  const { files, accepted, unchanged, rejected } = summary
  const what = files === 1 ? 'file' : 'files'
  const line = `${files} ${what}: ${accepted} accepted, ${unchanged} unchanged, ${rejected} rejected`
  shell.print(json ? JSON.stringify(summary) : line)
}

function pushOptions(options: Options, shell: Shell): PushOptions {
  const { columns, handling } = options
  return {
    query: { ...handlingSaid(options), columns, handling },
    size: partSize(integer('--batch', options.batch, limits.batchRecords, 1, 50_000)),
    patience: {
      forMs: integer('--patience', options.patience, 120, 0, 86_400) * 1000,
      onWait: (reason, ms) => shell.say(`waiting ${Math.ceil(ms / 1000)} s: ${harmless(reason)}`),
    },
  }
}
