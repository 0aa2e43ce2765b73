import type { PeerKey } from '../domain/peer.ts'
import type { SigningKey } from './jwk.ts'
import { openStatement, signStatement } from './node-statements.ts'
import { openPinned } from './pinned-keys.ts'

/** What a node signs over a batch of envelopes, once for all of them. */
export interface SealedRoot {
  readonly node: string
  readonly epoch: string
  /** 32 bytes. */
  readonly root: Buffer
  /** Envelopes in the batch. */
  readonly size: number
  /** ISO 8601 UTC with milliseconds. */
  readonly issuedAt: string
}

/** A seal whose signature holds under a pinned key. Whether that key was to be believed then, the receiver's checks say. */
export interface OpenedSeal extends SealedRoot {
  /** Of the key. */
  readonly thumbprint: string
}

export interface SealFault {
  readonly fault: 'seal_invalid' | 'key_unknown'
  readonly detail: string
}

/** A seal: a compact JWS (RFC 7515) by EdDSA (RFC 8037) of type `puente-seal+jws`, which names its key by the thumbprint. */
export const signSeal = ({ node, epoch, root, size, issuedAt }: SealedRoot, key: SigningKey): Promise<string> =>
  signStatement({ v: 1, node, epoch, root: root.toString('base64url'), size, issuedAt }, 'puente-seal+jws', key)

/**
 * Opens a seal. One signature stands for a whole batch: open it once for a page.
 * @param keys all that are pinned, of whichever peer: the checks see to it that it is one of the node's that the envelope names
 */
export async function openSeal(text: string, keys: readonly PeerKey[]): Promise<OpenedSeal | SealFault> {
  let asked = false
  let pinned: PeerKey | undefined
  const opened = await openStatement(text, 'puente-seal+jws', async (kid) => {
    asked = true
    pinned = keys.find(({ thumbprint }) => thumbprint === kid)
    return pinned === undefined ? undefined : await openPinned(pinned)
  })
  if (asked && pinned === undefined)
    return { fault: 'key_unknown', detail: 'It is sealed with a key that is not pinned here.' }
  if (opened === undefined) return { fault: 'seal_invalid', detail: 'The signature of the seal does not hold.' }
  return sealOf(opened.said, opened.kid) ?? { fault: 'seal_invalid', detail: 'What is signed is no seal.' }
}

function sealOf(said: unknown, thumbprint: string): OpenedSeal | undefined {
  const { v, node, epoch, root, size, issuedAt } = (said ?? {}) as Readonly<Record<string, unknown>>
  const hash = typeof root === 'string' ? Buffer.from(root, 'base64url') : Buffer.alloc(0)
  if (v !== 1 || typeof node !== 'string' || typeof epoch !== 'string' || hash.length !== 32) return undefined
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 1) return undefined
  if (typeof issuedAt !== 'string' || !isInstant(issuedAt)) return undefined
  return { node, epoch, root: hash, size, issuedAt, thumbprint }
}

const isInstant = (text: string): boolean => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text
