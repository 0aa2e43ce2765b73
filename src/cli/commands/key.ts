import { type Command, Option } from 'commander'
import type { ApiKey, IssuedKey } from '../../actions/keys.ts'
import { type Scope, scopes } from '../../domain/account.ts'
import { call, path } from '../client.ts'
import { printRows } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'
import { addTokenKeys } from './client-key.ts'

interface IssueOptions extends ClientOptions {
  readonly name: string
  readonly scope?: readonly Scope[]
  readonly expires?: string
}

/** `puente key`: API keys of accounts. */
export function addKey(program: Command, shell: Shell): void {
  const key = program
    .command('key')
    .description('keys of accounts: API keys, and those that tokens are asked for with (administrators)')

  asClient(key.command('list <account>').description('its keys, without their secrets')).action(
    async (account: string, options: ClientOptions) => {
      const place = path('v1', 'accounts', account, 'keys')
      const { items } = await call<{ items: ApiKey[] }>(targetOf(shell, options), place)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['NAME', ({ name }) => name],
        ['SCOPES', ({ scopes }) => scopes.join(', ')],
        ['CREATED', ({ createdAt }) => createdAt],
        ['EXPIRES', ({ expiresAt }) => expiresAt],
        ['LAST USED', ({ lastUsedAt }) => lastUsedAt],
        ['REVOKED', ({ revokedAt }) => revokedAt],
      ])
    },
  )

  asClient(key.command('issue <account>').description('a new key; its secret is shown this once'))
    .requiredOption('--name <name>', 'what it is for')
    .addOption(new Option('--scope <scope...>', 'what it may be used for; read and write when absent').choices(scopes))
    .option('--expires <time>', 'ISO 8601; none: until revoked')
    .action(async (account: string, { name, scope, expires, ...options }: IssueOptions) => {
      const body = { name, scopes: scope, expiresAt: expires }
      const place = path('v1', 'accounts', account, 'keys')
      const issued = await call<IssuedKey>(targetOf(shell, options), place, { method: 'POST', body })
      if (options.json === true) return shell.print(JSON.stringify(issued))
      shell.say(`key ${issued.id} of ${issued.account}; keep it, it is shown this once:`)
      shell.print(issued.secret)
    })

  asClient(key.command('revoke <key>').description('take a key back, by its 12 digits; at once')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'keys', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ revoked: id }) : `revoked ${id}`)
    },
  )
  addTokenKeys(key, shell)
}
