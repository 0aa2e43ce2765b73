import { verifyResponse } from '../auth/http-signatures.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { type ReadPage, readPage } from '../formats/feed-page.ts'
import { updatePeerState } from '../store/peer-states.ts'
import { ask, Unusable } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'

export interface PageWanted {
  /** The cursor to go on from; null: from the beginning. */
  readonly after: string | null
  /** Of the last page that is stored, where `after` is not yet; null: none is. Absent: `after` is. */
  readonly stored?: string | null
  /** How long the peer may wait for something new. */
  readonly waitSeconds: number
  readonly signal?: AbortSignal | undefined
}

export interface AskedPage {
  readonly page: ReadPage
  readonly bytes: number
}

/** A page as a peer gave it, proven to be its answer. @throws {Unusable | Fault} */
export async function askPage(
  context: Context,
  standing: Standing,
  peer: Peer,
  { after, stored, waitSeconds, signal }: PageWanted,
): Promise<AskedPage> {
  const query = new URLSearchParams({
    wait: String(waitSeconds),
    ...(after === null ? {} : { after }),
    ...(stored === undefined ? {} : { stored: stored ?? '' }),
  })
  const { request, answer } = await ask(context, standing, peer, {
    method: 'GET',
    path: `/federation/v1/feed?${query}`,
    timeoutMs: waitSeconds * 1000 + limits.peerTimeoutMs,
    signal,
  })
  if (answer.status === 410 && after !== null) {
    // The peer was restored: what it has is asked for from the beginning, and known things are passed over.
    await updatePeerState(context.database, peer.id, { cursor: null, rewind: false })
  }
  if (answer.status !== 200) throw new Unusable(`status ${answer.status}`)
  const { status, headers: fields, body } = answer
  // As they are pinned now: one may have been taken back while the peer waited for something new.
  const keys = (await context.policy.current()).directory.peers.get(peer.id)?.keys ?? []
  await verifyResponse({ status, fields, request }, body, {
    keyOf: (thumbprint) => keys.find((key) => key.thumbprint === thumbprint),
    destination: context.node.id,
    at: context.clock(),
  })
  const page = readPage(body)
  if (page.from !== peer.id || page.to !== context.node.id) throw new Unusable('the page is between other nodes')
  return { page, bytes: body.length }
}
