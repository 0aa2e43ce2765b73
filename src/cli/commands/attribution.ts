import type { Command } from 'commander'
import type { AttributionPage } from '../../actions/attribution-requests.ts'
import type { AttributionView } from '../../actions/attribution-view.ts'
import { call, path } from '../client.ts'
import { harmless, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface AskOptions extends ClientOptions {
  readonly reason: string
  readonly source?: string
}

const place = (...more: readonly string[]) => path('v1', 'attribution-requests', ...more)

const steps: readonly (readonly [word: string, does: string])[] = [
  ['approve', 'approve it, for the node or for the source'],
  ['refuse', 'refuse it; says why with --note'],
  ['withdraw', 'withdraw what you asked'],
]

/** `puente attribution`: requests to be told who a source is. */
export function addAttribution(program: Command, shell: Shell): void {
  const attribution = program.command('attribution').description('who an anonymous source is: ask, and decide')

  asClient(attribution.command('ask <indicator>').description('ask to be told; prints the id of the request'))
    .requiredOption('--reason <text>', 'why')
    .option('--source <alias>', 'where several published under one id')
    .action(async (indicator: string, { reason, source, ...options }: AskOptions) => {
      const body = { indicator, reason, ...(source === undefined ? {} : { source }) }
      const asked = await call<AttributionView>(targetOf(shell, options), place(), { method: 'POST', body })
      shell.print(options.json === true ? JSON.stringify(asked) : asked.id)
    })

  asClient(attribution.command('list').description('those in which you have a part, the newest first'))
    .option('--queue', 'only what waits for your decision')
    .action(async ({ queue, ...options }: ClientOptions & { queue?: boolean }) => {
      const to = `${place()}${queue === true ? '?queue=true' : ''}`
      const { items, next } = await call<AttributionPage>(targetOf(shell, options), to)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['STATE', ({ state }) => state],
        ['INDICATOR', ({ indicator }) => indicator],
        ['ALIAS', ({ alias }) => alias],
        ['ASKED BY', ({ account }) => account],
        ['ENDS', ({ expiresAt }) => expiresAt],
      ])
      if (next !== undefined) shell.say(`there are older ones than ${next}`)
    })

  asClient(
    attribution.command('show <id>').description('one; with the source, if you asked and it was approved'),
  ).action(async (id: string, options: ClientOptions) => {
    const { steps, originator, ...shown } = await call<AttributionView>(targetOf(shell, options), place(id))
    if (options.json === true) return shell.print(JSON.stringify({ ...shown, originator, steps }))
    const source = originator === undefined ? {} : { source: `${originator.id}, ${originator.name}` }
    printThing(shell, false, { ...shown, ...source })
    for (const { at, step, side, account = 'the clock', note } of steps)
      shell.print(harmless(`${at}  ${step}  ${side}  ${account}  ${note}`.trimEnd()))
  })

  for (const [word, does] of steps) {
    asClient(attribution.command(`${word} <id>`).description(does))
      .option('--note <text>', 'what is said')
      .action(async (id: string, { note, ...options }: ClientOptions & { readonly note?: string }) => {
        const body = note === undefined ? {} : { note }
        const taken = await call<AttributionView>(targetOf(shell, options), place(id, word), { method: 'POST', body })
        shell.print(options.json === true ? JSON.stringify(taken) : `${taken.id} is ${taken.state}`)
      })
  }
}
