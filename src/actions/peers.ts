import type { Caller } from '../domain/caller.ts'
import { homeOf } from '../domain/directory.ts'
import { parseInstant, parseName } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer, PeerDirection } from '../domain/peer.ts'
import { revokeKey } from '../domain/peer-keys.ts'
import type { Queries, Transaction } from '../store/database.ts'
import {
  forgetPeerKeys,
  insertPeer,
  insertPeerKey,
  lockPeers,
  type PeerChange,
  publishedHere,
  readPeers,
  replaceHomes,
  revokePeerKeyRow,
  updatePeer,
} from '../store/peers.ts'
import type { Context, Standing } from './context.ts'
import { administrative, organisationOf } from './organisations.ts'
import { endorserOf, readStatement, refused, type StatedKey } from './peer-statements.ts'
import { absent } from './read.ts'
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
    await context.database.transaction(async (transaction) => {
      await lockPeers(transaction)
      const known = (await readPeers(transaction)).find((peer) => peer.id === id)
      if (known !== undefined && known.state !== 'expelled')
        throw new Fault('already_exists', 'This node is enrolled already: amend it, or pin its new key.')
      await checkHomes(transaction, standing, id, organisations)
      await insertPeer(transaction, row)
      await forgetPeerKeys(transaction, id)
      await pin(transaction, id, signer, at)
      await replaceHomes(transaction, id, organisations)
      const subject = { ...row, organisations, thumbprint: input.thumbprint }
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
  readonly itemsPerHour?: number
  readonly bytesPerHour?: number
  readonly suspended?: boolean
}

/** @throws {Fault} `not_found`, `peer_expelled`, `endpoint_refused`, `home_conflict`, `invalid_request` */
export const amendPeer = verb(
  'amend-peer',
  async (context: Context, caller: Caller, input: AmendPeerInput, standing): Promise<Peer> => {
    const { id, suspended, organisations, itemsPerHour, bytesPerHour, direction } = input
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
      if (Object.keys(change).length > 0) await updatePeer(transaction, id, change)
      const subject = { id, ...change, ...(organisations === undefined ? {} : { organisations }) }
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

export interface PinPeerKeyInput {
  readonly id: string
  readonly statement: string
  /** Of a key of the statement, as compared by another way; not needed for a key that a pinned one endorsed. */
  readonly thumbprint?: string
}

/**
 * Pins the keys of a new statement of the same node: those that a pinned key endorsed, one after the other, and the one whose
 * thumbprint was compared. @throws {Fault} `not_found`, `peer_expelled`, `peer_key_refused`, `already_exists`
 */
export const pinPeerKey = verb(
  'pin-peer-key',
  async (context: Context, caller: Caller, { id, statement: text, thumbprint }: PinPeerKeyInput, standing) => {
    const statement = await readStatement(text)
    if (statement.node !== id) throw refused('This is the statement of another node.')
    await context.database.transaction(async (transaction) => {
      await lockPeers(transaction)
      const peer = await enrolled(transaction, id)
      const pinned = await pinStated(transaction, peer, statement.keys, context.clock(), thumbprint)
      if (pinned.length === 0)
        throw refused('No key of it is new and endorsed by a pinned one: compare a thumbprint, and give it.')
      await record(transaction, context, caller, standing, administrative('pin-peer-key', { id, pinned }))
    })
    return await peerNow(context.database, id)
  },
)

/** Pins whatever may be pinned. @returns the thumbprints */
export async function pinStated(
  transaction: Transaction,
  peer: Peer,
  keys: readonly StatedKey[],
  at: Date,
  compared?: string,
): Promise<string[]> {
  const pinned: string[] = []
  // The oldest first: each may vouch for the one after it.
  for (const key of [...keys].reverse()) {
    const { thumbprint } = key.parsed
    const now = await enrolled(transaction, peer.id)
    if (now.keys.some((known) => known.thumbprint === thumbprint)) continue
    const endorser = thumbprint === compared ? undefined : await endorserOf(now, key)
    if (thumbprint !== compared && endorser === undefined) continue
    if (now.keys.length >= limits.peerKeys) throw refused(`A node has at most ${limits.peerKeys} keys pinned.`)
    await pin(transaction, peer.id, [key], at, endorser)
    pinned.push(thumbprint)
  }
  return pinned
}

export interface RevokePeerKeyInput {
  readonly id: string
  readonly thumbprint: string
  /** Since when it may be in somebody else's hands, ISO 8601; now when absent. Never ahead. */
  readonly from?: string
}

/** Takes a pinned key back: what it signed from then on is believed no more. @throws {Fault} `not_found`, `invalid_request` */
export const revokePeerKey = verb(
  'revoke-peer-key',
  async (context: Context, caller: Caller, input: RevokePeerKeyInput, standing): Promise<Peer> => {
    const { id, thumbprint } = input
    const at = context.clock()
    const from = input.from === undefined ? at : new Date(parseInstant(input.from, '/from'))
    if (from > at) throw invalid('/from', 'A key is taken back from now or an earlier time on.')
    await context.database.transaction(async (transaction) => {
      await lockPeers(transaction)
      const peer = (await readPeers(transaction)).find((each) => each.id === id)
      if (peer?.keys.some((key) => key.thumbprint === thumbprint) !== true) throw absent()
      // With it falls what it endorsed since: a thief endorses keys too.
      const fallen = revokeKey(peer.keys, thumbprint, from.toISOString(), at).filter((key, n) => key !== peer.keys[n])
      for (const key of fallen) await revokePeerKeyRow(transaction, { peer: id, thumbprint: key.thumbprint }, at, from)
      const subject = { id, thumbprint, from: from.toISOString(), fallen: fallen.map((key) => key.thumbprint) }
      await record(transaction, context, caller, standing, administrative('revoke-peer-key', subject))
    })
    return await peerNow(context.database, id)
  },
)

async function pin(
  transaction: Transaction,
  peer: string,
  keys: readonly StatedKey[],
  at: Date,
  endorsedBy?: string,
): Promise<void> {
  for (const { parsed, signsFrom } of keys) {
    await insertPeerKey(transaction, {
      thumbprint: parsed.thumbprint,
      peer,
      jwk: JSON.stringify(parsed.jwk),
      pinnedAt: at,
      validFrom: new Date(signsFrom),
      endorsedBy: endorsedBy ?? null,
    })
  }
}

/** @throws {Fault} `not_found`, `peer_expelled` */
async function enrolled(queries: Queries, id: string): Promise<Peer> {
  const peer = (await readPeers(queries)).find((each) => each.id === id)
  if (peer === undefined) throw absent()
  if (peer.state === 'expelled') throw new Fault('peer_expelled', 'This node was expelled: enrol it again.')
  return peer
}

async function peerNow(queries: Queries, id: string): Promise<Peer> {
  const peer = (await readPeers(queries)).find((each) => each.id === id)
  if (peer === undefined) throw absent()
  return peer
}

/** An organisation speaks at one node. @throws {Fault} `not_found`, `home_conflict` */
async function checkHomes(
  transaction: Transaction,
  standing: Standing,
  peer: string,
  organisations: readonly string[],
): Promise<void> {
  const { directory } = standing
  for (const id of organisations) {
    organisationOf(standing, id)
    const home = homeOf(directory, id)
    if (id === directory.operator) throw conflict(`"${id}" operates this node, and is at home here.`)
    if (home !== undefined && home.id !== peer) throw conflict(`"${id}" is at home at ${home.name}.`)
  }
  const moving = organisations.filter((id) => homeOf(directory, id) === undefined)
  const [published] = await publishedHere(transaction, moving)
  if (published !== undefined)
    throw conflict(`"${published}" has published at this node: its indicators have their history here.`)
}

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

const conflict = (sentence: string) => new Fault('home_conflict', sentence)
const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
