import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { markReported, unreported } from '../store/quarantine.ts'
import { ask, Unusable } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'

/** Tells the peer what was not applied of what it gave, so that originators can know. Failing is no failure of the page. */
export async function reportUnapplied(context: Context, standing: Standing, peer: Peer): Promise<void> {
  const rows = await unreported(context.database, peer.id, limits.peerPageEntries)
  if (rows.length === 0) return
  const refused = rows.map(({ originator, item, version, code }) => ({
    originator,
    id: item,
    version: Number(version),
    code,
  }))
  const body = Buffer.from(JSON.stringify({ refused }))
  const asking = { method: 'POST', path: '/federation/v1/acks', body, timeoutMs: limits.peerTimeoutMs } as const
  const { answer } = await ask(context, standing, peer, asking).catch((error: unknown) => {
    if (error instanceof Unusable) return { answer: undefined }
    throw error
  })
  if (answer?.status !== 200) {
    context.log.warn({ peer: peer.id, status: answer?.status }, 'a peer was not told what was not applied')
    return
  }
  await markReported(
    context.database,
    rows.map(({ id }) => id),
  )
}
