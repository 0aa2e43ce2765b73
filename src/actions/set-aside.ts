import type { OpenedSeal, SealFault } from '../auth/seals.ts'
import { limits } from '../domain/limits.ts'
import type { Quarantined, Refused } from '../domain/verdict.ts'
import type { ReadEntry } from '../formats/feed-page.ts'
import type { IndicatorKey } from '../store/envelopes.ts'
import type { NewQuarantined } from '../store/quarantine.ts'
import { claimedNotice } from './judge-notices.ts'
import { isRead } from './read-through.ts'

/** An entry as it came, with its seal opened. */
export interface OpenedEntry extends ReadEntry {
  readonly opened: OpenedSeal | SealFault
  /** Text of the seal. */
  readonly jws: string
}

/** What an entry says it is about; undefined where that cannot be. */
export function nameOf({
  envelope: text,
  read,
}: OpenedEntry): (IndicatorKey & { readonly version: number }) | undefined {
  if (text.length > limits.envelopeBytes) return undefined
  try {
    const { id, originator, version }: Readonly<Record<string, unknown>> = isRead(read) ? { ...read } : JSON.parse(text)
    if (typeof id !== 'string' || typeof originator !== 'string' || !Number.isSafeInteger(version)) return undefined
    if (!indicatorId.test(id) || !slug.test(originator)) return undefined
    return { stixId: id.slice('indicator--'.length), originator, version: version as number }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const indicatorId = /^indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const slug = /^[a-z0-9][a-z0-9-]{0,62}$/

export function setAside(entry: OpenedEntry | undefined, verdict: Quarantined | Refused, at: Date): NewQuarantined {
  const named = entry && nameOf(entry)
  const notice = entry && claimedNotice(entry)
  const retry = verdict.outcome === 'quarantined' ? verdict.retry : undefined
  return {
    originator: named?.originator ?? null,
    item: named === undefined ? (notice?.id ?? null) : `indicator--${named.stixId}`,
    version: named?.version ?? null,
    code: verdict.code,
    detail: verdict.detail,
    entry: retry === undefined || entry === undefined ? null : writeAside(entry),
    retryAt: retryAtOf(retry, at),
    retryVersion: retry === 'version',
  }
}

/** What a sighting is about may come by another way, and nobody says so: it is looked for now and then. */
function retryAtOf(retry: Quarantined['retry'] | undefined, at: Date): string | null {
  if (typeof retry === 'object') return retry.at
  return retry === 'target' ? new Date(at.getTime() + limits.peerRewindSeconds * 1000).toISOString() : null
}

/** An entry as quarantine keeps it. */
export const writeAside = ({
  envelope,
  index,
  path,
  hops,
  gap,
  jws,
}: Omit<OpenedEntry, 'opened' | 'seal' | 'read'>): string =>
  JSON.stringify({ envelope, index, path: path.map((hash) => hash.toString('base64url')), hops, gap, jws })

/** The entry of {@link writeAside}; its seal is still to be opened. */
export function readAside(text: string): Omit<OpenedEntry, 'opened'> {
  const { path, ...rest } = JSON.parse(text) as Omit<OpenedEntry, 'opened' | 'path'> & { readonly path: string[] }
  return { ...rest, seal: 0, path: path.map((hash) => Buffer.from(hash, 'base64url')) }
}
