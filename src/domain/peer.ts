/** Which way indicators go: `both`, `receive` from the peer only, `send` to it only. */
export const peerDirections = ['both', 'receive', 'send'] as const
export type PeerDirection = (typeof peerDirections)[number]

/** A suspended peer gets and gives nothing until it is resumed; an expelled one has to be enrolled again. */
export const peerStates = ['active', 'suspended', 'expelled'] as const
export type PeerState = (typeof peerStates)[number]

/** Whose recalls that other nodes have not confirmed: those of one's organisation, or all of the node's. */
export const recallsOf = ['organisation', 'node'] as const
export type RecallsOf = (typeof recallsOf)[number]

/** The public half of an Ed25519 key (RFC 8037). */
export interface PeerJwk {
  readonly kty: string
  readonly crv: string
  readonly x: string
}

/** A key that a peer is known by. */
export interface PeerKey {
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
  readonly jwk: PeerJwk
  readonly pinnedAt: string
  /** Nothing it signed before then is believed. */
  readonly validFrom: string
  /** The key of the same peer that endorsed it; absent: an operator compared its thumbprint. */
  readonly endorsedBy?: string
  readonly revokedAt?: string
  /** From then on nothing it signed is believed. */
  readonly revokedFrom?: string
}

/** Another node, as it was enrolled here by hand. Times are ISO 8601 UTC. */
export interface Peer {
  /** The node's id, a UUID. */
  readonly id: string
  readonly name: string
  /** Base URL without a slash at its end. */
  readonly url: string
  readonly direction: PeerDirection
  readonly state: PeerState
  readonly stateSince: string
  /** Organisations of this directory that are at home there: their indicators come from there alone. */
  readonly organisations: readonly string[]
  /** Communities whose members it keeps: its word that somebody left one is taken. */
  readonly communities: readonly string[]
  readonly keys: readonly PeerKey[]
  /** What is taken from it in an hour at most. */
  readonly itemsPerHour: number
  readonly bytesPerHour: number
  readonly enrolledAt: string
}

/** Whether anything is taken from a peer. */
export const receivesFrom = ({ state, direction }: Peer): boolean => state === 'active' && direction !== 'send'

/** Whether anything is given to a peer. */
export const sendsTo = ({ state, direction }: Peer): boolean => state === 'active' && direction !== 'receive'
