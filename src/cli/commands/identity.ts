import { type Command, Option } from 'commander'
import type { Identity } from '../../actions/identities.ts'
import { type Scope, scopes } from '../../domain/account.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface AddOptions extends ClientOptions {
  readonly subject: string
  readonly scope?: readonly Scope[]
}

/** `puente identity`: who somebody of the external issuer is here. */
export function addIdentity(program: Command, shell: Shell): void {
  const identity = program
    .command('identity')
    .description("who somebody of the external issuer is here (the operator's administrators)")

  asClient(identity.command('list <account>').description('who an account is at the external issuer')).action(
    async (account: string, options: ClientOptions) => {
      const place = path('v1', 'accounts', account, 'identities')
      const { items } = await call<{ items: Identity[] }>(targetOf(shell, options), place)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['ISSUER', ({ issuer }) => issuer],
        ['SUBJECT', ({ subject }) => subject],
        ['SCOPES', ({ scopes }) => scopes.join(', ')],
        ['CREATED', ({ createdAt }) => createdAt],
      ])
    },
  )

  asClient(identity.command('add <account>').description('say that somebody of it is this account'))
    .requiredOption('--subject <subject>', 'what the configured claim of its tokens says')
    .addOption(new Option('--scope <scope...>', 'what its tokens may do; read and write when absent').choices(scopes))
    .action(async (account: string, { subject, scope, ...options }: AddOptions) => {
      const place = path('v1', 'accounts', account, 'identities')
      const body = { subject, scopes: scope }
      printThing(shell, options.json, await call(targetOf(shell, options), place, { method: 'POST', body }))
    })

  asClient(identity.command('remove <identity>').description('end that, at once')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'identities', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ removed: id }) : `removed ${id}`)
    },
  )
}
