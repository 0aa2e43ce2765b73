import { randomBytes } from 'node:crypto'
import type { HttpRequest } from '../auth/http-signatures.ts'
import { signResponse, verifyRequest } from '../auth/http-signatures.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { useNonce } from '../store/peer-states.ts'
import type { Context } from './context.ts'

/**
 * Which peer a request comes from, by its signature (RFC 9421). One that is suspended or was expelled is answered as one that was
 * never enrolled.
 * @throws {Fault} `peer_signature_invalid`
 */
export async function provePeer(context: Context, request: HttpRequest, body: Uint8Array): Promise<Caller> {
  const { directory } = await context.policy.current()
  const at = context.clock()
  const active = [...directory.peers.values()].filter(({ state }) => state === 'active')
  const owned = active.flatMap((peer) => peer.keys.map((key) => ({ peer, key })))
  const find = (thumbprint: string) => owned.find(({ key }) => key.thumbprint === thumbprint)
  const { thumbprint, nonce } = await verifyRequest(request, body, {
    keyOf: (wanted) => find(wanted)?.key,
    destination: context.node.id,
    at,
  })
  const peer = find(thumbprint)?.peer
  if (peer === undefined) throw new Error('a request was proven by a key that is nobody’s')
  // Its time may lie ahead by as much as behind.
  const expiresAt = new Date(at.getTime() + 2 * limits.peerSignatureWindowSeconds * 1000)
  if (!(await useNonce(context.database, thumbprint, nonce, expiresAt)))
    throw new Fault('peer_signature_invalid', 'This request came before: each has a nonce of its own.')
  return { ...publicCaller, peer: peer.id }
}

/** The fields that prove an answer of this node to the peer that asked. */
export async function proveAnswer(
  context: Context,
  { peer = '' }: Caller,
  request: HttpRequest,
  status: number,
  body: Uint8Array,
): Promise<Record<string, string>> {
  const at = context.clock()
  const key = await context.federationKeys.signer(await context.policy.current(), at)
  return await signResponse({ status, fields: {}, request }, body, { key, destination: peer, nonce: freshNonce(), at })
}

export const freshNonce = (): string => randomBytes(16).toString('base64url')
