import { type HttpRequest, signRequest } from '../auth/http-signatures.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { AnswerOfNode, Context, Standing } from './context.ts'
import { freshNonce } from './peer-request.ts'

/** No usable answer came of asking a peer: its message is for the operator. */
export class Unusable extends Error {
  override readonly name = 'Unusable'
}

export interface Asking {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: Buffer
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** A signed request to a peer, and what came back. @throws {Unusable} */
export async function ask(
  context: Context,
  standing: Standing,
  peer: Peer,
  { method, path, body = Buffer.alloc(0), timeoutMs, signal }: Asking,
): Promise<{ readonly request: HttpRequest; readonly answer: AnswerOfNode }> {
  const at = context.clock()
  const key = await context.federationKeys.signer(standing, at)
  const url = `${peer.url}${path}`
  const own = method === 'POST' ? { 'content-type': 'application/json' } : {}
  const signer = { key, destination: peer.id, nonce: freshNonce(), at }
  const signed = await signRequest({ method, url, fields: own }, body, signer)
  const fields = { ...own, ...signed }
  const answer = await context.wayOut.ask({
    ...{ url, method, headers: fields, timeoutMs, signal, maxBytes: limits.peerPageBytes },
    ...(method === 'POST' ? { body } : {}),
  })
  if ('error' in answer) throw new Unusable(answer.error)
  return { request: { method, url, fields }, answer }
}
