import { type ParsedKey, parsePublicJwk, type VerificationKey } from '../auth/jwk.ts'
import { claimedStatement, openStatement } from '../auth/node-statements.ts'
import { parseInstant } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'

/** What a node says of itself, with the key that vouches for it. */
export interface KnownStatement {
  readonly node: string
  readonly url: string
  /** Every key that the statement shows, in its order. */
  readonly keys: readonly StatedKey[]
  /** The key that signed it. */
  readonly signer: string
}

export interface StatedKey {
  readonly parsed: ParsedKey
  readonly signsFrom: string
  readonly endorsement?: string
}

/**
 * Reads what `/.well-known/puente` of another node gave as `statement`: signed by one of the keys that it shows. Who the node is
 * is not known by that; a thumbprint that was compared, or a key that is pinned already, has to say so.
 * @throws {Fault} `peer_key_refused`
 */
export async function readStatement(text: string): Promise<KnownStatement> {
  const claimed = await statedKeys(claimedStatement(text))
  if (claimed === undefined) throw refused('This is no statement of a node: give the member "statement" as it stands.')
  const opened = await openStatement(
    text,
    'puente-node+jws',
    (kid): VerificationKey | undefined => claimed.keys.find(({ parsed }) => parsed.thumbprint === kid)?.parsed,
  )
  if (opened === undefined) throw refused('The statement is not signed by a key that it shows.')
  return { ...claimed, signer: opened.kid }
}

async function statedKeys(said: unknown): Promise<Omit<KnownStatement, 'signer'> | undefined> {
  const { node, url, keys } = (said ?? {}) as Readonly<Record<string, unknown>>
  if (typeof node !== 'string' || typeof url !== 'string' || !Array.isArray(keys)) return undefined
  if (!uuid.test(node) || keys.length === 0 || keys.length > limits.peerKeys) return undefined
  const stated: StatedKey[] = []
  for (const each of keys as readonly unknown[]) {
    const { jwk, signsFrom, endorsement } = (each ?? {}) as Readonly<Record<string, unknown>>
    const parsed = await parsePublicJwk(jwk, '/statement')
    if (parsed.algorithm !== 'EdDSA') throw refused('Nodes sign with Ed25519.')
    if (typeof signsFrom !== 'string') return undefined
    stated.push({
      parsed,
      signsFrom: parseInstant(signsFrom, '/statement'),
      ...(typeof endorsement === 'string' ? { endorsement } : {}),
    })
  }
  return { node, url, keys: stated }
}

/**
 * The pinned key of a peer that endorsed a new one; undefined when none did. A key that was taken back vouches for nothing.
 */
export async function endorserOf(peer: Peer, { parsed, endorsement }: StatedKey): Promise<string | undefined> {
  if (endorsement === undefined) return undefined
  const opened = await openStatement(endorsement, 'puente-key+jws', async (kid) => {
    const known = peer.keys.find(({ thumbprint, revokedAt }) => thumbprint === kid && revokedAt === undefined)
    return known === undefined ? undefined : await parsePublicJwk(known.jwk, '')
  })
  const { node, thumbprint } = (opened?.said ?? {}) as Readonly<Record<string, unknown>>
  return node === peer.id && thumbprint === parsed.thumbprint ? opened?.kid : undefined
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const refused = (sentence: string) => new Fault('peer_key_refused', sentence)
