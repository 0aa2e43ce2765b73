import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { knowsClients } from '../policy/knowing.ts'
import { deleteClient, insertClient } from '../store/organisations.ts'
import type { Context } from './context.ts'
import { administrative, organisationOf } from './organisations.ts'
import { record, verb } from './verb.ts'

export interface ClientPair {
  /** Organisation id that serves. */
  readonly provider: string
  /** Organisation id that is served: TLP:AMBER to the provider reaches it. */
  readonly client: string
}

/** Who serves whom, as far as the caller is one of the two or keeps the directory. */
export const listClients = verb(
  'list-clients',
  async (_context, caller: Caller, _input: undefined, { directory }): Promise<ClientPair[]> =>
    directory.clients.filter(({ provider, client }) => knowsClients(caller, provider, client)),
)

const organisation = ({ provider }: ClientPair) => provider

/** @throws {Fault} `not_found`, `invalid_request` */
export const addClient = verb(
  'add-client',
  async (context: Context, caller: Caller, input: ClientPair, standing): Promise<ClientPair> => {
    const { provider, client } = input
    organisationOf(standing, provider)
    organisationOf(standing, client)
    if (provider === client) throw new Fault('invalid_request', 'An organisation is no client of itself.')
    await context.database.transaction(async (transaction) => {
      await insertClient(transaction, provider, client)
      await record(transaction, context, caller, standing, administrative('add-client', { provider, client }))
    })
    return { provider, client }
  },
  { organisation },
)

/** @throws {Fault} `not_found` for organisations that are not enrolled; a relation that is not there is none to end */
export const removeClient = verb(
  'remove-client',
  async (context: Context, caller: Caller, input: ClientPair, standing): Promise<void> => {
    const { provider, client } = input
    organisationOf(standing, provider)
    organisationOf(standing, client)
    await context.database.transaction(async (transaction) => {
      await deleteClient(transaction, provider, client)
      await record(transaction, context, caller, standing, administrative('remove-client', { provider, client }))
    })
  },
  { organisation },
)
