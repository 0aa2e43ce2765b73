import { keyedUuid } from '../auth/digests.ts'
import type { Caller } from '../domain/caller.ts'
import type { Handling, HandlingInput } from '../domain/handling.ts'
import { knowsCommunity } from '../policy/knowing.ts'
import { refusalOf } from '../policy/permissions.ts'
import type { Context, Standing } from './context.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** A collection of TAXII: a set of handlings under a name. */
export interface Collection {
  /** UUID. */
  readonly id: string
  /** A word that stands for the id in URLs. */
  readonly alias: string
  readonly title: string
  readonly description: string
  readonly canWrite: boolean
  /** Which handlings are in it, of those that the reader may see. */
  readonly keep: (handling: Handling) => boolean
  /** What is added without saying so. */
  readonly defaults: HandlingInput
}

/**
 * The collections that this caller may know: `public` for everybody; for who is enrolled everything it may see, what its organisation
 * published, and one for each of its communities.
 */
export function collectionsOf(context: Context, caller: Caller, { directory }: Standing): Collection[] {
  const idOf = (kind: string, name: string) => keyedUuid(context.node.idKey, JSON.stringify(['collection', kind, name]))
  const home = caller.reader.organisation?.id
  const open: Collection = {
    id: idOf('public', ''),
    alias: 'public',
    title: 'Public',
    description: 'TLP:CLEAR, for everybody.',
    canWrite: false,
    keep: ({ tlp }) => tlp === 'clear',
    defaults: {},
  }
  if (home === undefined) return [open]
  const canWrite = refusalOf(caller, 'add-to-collection') === undefined
  const communities = [...directory.communities.values()].filter(({ id }) => knowsCommunity(caller, id))
  return [
    open,
    {
      id: idOf('all', ''),
      alias: 'all',
      title: 'Everything',
      description: 'Everything that you may see, but TLP:RED.',
      canWrite: false,
      keep: () => true,
      defaults: {},
    },
    {
      id: idOf('mine', home),
      alias: 'mine',
      title: 'Mine',
      description: 'What your organisation published. What is added here says itself whom it is for.',
      canWrite,
      keep: ({ originator }) => originator === home,
      defaults: {},
    },
    ...communities.map(({ id, name }) => ({
      id: idOf('community', id),
      alias: `community-${id}`,
      title: name,
      description: 'What was shared with this community. What is added here is for it, unless it says otherwise.',
      canWrite: canWrite && caller.reader.communities.includes(id),
      keep: (handling: Handling) => handling.communities.includes(id),
      defaults: { audience: [`community:${id}`] },
    })),
  ]
}

/** By id or alias. @throws {Fault} `not_found` alike for what does not exist and for what the caller may not know */
export function collectionNamed(context: Context, caller: Caller, standing: Standing, name: string): Collection {
  const found = collectionsOf(context, caller, standing).find(({ id, alias }) => id === name || alias === name)
  if (found === undefined) throw absent()
  return found
}

/** The collections of the caller. */
export const listCollections = verb(
  'list-collections',
  async (context: Context, caller: Caller, _input: object, standing): Promise<readonly Collection[]> =>
    collectionsOf(context, caller, standing),
)
