import { verifyResponse } from '../auth/http-signatures.ts'
import type { Peer } from '../domain/peer.ts'
import { type Asking, ask } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'

/**
 * A signed request to a peer, and its answer, which it must have signed where it is one.
 * @throws {Unusable}, and {Fault} `peer_signature_invalid`
 */
export async function askProven(
  context: Context,
  standing: Standing,
  peer: Peer,
  asking: Asking,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const { request, answer } = await ask(context, standing, peer, asking)
  const { status, headers: fields, body } = answer
  if (status !== 200) return { status, body }
  // As they are pinned now: one may have been taken back while the peer took its time.
  const keys = (await context.policy.current()).directory.peers.get(peer.id)?.keys ?? []
  await verifyResponse({ status, fields, request }, body, {
    keyOf: (thumbprint) => keys.find((key) => key.thumbprint === thumbprint),
    destination: context.node.id,
    at: context.clock(),
  })
  return { status, body }
}
