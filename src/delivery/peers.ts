import { randomUUID } from 'node:crypto'
import { type Context, duePeers, keepHolding, letGoOfPeers, PageAhead, takePage } from '../actions/index.ts'
import { limits } from '../domain/limits.ts'
import type { WakeSource } from './webhooks.ts'

export interface PeersOptions {
  /** Tells that the directory may have changed: a peer may have been enrolled, resumed or expelled. */
  readonly wakes: WakeSource
  /** How long a peer is asked to wait for something new. */
  readonly waitSeconds?: number
}

export interface Peers {
  /** Begins nothing more, gives up what waits for an answer, and lets other processes go on at once. */
  stop(): Promise<void>
}

const lookMs = 1_000
const beatMs = limits.peerLeaseMs / 4

/**
 * Takes from every peer what it has for this node: one process at a time from each, all peers side by side, so that a slow one delays
 * nobody. A page after the other while there is more, and a long wait at its end.
 */
export function startPeers(context: Context, { wakes, waitSeconds = limits.peerWaitSeconds }: PeersOptions): Peers {
  const holder = randomUUID()
  const over = new AbortController()
  const working = new Map<string, Promise<void>>()
  let looking: Promise<void> | undefined

  const look = (): void => {
    if (over.signal.aborted) return
    looking ??= begin()
      .catch((error: unknown) => context.log.warn({ error }, 'peers could not be looked for'))
      .finally(() => {
        looking = undefined
      })
  }

  async function begin(): Promise<void> {
    for (const id of await duePeers(context, holder, new Set(working.keys()))) {
      const work = take(context, holder, id, waitSeconds, over.signal)
        .catch((error: unknown) => context.log.error({ error, peer: id }, 'a peer could not be taken from'))
        .finally(() => working.delete(id))
      working.set(id, work)
    }
  }

  const timer = setInterval(look, lookMs).unref()
  const unwake = wakes(look)
  look()
  return {
    stop: async () => {
      over.abort()
      clearInterval(timer)
      unwake()
      await looking
      // Whoever waits for an answer of a peer is not waited for: what comes is not applied.
      const ended = Promise.all(working.values())
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, stopMs).unref())])
      await letGoOfPeers(context, holder).catch((error: unknown) =>
        context.log.warn({ error }, 'peers: other processes go on in some seconds'),
      )
    },
  }
}

/** Longest that a page under way is waited for when the process stops. */
const stopMs = 2_000

/** Takes page after page, until one fails, or the process stops or is not believed to be alive any more. */
async function take(
  context: Context,
  holder: string,
  id: string,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  let held = true
  const beat = setInterval(() => {
    keepHolding(context, holder, id).then(
      (still) => {
        held = still
      },
      (error: unknown) => context.log.warn({ error, peer: id }, 'peers: not known to be alive'),
    )
  }, beatMs).unref()
  const ahead = new PageAhead()
  try {
    for (let more = false; held && !signal.aborted; ) {
      const pulled = await takePage(context, id, more ? 0 : waitSeconds, signal, ahead)
      if (pulled.failed !== undefined) return
      more = pulled.more
    }
  } finally {
    clearInterval(beat)
    await ahead.close()
  }
}
