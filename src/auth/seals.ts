import { CompactSign } from 'jose'
import { Fault } from '../domain/errors.ts'
import type { SigningKey } from './jwk.ts'
import { KeyUnknown, type NodeKey, openSigned } from './node-keys.ts'

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
  readonly key: NodeKey
}

export interface SealFault {
  readonly fault: 'seal_invalid' | 'key_unknown'
  readonly detail: string
}

const sealType = 'puente-seal+jws'

/** A seal: a compact JWS (RFC 7515) by EdDSA (RFC 8037), which names its key by the thumbprint. */
export async function signSeal({ node, epoch, root, size, issuedAt }: SealedRoot, key: SigningKey): Promise<string> {
  const payload = JSON.stringify({ epoch, issuedAt, node, root: root.toString('base64url'), size, v: 1 })
  return await new CompactSign(Buffer.from(payload))
    .setProtectedHeader({ alg: 'EdDSA', typ: sealType, kid: key.kid })
    .sign(key.sign)
}

/**
 * Opens a seal. One signature stands for a whole batch: open it once for a page.
 * @param keys all that are pinned for the node whose envelopes it is to cover
 */
export async function openSeal(text: string, keys: readonly NodeKey[]): Promise<OpenedSeal | SealFault> {
  try {
    const { payload, key } = await openSigned(text, sealType, keys)
    return sealOf(payload, key)
  } catch (error) {
    if (error instanceof KeyUnknown) return { fault: 'key_unknown', detail: error.message }
    if (error instanceof Fault) return { fault: 'seal_invalid', detail: error.message }
    throw error
  }
}

function sealOf(payload: Readonly<Record<string, unknown>>, key: NodeKey): OpenedSeal | SealFault {
  const { v, node, epoch, root, size, issuedAt } = payload
  const hash = typeof root === 'string' ? Buffer.from(root, 'base64url') : Buffer.alloc(0)
  if (v !== 1 || typeof node !== 'string' || typeof epoch !== 'string' || hash.length !== 32) return notOne
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 1) return notOne
  if (typeof issuedAt !== 'string' || Number.isNaN(Date.parse(issuedAt))) return notOne
  return { node, epoch, root: hash, size, issuedAt, key }
}

const notOne: SealFault = { fault: 'seal_invalid', detail: 'What is signed is no seal.' }
