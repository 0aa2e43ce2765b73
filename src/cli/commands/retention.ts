import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { RetentionDue } from '../../actions/retention.ts'
import type { RetentionRule } from '../../domain/retention.ts'
import { call, path } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { printRows } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

/** `puente retention`: for how long what was recalled or expired is kept. */
export function addRetention(program: Command, shell: Shell): void {
  const retention = program
    .command('retention')
    .description("for how long things are kept (operator's policy officers)")
  const place = path('v1', 'retention')

  const print = (options: ClientOptions, rules: readonly RetentionRule[]) =>
    printRows(
      shell,
      options.json,
      [...rules.entries()].map(([rule, each]) => ({ rule, ...each })),
      [
        ['RULE', ({ rule }) => rule],
        ['TLP', ({ tlp }) => tlp?.join(' ') ?? 'any'],
        ['TYPES', ({ types }) => types?.join(' ') ?? 'any'],
        ['PERSONAL DATA', ({ personalData }) => (personalData === undefined ? 'any' : personalData ? 'yes' : 'no')],
        ['AFTER EXPIRY', ({ afterExpiryDays }) => days(afterExpiryDays)],
        ['AFTER RECALL', ({ afterRecallDays }) => days(afterRecallDays)],
      ],
    )

  asClient(retention.command('list').description('the rules, in the order in which they are asked')).action(
    async (options: ClientOptions) =>
      print(options, (await call<{ rules: RetentionRule[] }>(targetOf(shell, options), place)).rules),
  )

  asClient(
    retention.command('set <file>').description('put the rules of a JSON file in the place of those there are'),
  ).action(async (file: string, options: ClientOptions) => {
    const request = { method: 'PUT', body: { rules: rulesIn(file) } } as const
    print(options, (await call<{ rules: RetentionRule[] }>(targetOf(shell, options), place, request)).rules)
  })

  asClient(retention.command('dry-run').description('how much each rule would purge now; nothing is purged')).action(
    async (options: ClientOptions) => {
      const to = path('v1', 'retention', 'due')
      const { items } = await call<{ items: RetentionDue[] }>(targetOf(shell, options), to)
      printRows(shell, options.json, items, [
        ['RULE', ({ rule }) => rule],
        ['INDICATORS', ({ indicators }) => indicators],
        ['OBJECTS', ({ objects }) => objects],
        ['EVENTS', ({ events }) => events],
        ['WORDS', ({ words }) => words],
      ])
    },
  )
}

const days = (count: number | undefined): string => (count === undefined ? '' : `${count} days`)

function rulesIn(file: string): unknown {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(content) ? content : (content as { rules?: unknown }).rules
  } catch (cause) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read as JSON`, { cause })
  }
}
