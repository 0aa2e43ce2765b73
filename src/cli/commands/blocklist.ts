import { type Command, Option } from 'commander'
import type { IssuedListKey, SavedBlocklist } from '../../actions/blocklists.ts'
import { integer } from '../../config-values.ts'
import { tlps } from '../../domain/tlp.ts'
import { call, path, refusal, send } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface CreateOptions extends ClientOptions {
  readonly name: string
  readonly type?: readonly string[]
  readonly tlp?: readonly string[]
  readonly class?: readonly string[]
  readonly originator?: readonly string[]
  readonly community?: readonly string[]
  readonly minConfidence?: string
}

/** `puente blocklist`: lists for firewalls and resolvers, and the keys with which these fetch them. */
export function addBlocklist(program: Command, shell: Shell): void {
  const blocklist = program.command('blocklist').description('lists for firewalls and resolvers, and keys for them')

  asClient(blocklist.command('get <file>').description('a list, such as domains.rpz or list-….nft')).action(
    async (file: string, options: ClientOptions) => {
      const target = targetOf(shell, options)
      const answer = await send(target, path('v1', 'blocklists', file))
      if (answer.status !== 200) throw refusal(target, answer)
      if (answer.text !== '') shell.print(answer.text.trimEnd())
    },
  )

  asClient(blocklist.command('list').description('your saved lists')).action(async (options: ClientOptions) => {
    const { items } = await call<{ items: SavedBlocklist[] }>(targetOf(shell, options), '/v1/lists')
    printRows(shell, options.json, items, [
      ['ID', ({ id }) => id],
      ['ACCOUNT', ({ account }) => account],
      ['NAME', ({ name }) => name],
      ['FILTER', ({ filter }) => JSON.stringify(filter)],
      [
        'KEYS',
        ({ keys }) =>
          keys
            .filter(({ revokedAt }) => revokedAt === undefined)
            .map(({ id }) => id)
            .join(', '),
      ],
    ])
  })

  asClient(blocklist.command('create').description('save a filter as a list, to be read with your rights'))
    .requiredOption('--name <name>', 'for people')
    .option('--type <type...>', 'types of values, such as domain-name')
    .addOption(new Option('--tlp <label...>', 'labels').choices(tlps.filter((tlp) => tlp !== 'red')))
    .option('--class <class...>', 'RSIT classes or types')
    .option('--originator <id...>', 'organisations')
    .option('--community <id...>', 'communities in the audience')
    .option('--min-confidence <number>', '0 to 100')
    .action(async ({ name, minConfidence, ...given }: CreateOptions) => {
      const { type, tlp, class: class_, originator, community, ...options } = given
      const least = minConfidence === undefined ? undefined : integer('--min-confidence', minConfidence, 0, 0, 100)
      const filter = { type, tlp, class: class_, originator, community, minConfidence: least }
      const body = { name, filter }
      printThing(shell, options.json, await call(targetOf(shell, options), '/v1/lists', { method: 'POST', body }))
    })

  asClient(blocklist.command('remove <list>').description('end one, and its keys with it')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'lists', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ removed: id }) : `removed ${id}`)
    },
  )

  asClient(blocklist.command('add-key <list>').description('a key that reads this list; printed once'))
    .option('--expires <instant>', 'until when it is good, ISO 8601; until revoked when absent')
    .action(async (id: string, { expires, ...options }: ClientOptions & { readonly expires?: string }) => {
      const body = expires === undefined ? {} : { expiresAt: expires }
      const target = targetOf(shell, options)
      const issued = await call<IssuedListKey>(target, path('v1', 'lists', id, 'keys'), { method: 'POST', body })
      if (options.json === true) return shell.print(JSON.stringify(issued))
      shell.print(`# key ${issued.id}`)
      shell.print(`${target.url}/v1/blocklists/${id}.txt?key=${issued.secret}`)
      shell.say('Keep it: it is shown this once. Where a header can be sent, send it as Authorization: Bearer.')
    })

  asClient(blocklist.command('revoke-key <key>').description('take a key back, at once')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'list-keys', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ revoked: id }) : `revoked ${id}`)
    },
  )
}
