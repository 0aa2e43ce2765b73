import { type Command, Option } from 'commander'
import type { Log } from '../../actions/index.ts'
import { setUp } from '../../actions/set-up.ts'
import { databaseUrl, integer } from '../../config-values.ts'
import { Fault } from '../../domain/errors.ts'
import { type Tlp, tlps } from '../../domain/tlp.ts'
import { untilSignal } from '../../main.ts'
import type { Target } from '../client.ts'
import * as cast from '../demo/cast.ts'
import { type PublishFiles, playFederation, type RunningRegion, startRegion } from '../demo/federation/index.ts'
import { type Narrator, narratorFor, silent } from '../demo/narrator.ts'
import { type DemoNode, startDemoNode } from '../demo/node.ts'
import { type DemoAccount, seedDirectory } from '../demo/seed.ts'
import { publisherOf, seedFiles, seedIndicators } from '../demo/seed-indicators.ts'
import { Stage } from '../demo/stage.ts'
import { playCase, playTranscript, type StepResult } from '../demo/transcript.ts'
import { tellRegion, tellWelcome } from '../demo/welcome.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import { openInputs } from '../push/input.ts'
import type { Shell } from '../shell.ts'
import { notStarted } from './serve.ts'

interface DemoOptions {
  readonly port?: string
  readonly data?: readonly string[]
  readonly tlp: Tlp
  readonly database?: string
  readonly check?: boolean
  readonly case?: boolean
  readonly federation?: boolean
  readonly json?: boolean
}

/** `puente demo`: a node with people, agreements and indicators to try, and the main job told in a minute. */
export function addDemo(program: Command, shell: Shell): void {
  program
    .command('demo')
    .description('a throw-away node with an invented cast and the main job told step by step; runs until Ctrl-C')
    .option('--port <port>', 'the usual one, or a free one where that is taken, when absent')
    .option('--data <file...>', 'publish these files, as CERT.br, instead of invented indicators')
    .addOption(new Option('--tlp <tlp>', 'for what those files do not mark').choices(tlps).default('green'))
    .option('--database <url>', 'an empty PostgreSQL; without it a new embedded one is made, and removed at the end')
    .option('--case', 'play a case of law enforcement instead: from a legal request to the claw-back')
    .addOption(
      new Option(
        '--federation',
        'play three nodes in three countries instead: a link cut and healed, a recall',
      ).conflicts(['case', 'database', 'port']),
    )
    .option('--check', 'play the transcript, stop, and end with 0 when every statement held')
    .option('--json', 'for machines: one JSON line when the node is ready, or what --check found')
    .action(async (options: DemoOptions) => {
      // the story is for people: of the log only what went wrong
      const log = openLog('warn')
      const stopped = untilSignal(log)
      const narrator = options.json === true ? silent : narratorFor(shell)
      const demo = options.federation === true ? federated : single
      const playing = await demo(shell, options, narrator, log)
      try {
        // a signal ends the demo wherever it is; a check that did not come to its end has not held
        const played = playing.play(stopped).then(() => true)
        const finished = await Promise.race([played, stopped.then(() => options.check !== true)])
        if (!finished) shell.exitWith(exitCodes.refused)
      } finally {
        await playing.stop()
      }
    })
}

/** What runs, and the story about it. */
interface Playing {
  play(stopped: Promise<void>): Promise<void>
  stop(): Promise<void>
}

async function single(shell: Shell, options: DemoOptions, narrator: Narrator, log: Log): Promise<Playing> {
  narrator.line('Making a node, its database and its people: a few seconds …')
  const node = await start(shell, options, log)
  return { play: (stopped) => run(shell, node, options, narrator, stopped), stop: node.stop }
}

async function federated(shell: Shell, options: DemoOptions, narrator: Narrator, log: Log): Promise<Playing> {
  narrator.line('Making three nodes, each a process with its database and its people: some seconds …')
  const running = await startRegion(shell.config, narrator, log).catch((error: unknown) => {
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  })
  return { play: (stopped) => runRegion(shell, running, options, narrator, stopped), stop: running.stop }
}

