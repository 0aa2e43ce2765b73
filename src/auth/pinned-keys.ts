import type { PeerKey } from '../domain/peer.ts'
import { type ParsedKey, parsePublicJwk } from './jwk.ts'

/** Keys are parsed once for as long as the directory holds them: a page has seals by the hundred. */
const parsed = new WeakMap<PeerKey, Promise<ParsedKey>>()

/** The pinned key as something to verify with. @throws {Fault} `invalid_request` when it is none */
export function openPinned(key: PeerKey): Promise<ParsedKey> {
  const opened = parsed.get(key) ?? parsePublicJwk(key.jwk, '')
  parsed.set(key, opened)
  return opened
}
