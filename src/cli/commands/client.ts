import type { Command } from 'commander'
import type { ClientPair } from '../../actions/clients.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

/** `puente client`: who serves whom. TLP:AMBER to an organisation reaches its clients (TLP 2.0), AMBER+STRICT does not. */
export function addClient(program: Command, shell: Shell): void {
  const client = program.command('client').description('who serves whom: TLP:AMBER reaches clients')

  asClient(client.command('list').description('as far as it concerns you')).action(async (options: ClientOptions) => {
    const { items } = await call<{ items: ClientPair[] }>(targetOf(shell, options), '/v1/clients')
    printRows(shell, options.json, items, [
      ['PROVIDER', ({ provider }) => provider],
      ['CLIENT', (pair) => pair.client],
    ])
  })

  for (const [verb, method] of [['add', 'PUT'] as const, ['remove', 'DELETE'] as const]) {
    asClient(client.command(`${verb} <provider> <client>`))
      .description(`${verb === 'add' ? 'declare' : 'end'} that the first serves the second`)
      .action(async (provider: string, served: string, options: ClientOptions) => {
        await call(targetOf(shell, options), path('v1', 'organisations', provider, 'clients', served), { method })
        printThing(shell, options.json, { provider, client: served, serves: verb === 'add' })
      })
  }
}