async function runRegion(
  shell: Shell,
  { region, nodes, folder }: RunningRegion,
  options: DemoOptions,
  narrator: Narrator,
  stopped: Promise<void>,
): Promise<void> {
  narrator.heading('Three Puente nodes: Brazil, Chile, Mexico')
  narrator.line(
    `Their databases are new, in ${folder}, and removed at the end. Every value and agreement is invented or reserved.`,
  )
  const { data, tlp } = options
  const files: PublishFiles = (target) => publishFiles(shell, target, data ?? [], tlp)
  report(shell, narrator, await playFederation(region, data === undefined ? undefined : files), options)
  if (options.check === true) return
  if (options.json === true) {
    const told = nodes.map(({ country, url, nodeId, adminKey, personKey }) => ({
      ...{ country: country.team.jurisdiction, url, node: nodeId },
      accounts: { [country.person.id]: personKey, administrator: adminKey },
    }))
    shell.print(JSON.stringify({ nodes: told }))
  } else tellRegion(narrator, nodes)
  await stopped
}

async function start({ config }: Shell, { port, database }: DemoOptions, log: Log): Promise<DemoNode> {
  const url = databaseUrl(database, '--database')
  const options = {
    ...(port === undefined ? {} : { port: integer('--port', port, 0, 0, 65_535) }),
    ...(url === undefined ? {} : { databaseUrl: url }),
  }
  try {
    return await startDemoNode(config, options, log)
  } catch (error) {
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  }
}

async function run(
  shell: Shell,
  node: DemoNode,
  options: DemoOptions,
  narrator: Narrator,
  stopped: Promise<void>,
): Promise<void> {
  const accounts = await seedDirectory(node.url, await operatorOf(node))
  const indicators = await publishAll(shell, node, options, accounts)
  narrator.heading(`A Puente node with ${accounts.length} accounts and ${indicators} indicators`)
  narrator.line(whereFrom(node, options))
  if (options.json === true && options.check !== true) {
    shell.print(JSON.stringify({ url: node.url, accounts }))
    return await stopped
  }
  const stage = new Stage(node.url, accounts, narrator)
  const results = await (options.case === true ? playCase(stage) : playTranscript(stage))
  report(shell, narrator, results, options)
  if (options.check === true) return
  tellWelcome(narrator, node.url, accounts)
  await stopped
}

async function operatorOf({ context }: DemoNode) {
  const { id, name, kind, jurisdiction } = cast.operator
  try {
    return (await setUp(context, { organisation: { id, name, kind, jurisdiction } })).accounts
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const advice = `${error.message} The demo wants an empty database: choose another with --database, or none.`
    throw new CommandError(exitCodes.refused, advice, { cause: error })
  }
}

async function publishAll(shell: Shell, node: DemoNode, { data, tlp }: DemoOptions, accounts: readonly DemoAccount[]) {
  if (data === undefined) return await seedIndicators(node.url, accounts, node.context.clock())
  return await publishFiles(shell, publisherOf(node.url, accounts, 'cert-br'), data, tlp)
}

async function publishFiles(shell: Shell, target: Target, data: readonly string[], tlp: Tlp): Promise<number> {
  const { inputs, release } = await openInputs(data, undefined, shell.stdin)
  try {
    const { summary, refusals } = await seedFiles(target, inputs, tlp)
    for (const [code, count] of refusals) shell.say(`${count} records were refused: ${code}`)
    if (refusals.size > 0) shell.say('(puente push names each of them, with its position and the reason)')
    return summary.accepted
  } finally {
    await release()
  }
}

function whereFrom({ folder }: DemoNode, { data }: DemoOptions): string {
  const place =
    folder === undefined ? 'On the database given.' : `Its database is new, in ${folder}, and removed at the end.`
  return data === undefined ? `${place} Every value, name and agreement is invented or reserved.` : place
}

function report(shell: Shell, narrator: Narrator, results: readonly StepResult[], { check, json }: DemoOptions): void {
  const failed = results.find(({ failure }) => failure !== undefined)
  if (check === true && json === true) shell.print(JSON.stringify({ ok: failed === undefined, steps: results }))
  if (failed !== undefined) {
    throw new CommandError(exitCodes.refused, `the step "${failed.step}" failed: ${failed.failure ?? ''}`)
  }
  narrator.heading(`All ${results.length} steps hold.`)
}
