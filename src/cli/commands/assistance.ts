import { type Command, Option } from 'commander'
import type { AssistancePage } from '../../actions/assistance.ts'
import type { AssistanceView } from '../../actions/assistance-view.ts'
import { assistanceKinds, assistanceStates, assistanceTlps } from '../../domain/assistance.ts'
import { call, path } from '../client.ts'
import { harmless, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface AskOptions extends ClientOptions {
  readonly kind: string
  readonly text: string
  readonly due: string
  readonly tlp?: string
  readonly people?: readonly string[]
  readonly personalData?: boolean
}

interface StepOptions extends ClientOptions {
  readonly text?: string
  readonly basedOn?: number
}

const place = (...more: readonly string[]) => path('v1', 'assistance', ...more)

/** Steps after the asking: the word, where it goes, and what it does. */
const steps: readonly (readonly [word: string, to: string, does: string])[] = [
  ['accept', 'accept', 'say that it will be done'],
  ['decline', 'decline', 'say with --text why it will not be done'],
  ['answer', 'answers', 'say with --text what was done'],
  ['close', 'close', 'say that the answer was taken'],
  ['withdraw', 'withdraw', 'say that it is not asked for any more'],
  ['note', 'notes', 'say something more with --text, on either side'],
]

/** `puente assist`: what one partner asks another to do about indicators. */
export function addAssistance(program: Command, shell: Shell): void {
  const assist = program.command('assist').description('ask a partner to do something about indicators, and answer')

  asClient(assist.command('ask <organisation> <indicator...>').description('ask for it; prints the id of the asking'))
    .addOption(new Option('--kind <kind>', 'what is asked for').choices(assistanceKinds).makeOptionMandatory())
    .requiredOption('--text <text>', 'what is said')
    .requiredOption('--due <time>', 'until when, as in 2026-06-01T12:00:00Z')
    .addOption(new Option('--tlp <label>', 'amber when absent').choices(assistanceTlps))
    .option('--people <account...>', 'for TLP:RED, accounts of that organisation')
    .option('--personal-data', 'what is said has personal data in it')
    .action(async (to: string, indicators: readonly string[], options: AskOptions) => {
      const { kind, text, due: dueAt, tlp, people, personalData } = options
      const body = {
        ...{ to, kind, text, indicators, dueAt },
        ...(tlp === undefined ? {} : { tlp }),
        ...(people === undefined ? {} : { people }),
        ...(personalData === undefined ? {} : { personalData }),
      }
      printStep(shell, options, await call<AssistanceView>(targetOf(shell, options), place(), { method: 'POST', body }))
    })

  asClient(assist.command('list').description('what your organisation asked and was asked, the newest first'))
    .option('--queue', 'only what waits for your organisation')
    .option('--overdue', 'only what was due and is not answered')
    .addOption(new Option('--state <state...>', 'in these states').choices(assistanceStates))
    .action(async (options: ClientOptions & { queue?: boolean; overdue?: boolean; state?: readonly string[] }) => {
      const query = new URLSearchParams({
        ...(options.queue === true ? { queue: 'true' } : {}),
        ...(options.overdue === true ? { overdue: 'true' } : {}),
        ...(options.state === undefined ? {} : { state: options.state.join(',') }),
      })
      const { items, next } = await call<AssistancePage>(targetOf(shell, options), `${place()}?${query}`)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['STATE', ({ state, overdue }) => (overdue ? `${state}, overdue` : state)],
        ['KIND', ({ kind }) => kind],
        ['FROM', ({ from }) => from],
        ['TO', ({ to }) => to],
        ['DUE', ({ dueAt }) => dueAt],
      ])
      if (next !== undefined) shell.say(`there are older ones than ${next}`)
    })

  asClient(assist.command('show <id>').description('one, with what was said')).action(
    async (id: string, options: ClientOptions) => {
      const { steps, ...shown } = await call<AssistanceView>(targetOf(shell, options), place(id))
      if (options.json === true) return shell.print(JSON.stringify({ ...shown, steps }))
      printThing(shell, false, shown)
      for (const { at, step, organisation = 'the clock', account = '', text } of steps)
        shell.print(harmless(`${at}  ${step}  ${organisation}  ${account}  ${text}`.trimEnd()))
    },
  )

  for (const [word, to, does] of steps) {
    asClient(assist.command(`${word} <id>`).description(does))
      .option('--text <text>', 'what is said')
      .option('--based-on <version>', 'only if it is still at this version', Number)
      .action(async (id: string, options: StepOptions) => {
        const { text, basedOn } = options
        const body = {
          ...(text === undefined ? {} : { text }),
          ...(basedOn === undefined ? {} : { version: basedOn }),
        }
        const taken = await call<AssistanceView>(targetOf(shell, options), place(id, to), { method: 'POST', body })
        printStep(shell, options, taken)
      })
  }
}

const printStep = (shell: Shell, { json }: ClientOptions, asking: AssistanceView): void =>
  shell.print(json === true ? JSON.stringify(asking) : `${asking.id} is ${asking.state}`)
