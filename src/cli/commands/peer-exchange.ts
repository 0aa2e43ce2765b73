import { type Command, Option } from 'commander'
import type { Page } from '../../actions/newest-first.ts'
import type { OutstandingRecall } from '../../actions/outstanding-view.ts'
import type { Pulled } from '../../actions/pull-peer.ts'
import type { PeerState } from '../../actions/read-peer.ts'
import { recallsOf } from '../../domain/peer.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface RecallsOptions {
  readonly of?: string
  readonly peer?: string
  readonly overdue?: true
  readonly before?: string
  readonly limit?: string
}

/** How it goes with a peer, and what peers have not confirmed. */
export function addExchange(peer: Command, shell: Shell): void {
  asClient(peer.command('state <node>').description('what was taken and given, what waits, what is overdue')).action(
    async (node: string, options: ClientOptions) => {
      const { peer: _, taking, giving } = await call<PeerState>(targetOf(shell, options), path('v1', 'peers', node))
      printThing(shell, options.json, { ...taking, ...giving })
    },
  )
  asClient(peer.command('pull <node>').description('ask for its next page now (operator)')).action(
    async (node: string, options: ClientOptions) => {
      const place = path('v1', 'peers', node, 'pull')
      printThing(shell, options.json, await call<Pulled>(targetOf(shell, options), place, { method: 'POST' }))
    },
  )
  asClient(peer.command('recalls').description('what was taken back, and which nodes have not confirmed it'))
    .addOption(new Option('--of <whose>', 'your organisation’s, or all of the node (operator)').choices(recallsOf))
    .option('--peer <node>', 'not confirmed by this one')
    .option('--overdue', 'only what is overdue')
    .option('--before <cursor>', 'where the page before ended')
    .option('--limit <number>', '1 to 1,000; 100 when absent')
    .action(async ({ of, peer: by, overdue, before, limit, ...options }: ClientOptions & RecallsOptions) => {
      const asked = Object.entries({ of, peer: by, overdue, before, limit }).filter(([, value]) => value !== undefined)
      const query = new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)]))
      const page = await call<Page<OutstandingRecall>>(targetOf(shell, options), `/v1/outstanding-recalls?${query}`)
      printRecalls(shell, options, page)
    })
}

/** A line for each node that has not confirmed something. */
function printRecalls(shell: Shell, { json }: ClientOptions, { items, next }: Page<OutstandingRecall>): void {
  const rows = items.flatMap(({ nodes, ...recall }) =>
    nodes.map((node) => ({ ...recall, ...node, taken: recall.version })),
  )
  if (json === true) for (const item of items) shell.print(JSON.stringify(item))
  else
    printRows(shell, false, rows, [
      ['ID', ({ id }) => id],
      ['VERSION', ({ taken }) => taken],
      ['WHAT', ({ recalled }) => (recalled ? 'recalled' : 'narrowed')],
      ['SINCE', ({ since }) => since],
      ['OVERDUE BY', ({ overdue, overdueSeconds }) => (overdue ? `${overdueSeconds} s` : undefined)],
      ['NODE', ({ node }) => node.name ?? node.id],
      ['TOLD', ({ told }) => (told ? 'yes' : 'no')],
      ['HAS', ({ storedVersion }) => storedVersion],
      ['REFUSED', ({ refused }) => refused],
    ])
  if (next !== undefined) shell.say(`there may be older ones: --before ${next}`)
}
