import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * An API key reads `puente_<id>_<secret>`: the prefix is recognisable by secret scanners, the id finds the row, and
 * only a digest of the secret is stored. The secret has 256 random bits, so a plain SHA-256 is enough: there is
 * nothing to guess, and a slow hash would only slow every request.
 */
const prefix = 'puente_'

/** A key that reads one blocklist and nothing else; no other door knows the prefix. */
const listPrefix = 'puente-list_'
const idLength = 12
const secretLength = 43

export interface MintedKey {
  readonly id: string
  /** Shown once, never stored. */
  readonly secret: string
  readonly digest: Buffer
}

export const mintKey = (): MintedKey => mint(prefix)
export const mintListKey = (): MintedKey => mint(listPrefix)

function mint(prefix: string): MintedKey {
  const id = randomBytes(idLength / 2).toString('hex')
  const secret = `${prefix}${id}_${randomBytes(32).toString('base64url')}`
  return { id, secret, digest: digestOf(secret) }
}

/** The id inside a key's text; undefined when it has not the form of one. */
export const keyIdOf = (text: string): string | undefined => idIn(text, prefix)
export const listKeyIdOf = (text: string): string | undefined => idIn(text, listPrefix)

function idIn(text: string, prefix: string): string | undefined {
  const id = text.slice(prefix.length, prefix.length + idLength)
  const wellFormed =
    text.startsWith(prefix) && text.length === prefix.length + idLength + 1 + secretLength && /^[0-9a-f]{12}$/.test(id)
  return wellFormed && text[prefix.length + idLength] === '_' ? id : undefined
}

/** Compares in constant time. */
export const keyMatches = (text: string, digest: Buffer): boolean => {
  const given = digestOf(text)
  return given.length === digest.length && timingSafeEqual(given, digest)
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
