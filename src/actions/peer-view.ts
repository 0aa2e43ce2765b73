import { createHash } from 'node:crypto'
import { type Directory, homeOf, readerOfOrganisation } from '../domain/directory.ts'
import type { Peer } from '../domain/peer.ts'
import type { Reader } from '../domain/reader.ts'
import { mayBeFollowed } from '../policy/feed.ts'
import type { Context, Standing } from './context.ts'

/** The peer as a follower of the feed. */
export const peerFollower = ({ id }: Peer): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(['peer', id]))
    .digest()

/** Organisations as the policy sees them, disabled ones left out: they may have nothing. */
const readersOf = (directory: Directory, organisations: Iterable<string>): Reader[] =>
  [...organisations]
    .map((id) => readerOfOrganisation(directory, id))
    .filter(({ organisation }) => organisation !== undefined)

/** The organisations that are at home at this node: what none of them may have is not kept here. */
export const ownReaders = (directory: Directory): Reader[] =>
  readersOf(
    directory,
    [...directory.organisations.keys()].filter((id) => homeOf(directory, id) === undefined),
  )

/**
 * What may go out to a peer: a byte for each handling id, 1 where an organisation at home there may read it whole. RED never; what is
 * anonymous names its source in the sealed bytes, so it stays; what comes from there is not sent back.
 */
export function peerHandlings(context: Context, { directory, visibility }: Standing, peer: Peer): Uint8Array {
  const at = context.clock()
  const permits = readersOf(directory, peer.organisations).map(
    (reader) => visibility.permitted(reader, 'defence', at).permit,
  )
  return Uint8Array.from({ length: visibility.size }, (_, id) => {
    const handling = visibility.handling(id)
    if (handling === undefined || !mayBeFollowed(handling) || handling.attribution !== 'named') return 0
    if (peer.organisations.includes(handling.originator)) return 0
    return permits.some((permit) => permit.has(id)) ? 1 : 0
  })
}
