import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { Figures } from '../../actions/figures.ts'
import type { LegalRequestPage } from '../../actions/legal-requests.ts'
import type { Disclosure } from '../../actions/list-disclosures.ts'
import type { Preservation } from '../../actions/preservations.ts'
import { decidingSides, type LegalRequest, legalStates } from '../../domain/legal-request.ts'
import { call, path } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { harmless, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface StepOptions extends ClientOptions {
  readonly note?: string
  readonly as?: string
}

const place = (...more: readonly string[]) => path('v1', 'legal-requests', ...more)

/** Steps after the draft: the word, what it does, and whether it is said on somebody's part. */
const steps: readonly (readonly [string, string, boolean])[] = [
  ['file', 'hand a draft in', false],
  ['review', 'take it under review', true],
  ['approve', 'approve it, for the node or for an originator', true],
  ['refuse', 'refuse it, or take an approval back; says why with --note', true],
  ['withdraw', 'withdraw it', false],
  ['close', 'close it, so that it gives nothing any more', false],
  ['claw-back', 'take back what was given under it; says why with --note', false],
  ['confirm', 'say with --note what was done with what was taken back', false],
  ['note', 'add a note for all who have a part in it', false],
]

/** `puente request`: legal requests through their life. */
export function addRequest(program: Command, shell: Shell): void {
  const request = program.command('request').description('legal requests of law enforcement')

  asClient(request.command('list').description('those in which you have a part, the newest first'))
    .option('--overdue', 'only what was taken back and not confirmed in time')
    .option('--queue', 'only what waits for you, the most urgent first')
    .addOption(new Option('--state <state...>', 'in these states').choices(legalStates))
    .action(
      async ({
        queue,
        overdue,
        state,
        ...options
      }: ClientOptions & { queue?: boolean; overdue?: boolean; state?: readonly string[] }) => {
        const query = new URLSearchParams({
          ...(queue === true ? { queue: 'true' } : {}),
          ...(overdue === true ? { overdue: 'true' } : {}),
          ...(state === undefined ? {} : { state: state.join(',') }),
        })
        const target = targetOf(shell, options)
        const { items, next } = await call<LegalRequestPage>(target, `${place()}?${query}`)
        printRows(shell, options.json, items, [
          ['ID', ({ id }) => id],
          ['STATE', ({ state }) => state],
          ['URGENCY', ({ urgency }) => urgency],
          ['CASE', ({ caseReference }) => caseReference],
          ['LIAISON', ({ liaison }) => liaison],
          ['ENDS', ({ expiresAt }) => expiresAt],
        ])
        if (next !== undefined) shell.say(`there are older ones than ${next}`)
      },
    )

  asClient(request.command('show <id>').description('one, with its steps')).action(
    async (id: string, options: ClientOptions) => {
      const { steps, ...shown } = await call<LegalRequest>(targetOf(shell, options), place(id))
      if (options.json === true) return shell.print(JSON.stringify({ ...shown, steps }))
      printThing(shell, false, shown)
      for (const { at, step, side, account = 'the clock', note } of steps)
        shell.print(harmless(`${at}  ${step}  ${side}  ${account}  ${note}`.trimEnd()))
    },
  )

  asClient(request.command('disclosures').description('what of your organisation was given under requests')).action(
    async (options: ClientOptions) => {
      const { items } = await call<{ items: Disclosure[] }>(targetOf(shell, options), path('v1', 'disclosures'))
      printRows(shell, options.json, items, [
        ['AT', ({ downloadedAt }) => downloadedAt],
        ['TO', ({ organisation }) => organisation],
        ['INSTRUMENT', ({ instrument }) => instrument],
        ['INDICATORS', ({ items }) => items],
        ['RECALLED', ({ recalled }) => recalled],
        ['REQUEST', ({ request }) => request],
      ])
    },
  )

  addKept(request, shell)

  asClient(request.command('draft <file>').description('draft one from a JSON file, as docs/law-enforcement.md says'))
    .option('--amend <id>', 'say this draft anew, instead of another')
    .action(async (file: string, { amend, ...options }: ClientOptions & { readonly amend?: string }) => {
      const to = amend === undefined ? ({ method: 'POST' } as const) : ({ method: 'PUT' } as const)
      const body = readJson(file)
      const drafted = await call<LegalRequest>(
        targetOf(shell, options),
        place(...(amend === undefined ? [] : [amend])),
        {
          ...to,
          body,
        },
      )
      printStep(shell, options, drafted)
    })

  for (const [word, does, sided] of steps) {
    const command = asClient(request.command(`${word} <id>`).description(does)).option('--note <text>', 'what is said')
    if (sided) command.addOption(new Option('--as <side>', 'where you could decide for both').choices(decidingSides))
    command.action(async (id: string, { note, as, ...options }: StepOptions) => {
      const body = { ...(note === undefined ? {} : { note }), ...(as === undefined ? {} : { as }) }
      const to = place(id, word === 'note' ? 'notes' : word)
      printStep(shell, options, await call<LegalRequest>(targetOf(shell, options), to, { method: 'POST', body }))
    })
  }
}

/** What is kept under requests of preservation. */
function addKept(request: Command, shell: Shell): void {
  asClient(request.command('preservations').description('what is kept under requests in which you have a part'))
    .option('--ending', 'only those that end soon')
    .action(async ({ ending, ...options }: ClientOptions & { readonly ending?: boolean }) => {
      const query = ending === true ? '?ending=true' : ''
      const to = `${path('v1', 'preservations')}${query}`
      const { items } = await call<{ items: Preservation[] }>(targetOf(shell, options), to)
      printRows(shell, options.json, items, [
        ['REQUEST', ({ request }) => request],
        ['STATE', ({ state }) => state],
        ['UNTIL', ({ until }) => until],
        ['ENDING', ({ ending }) => (ending ? 'soon' : '')],
        ['INDICATORS', ({ items }) => items],
        ['RECALLED', ({ recalled }) => recalled],
        ['CASE', ({ caseReference }) => caseReference],
      ])
    })

  asClient(request.command('figures <year>').description('what happened in a year, by jurisdiction')).action(
    async (year: string, options: ClientOptions) => {
      const figures = await call<Figures>(targetOf(shell, options), path('v1', 'transparency', year))
      if (options.json === true) return shell.print(JSON.stringify(figures))
      const { jurisdictions } = figures
      const told = (count: number | undefined) => count ?? 'not told'
      printRows(shell, false, jurisdictions, [
        ['JURISDICTION', ({ jurisdiction }) => jurisdiction],
        [
          'REQUESTS',
          ({ requests }) => requests.map((each) => `${each.instrument} ${each.state} ${each.count}`).join(', '),
        ],
        ['DISCLOSURES', ({ disclosures }) => told(disclosures)],
        ['WITHHELD', ({ withheld }) => told(withheld)],
        ['CLAW-BACKS', ({ clawBacks }) => told(clawBacks)],
        ['RECALLS', ({ recalls }) => told(recalls)],
        ['PRESERVATIONS', ({ preservations }) => told(preservations)],
      ])
    },
  )

  asClient(request.command('renew <id>').description('ask to keep on what a request of preservation keeps'))
    .requiredOption('--until <time>', 'when the next one ends')
    .option('--note <text>', 'what is said')
    .action(async (id: string, { until, note, ...options }: StepOptions & { readonly until: string }) => {
      const body = { expiresAt: until, ...(note === undefined ? {} : { note }) }
      const to = place(id, 'renew')
      printStep(shell, options, await call<LegalRequest>(targetOf(shell, options), to, { method: 'POST', body }))
    })
}

const printStep = (shell: Shell, { json }: ClientOptions, request: LegalRequest): void =>
  shell.print(json === true ? JSON.stringify(request) : `${request.id} is ${request.state}`)

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read as JSON`, { cause })
  }
}
