import type { Command } from 'commander'
import type { ReplyPage } from '../../actions/replies.ts'
import type { ReplyView } from '../../actions/reply-view.ts'
import { call, path } from '../client.ts'
import { harmless, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface SendOptions extends ClientOptions {
  readonly text: string
  readonly source?: string
}

const place = (...more: readonly string[]) => path('v1', 'replies', ...more)

/** `puente reply`: what readers and sources say to each other through the node. */
export function addReply(program: Command, shell: Shell): void {
  const reply = program.command('reply').description('write to the source of an indicator, whoever it is')

  asClient(reply.command('send <indicator>').description('say something to its source; prints the id of the exchange'))
    .requiredOption('--text <text>', 'what is said')
    .option('--source <alias>', 'where several published under one id')
    .action(async (indicator: string, { text, source, ...options }: SendOptions) => {
      const body = { indicator, text, ...(source === undefined ? {} : { source }) }
      const sent = await call<ReplyView>(targetOf(shell, options), place(), { method: 'POST', body })
      shell.print(options.json === true ? JSON.stringify(sent) : sent.id)
    })

  asClient(reply.command('list').description('what was said to sources, and to you as one, the newest first'))
    .option('--queue', 'only where the other spoke last')
    .action(async ({ queue, ...options }: ClientOptions & { queue?: boolean }) => {
      const to = `${place()}${queue === true ? '?queue=true' : ''}`
      const { items, next } = await call<ReplyPage>(targetOf(shell, options), to)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['INDICATOR', ({ indicator }) => indicator],
        ['SOURCE', ({ source }) => source],
        ['REPLIER', ({ replier }) => replier],
        ['WAITS FOR YOU', ({ waiting }) => (waiting ? 'yes' : '')],
      ])
      if (next !== undefined) shell.say(`there are older ones than ${next}`)
    })

  asClient(reply.command('show <id>').description('one, with what was said')).action(
    async (id: string, options: ClientOptions) => {
      const { messages, ...shown } = await call<ReplyView>(targetOf(shell, options), place(id))
      if (options.json === true) return shell.print(JSON.stringify({ ...shown, messages }))
      printThing(shell, false, shown)
      for (const { at, from, account = '', text } of messages)
        shell.print(harmless(`${at}  ${from}  ${account}  ${text}`))
    },
  )

  asClient(reply.command('answer <id>').description('go on with one; a source does so under its alias'))
    .requiredOption('--text <text>', 'what is said')
    .action(async (id: string, { text, ...options }: ClientOptions & { readonly text: string }) => {
      const to = place(id, 'messages')
      const sent = await call<ReplyView>(targetOf(shell, options), to, { method: 'POST', body: { text } })
      shell.print(options.json === true ? JSON.stringify(sent) : `${sent.id} has ${sent.messages.length} messages`)
    })
}
