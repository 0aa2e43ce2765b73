import type { Caller } from '../domain/caller.ts'
import { parseInstant } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { revokeKey } from '../domain/peer-keys.ts'
import type { Queries, Transaction } from '../store/database.ts'
import { insertPeerKey, lockPeers, readPeers, revokePeerKeyRow } from '../store/peers.ts'
import type { Context } from './context.ts'
import { administrative } from './organisations.ts'
import { endorserOf, readStatement, refused, type StatedKey } from './peer-statements.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

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

/** Pins these keys of a peer, unasked. */
export async function pin(
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
export async function enrolled(queries: Queries, id: string): Promise<Peer> {
  const peer = (await readPeers(queries)).find((each) => each.id === id)
  if (peer === undefined) throw absent()
  if (peer.state === 'expelled') throw new Fault('peer_expelled', 'This node was expelled: enrol it again.')
  return peer
}

export async function peerNow(queries: Queries, id: string): Promise<Peer> {
  const peer = (await readPeers(queries)).find((each) => each.id === id)
  if (peer === undefined) throw absent()
  return peer
}

const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
