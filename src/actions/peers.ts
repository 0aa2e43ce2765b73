import type { Caller } from '../domain/caller.ts'
import { parseName } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer, PeerDirection } from '../domain/peer.ts'
import { settleCheckpoints } from '../store/checkpoints.ts'
import { settleFindings } from '../store/peer-findings.ts'
import { forgetPeerState } from '../store/peer-states.ts'
import {
  forgetPeerKeys,
  insertPeer,
  lockPeers,
  type PeerChange,
  readPeers,
  replaceHomes,
  replaceKept,
  updatePeer,
} from '../store/peers.ts'
import type { Context } from './context.ts'
import { administrative } from './organisations.ts'
import { checkHomes, checkKept } from './peer-homes.ts'
import { enrolled, peerNow, pin } from './peer-pins.ts'
import { readStatement, refused } from './peer-statements.ts'
import { record, verb } from './verb.ts'

/** The nodes enrolled here, expelled ones too, by name. */
export const listPeers = verb(
  'list-peers',
  async (_context, _caller, _input: undefined, { directory }): Promise<Peer[]> => [...directory.peers.values()],
)

export interface AddPeerInput {
  /** What the other node's `/.well-known/puente` gives as `statement`. */
  readonly statement: string
  /** Of a key of the statement, as the two operators compared it by another way. */
  readonly thumbprint: string
  readonly name: string
  /** `both` when absent. */
  readonly direction?: PeerDirection
  /** Organisations of this directory that are at home there. */
  readonly organisations?: readonly string[]
  /** Communities whose members it keeps. */
  readonly communities?: readonly string[]
  readonly itemsPerHour?: number
  readonly bytesPerHour?: number
}

/**
 * Enrols another node: its id, its URL and its keys are those of a statement that a compared key vouches for.
 * @throws {Fault} `peer_key_refused`, `endpoint_refused`, `home_conflict`, `already_exists`, `not_found`, `invalid_request`
 */
export const addPeer = verb(
  'add-peer',
  async (context: Context, caller: Caller, input: AddPeerInput, standing): Promise<Peer> => {
    const statement = await readStatement(input.statement)
    const { node: id, url } = statement
    if (id === context.node.id) throw refused('This is the statement of this node itself.')
    if (statement.signer !== input.thumbprint)
      throw refused('The statement is signed by another key than that of the thumbprint: compare it again.')
    const signer = statement.keys.filter(({ parsed }) => parsed.thumbprint === input.thumbprint)
    const at = context.clock()
    const row = {
      id,
      name: parseName(input.name, '/name'),
      url: callable(context, url),
      direction: input.direction ?? 'both',
      state: 'active',
      stateSince: at,
      itemsPerHour: input.itemsPerHour ?? limits.peerItemsPerHour,
      bytesPerHour: input.bytesPerHour ?? limits.peerBytesPerHour,
      enrolledAt: at,
    }
    const organisations = [...new Set(input.organisations ?? [])]
    const communities = [...new Set(input.communities ?? [])]
    await context.database.transaction(async (transaction) => {
      await lockPeers(transaction)
      const known = (await readPeers(transaction)).find((peer) => peer.id === id)
      if (known !== undefined && known.state !== 'expelled')
        throw new Fault('already_exists', 'This node is enrolled already: amend it, or pin its new key.')
      if (known?.keys.some((key) => key.thumbprint === input.thumbprint && key.revokedAt !== undefined) === true)
        throw refused('This key was taken back, and is never pinned again: let the node make a new one.')
      await checkHomes(transaction, standing, id, organisations)
      checkKept(standing, id, communities)
      await insertPeer(transaction, row)
      await forgetPeerKeys(transaction, id)
      await forgetPeerState(transaction, id)
      await pin(transaction, id, signer, at)
      await replaceHomes(transaction, id, organisations)
      await replaceKept(transaction, id, communities)
      const subject = { ...row, organisations, communities, thumbprint: input.thumbprint }
      await record(transaction, context, caller, standing, administrative('add-peer', subject))
    })
    return await peerNow(context.database, id)
  },
)

export interface AmendPeerInput {
  readonly id: string
  readonly name?: string
  readonly url?: string
  readonly direction?: PeerDirection
  /** All of them, at once. */
  readonly organisations?: readonly string[]
  readonly communities?: readonly string[]
  readonly itemsPerHour?: number
  readonly bytesPerHour?: number
  readonly suspended?: boolean
}

/** @throws {Fault} `not_found`, `peer_expelled`, `endpoint_refused`, `home_conflict`, `invalid_request` */
export const amendPeer = verb(
  'amend-peer',
  async (context: Context, caller: Caller, input: AmendPeerInput, standing): Promise<Peer> => {
    const { id, suspended, organisations, communities, itemsPerHour, bytesPerHour, direction } = input
    const change: PeerChange = {
      ...(input.name === undefined ? {} : { name: parseName(input.name, '/name') }),
      ...(input.url === undefined ? {} : { url: callable(context, input.url) }),
      ...(direction === undefined ? {} : { direction }),
      ...(itemsPerHour === undefined ? {} : { itemsPerHour }),
      ...(bytesPerHour === undefined ? {} : { bytesPerHour }),
      ...(suspended === undefined ? {} : { state: suspended ? 'suspended' : 'active', stateSince: context.clock() }),
    }
    await context.database.transaction(async (transaction) => {
      await lockPeers(transaction)
      await enrolled(transaction, id)
      if (organisations !== undefined) {
        await checkHomes(transaction, standing, id, organisations)
        await replaceHomes(transaction, id, [...new Set(organisations)])
      }
      if (communities !== undefined) {
        checkKept(standing, id, communities)
        await replaceKept(transaction, id, [...new Set(communities)])
      }
      if (Object.keys(change).length > 0) await updatePeer(transaction, id, change)
      // Who resumes it has looked at what its logs contradict.
      if (suspended === false) {
        await settleFindings(transaction, id, context.node.id, context.clock())
        await settleCheckpoints(transaction, id)
      }
      const subject = { id, ...change, ...definedOf({ organisations, communities }) }
      await record(transaction, context, caller, standing, administrative('amend-peer', subject))
    })
    return await peerNow(context.database, id)
  },
)

/**
 * Ends the relation: nothing goes out to it or is taken from it any more, by whatever way. Only enrolling it again undoes this.
 * @throws {Fault} `not_found`, `peer_expelled`
 */
export const expelPeer = verb(
  'expel-peer',
  async (context: Context, caller: Caller, { id }: { readonly id: string }, standing): Promise<Peer> => {
    await context.database.transaction(async (transaction) => {
      await lockPeers(transaction)
      await enrolled(transaction, id)
      await updatePeer(transaction, id, { state: 'expelled', stateSince: context.clock() })
      await record(transaction, context, caller, standing, administrative('expel-peer', { id }))
    })
    return await peerNow(context.database, id)
  },
)

const definedOf = (members: Readonly<Record<string, readonly string[] | undefined>>): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

/** @throws {Fault} `endpoint_refused` */
function callable(context: Context, url: string): string {
  const pointer = { position: { pointer: '/url' } }
  const base = URL.canParse(url) && url.length <= limits.webhookUrlCharacters ? new URL(url) : undefined
  if (base === undefined || base.search !== '' || base.hash !== '')
    throw new Fault('endpoint_refused', 'The URL of a node is that of its root, without a query.', pointer)
  const refusal = context.wayOut.refusal(url)
  if (refusal !== undefined) throw new Fault('endpoint_refused', `This node does not call it: ${refusal}.`, pointer)
  return base.href.replace(/\/$/, '')
}
