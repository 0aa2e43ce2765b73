import type { PeerKey } from './peer.ts'

/** `revoked_later`: sealed before the instant of the revocation by its own date, which a thief can write too. */
export type KeyStanding = 'valid' | 'not_yet' | 'revoked' | 'revoked_later'

/**
 * How a pinned key stands to something that it signed. Keys do not end: what a replaced one sealed stays good. A revoked one is not
 * believed by the date it writes either; its node seals with the next key what is still to be believed, or an operator decides.
 * @param signedAt by the clock of the signer, ISO 8601
 */
export function keyStanding(key: PeerKey, signedAt: string): KeyStanding {
  const signed = Date.parse(signedAt)
  if (key.revokedFrom !== undefined) return signed >= Date.parse(key.revokedFrom) ? 'revoked' : 'revoked_later'
  return signed >= Date.parse(key.validFrom) ? 'valid' : 'not_yet'
}

/** Whether what was applied under a seal must be hidden and listed: its key was revoked back to before it, or is pinned no more. */
export function hiddenByRevocation(
  keys: readonly PeerKey[],
  { thumbprint, sealedAt }: { readonly thumbprint: string; readonly sealedAt: string },
): boolean {
  const key = keys.find((each) => each.thumbprint === thumbprint)
  return key === undefined || keyStanding(key, sealedAt) === 'revoked'
}

/**
 * The keys of a peer after one of them was revoked back to an instant: with it falls every key that it endorsed and that was pinned
 * from then on, and theirs. An endorsement's own date is not asked: a thief writes any.
 * @param from ISO 8601; where it was revoked before, the earlier one counts
 * @param at when this node learns it
 */
export function revokeKey(keys: readonly PeerKey[], thumbprint: string, from: string, at: Date): PeerKey[] {
  const fallen = new Set([thumbprint])
  for (let grown = true; grown; ) {
    const size = fallen.size
    for (const { thumbprint: one, endorsedBy, pinnedAt } of keys) {
      if (endorsedBy !== undefined && fallen.has(endorsedBy) && Date.parse(pinnedAt) >= Date.parse(from))
        fallen.add(one)
    }
    grown = fallen.size > size
  }
  return keys.map((key) => (fallen.has(key.thumbprint) ? revoked(key, from, at) : key))
}

function revoked(key: PeerKey, from: string, at: Date): PeerKey {
  const earlier = key.revokedFrom !== undefined && Date.parse(key.revokedFrom) <= Date.parse(from)
  return earlier ? key : { ...key, revokedFrom: from, revokedAt: key.revokedAt ?? at.toISOString() }
}
