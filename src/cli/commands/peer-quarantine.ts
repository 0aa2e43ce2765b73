import type { Command } from 'commander'
import type { QuarantinedItem, Released } from '../../actions/quarantine.ts'
import { call, path } from '../client.ts'
import { exitCodes } from '../exit.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

/** What peers sent and was not applied. */
export function addQuarantine(peer: Command, shell: Shell): void {
  asClient(peer.command('quarantine').description('what peers sent and was not applied'))
    .option('--peer <node>', 'of this one')
    .option('--code <code>', 'for this reason')
    .option('--after <id>', 'the last one of the page before')
    .option('--limit <number>', '1 to 1,000; 100 when absent')
    .action(async ({ peer: of, code, after, limit, ...options }: ClientOptions & QuarantineOptions) => {
      const asked = Object.entries({ peer: of, code, after, limit }).filter(([, value]) => value !== undefined)
      const query = new URLSearchParams(asked as [string, string][])
      const { items } = await call<{ items: QuarantinedItem[] }>(
        targetOf(shell, options),
        `/v1/quarantine${query.size === 0 ? '' : `?${query}`}`,
      )
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['WHY', ({ code }) => code],
        ['WHAT', ({ item }) => item],
        ['VERSION', ({ version }) => version],
        ['OF', ({ originator }) => originator],
        ['FROM', ({ peer }) => peer],
        ['WHEN', ({ at }) => at],
        ['RELEASABLE', ({ releasable }) => (releasable ? 'yes' : 'no')],
      ])
    })
  asClient(peer.command('inspect <id>').description('one of them, with its envelope where that is kept')).action(
    async (id: string, options: ClientOptions) =>
      printThing(
        shell,
        options.json,
        await call<QuarantinedItem>(targetOf(shell, options), path('v1', 'quarantine', id)),
      ),
  )
  asClient(peer.command('release <id>').description('examine one again, and apply it if it may be (operator)')).action(
    async (id: string, options: ClientOptions) => {
      const place = path('v1', 'quarantine', id, 'release')
      const released = await call<Released>(targetOf(shell, options), place, { method: 'POST' })
      if (released.outcome !== 'applied' && released.outcome !== 'known') shell.exitWith(exitCodes.refused)
      printThing(shell, options.json, released)
    },
  )
  asClient(peer.command('drop <id>').description('drop one for good (operator)')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'quarantine', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ dropped: id }) : `dropped ${id}`)
    },
  )
}

interface QuarantineOptions {
  readonly peer?: string
  readonly code?: string
  readonly after?: string
  readonly limit?: string
}
