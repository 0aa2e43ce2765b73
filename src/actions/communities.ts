import type { Caller } from '../domain/caller.ts'
import { parseName, parseSlug } from '../domain/enrolment.ts'
import type { Community } from '../domain/organisation.ts'
import { knowsCommunity } from '../policy/knowing.ts'
import { deleteMember, insertCommunity, insertMember } from '../store/communities.ts'
import { setGreenCommunity } from '../store/node.ts'
import type { Context } from './context.ts'
import { administrative, organisationOf } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** The communities the caller may know, with their members: its own, and all for the operator's policy officers. */
export const listCommunities = verb(
  'list-communities',
  async (_context, caller: Caller, _input: undefined, { directory }): Promise<Community[]> =>
    [...directory.communities.values()].filter(({ id }) => knowsCommunity(caller, id)),
)

export interface CreateCommunityInput {
  readonly id: string
  readonly name: string
  readonly description?: string
  /** Makes it the node's own: its members of kind law-enforcement may read TLP:GREEN. */
  readonly nodeCommunity?: boolean
}

/** @throws {Fault} `invalid_request`, `already_exists` */
export const createCommunity = verb(
  'create-community',
  async (context: Context, caller: Caller, input: CreateCommunityInput, standing): Promise<Community> => {
    const row = {
      id: parseSlug(input.id, '/id'),
      name: parseName(input.name, '/name'),
      description: (input.description ?? '').normalize('NFC').slice(0, 2_000),
    }
    await context.database.transaction(async (transaction) => {
      await insertCommunity(transaction, row)
      if (input.nodeCommunity === true) await setGreenCommunity(transaction, row.id)
      await record(
        transaction,
        context,
        caller,
        standing,
        administrative('create-community', { ...row, nodeCommunity: input.nodeCommunity === true }),
      )
    })
    return { ...row, members: [] }
  },
)

export interface MemberInput {
  readonly community: string
  readonly organisation: string
}

/** @throws {Fault} `not_found` */
export const addMember = verb(
  'add-member',
  async (context: Context, caller: Caller, input: MemberInput, standing): Promise<MemberInput> => {
    if (!standing.directory.communities.has(input.community)) throw absent()
    organisationOf(standing, input.organisation)
    await context.database.transaction(async (transaction) => {
      await insertMember(transaction, input.community, input.organisation)
      await record(transaction, context, caller, standing, administrative('add-member', input))
    })
    return input
  },
)

/** @throws {Fault} `not_found` */
export const removeMember = verb(
  'remove-member',
  async (context: Context, caller: Caller, input: MemberInput, standing): Promise<void> => {
    if (!standing.directory.communities.has(input.community)) throw absent()
    organisationOf(standing, input.organisation)
    await context.database.transaction(async (transaction) => {
      await deleteMember(transaction, input.community, input.organisation)
      await record(transaction, context, caller, standing, administrative('remove-member', input))
    })
  },
)
