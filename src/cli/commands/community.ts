import type { Command } from 'commander'
import type { Community } from '../../domain/organisation.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface CreateOptions extends ClientOptions {
  readonly name: string
  readonly description?: string
  readonly nodeCommunity?: boolean
}

/** `puente community`: groups of organisations that share, known to their members only. */
export function addCommunity(program: Command, shell: Shell): void {
  const community = program.command('community').description('groups of organisations that share')

  asClient(community.command('list').description("those you belong to; all for the operator's policy officers")).action(
    async (options: ClientOptions) => {
      const { items } = await call<{ items: Community[] }>(targetOf(shell, options), '/v1/communities')
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['NAME', ({ name }) => name],
        ['MEMBERS', ({ members }) => members.join(', ')],
      ])
    },
  )

  asClient(community.command('create <id>').description("found one (operator's policy officers)"))
    .requiredOption('--name <name>', 'as people write it')
    .option('--description <text>', 'what it is for')
    .option('--node-community', "make it the node's own: its law-enforcement members may read TLP:GREEN")
    .action(async (id: string, { name, description, nodeCommunity, ...options }: CreateOptions) => {
      const request = { method: 'POST', body: { id, name, description, nodeCommunity } } as const
      printThing(shell, options.json, await call(targetOf(shell, options), '/v1/communities', request))
    })

  for (const [verb, method] of [['add', 'PUT'] as const, ['remove', 'DELETE'] as const]) {
    asClient(community.command(`${verb}-member <community> <organisation>`))
      .description(`${verb} a member (operator's policy officers)`)
      .action(async (id: string, organisation: string, options: ClientOptions) => {
        await call(targetOf(shell, options), path('v1', 'communities', id, 'members', organisation), { method })
        printThing(shell, options.json, { community: id, organisation, member: verb === 'add' })
      })
  }
}
