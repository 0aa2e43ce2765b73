import { Fault } from '../errors.ts'
import { hasKnownSuffix } from './name.ts'
import type { Observable } from './observable.ts'
import { parseObservable } from './parse.ts'
import { refang } from './refang.ts'
import { observableTypes } from './types.ts'

/** Shapes of text, and the types to try for each; the first that parses is it. */
const shapes: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^[a-z][a-z0-9+.-]{0,15}:\/\//i, ['url']],
  [/^magnet:\?/i, ['torrent-info-hash']],
  [/^(?:HK(?:LM|CU|CR|U|CC)|HKEY_[A-Z_]{5,16}):?\\/i, ['registry-key']],
  [/^cpe:/i, ['cpe']],
  [/^pkg:/i, ['package-url']],
  [/^bitcoincash:/i, ['bitcoin-cash-address']],
  [/^(?:CVE|GHSA|EUVD)-/i, ['vulnerability']],
  [/^CWE-\d/i, ['weakness']],
  [/^AS ?\d/i, ['autonomous-system']],
  [/^T\d{4}(?:\.\d{3})?$/, ['attack-pattern']],
  [/^T1[0-9a-f]{70}$/i, ['tlsh']],
  [/^\d+:[A-Za-z0-9+/]{3,}:[A-Za-z0-9+/]{3,}$/, ['ssdeep']],
  [/^[tqd][0-9sd][0-9][di]\d{4}[0-9a-z]{2}_/, ['ja4']],
  [/^SHA256:/, ['ssh-fingerprint']],
  [/^0x[0-9a-f]{40}$/i, ['ethereum-address']],
  [/^[0-9a-f]{32}$/i, ['md5']],
  [/^[0-9a-f]{40}$/i, ['sha1']],
  [/^[0-9a-f]{56}$/i, ['sha224']],
  [/^[0-9a-f]{62}$/i, ['jarm']],
  [/^[0-9a-f]{64}$/i, ['sha256']],
  [/^[0-9a-f]{96}$/i, ['sha384']],
  [/^[0-9a-f]{128}$/i, ['sha512']],
  [/^[0-9a-f:.]+\/\d{1,3}$/i, ['ip-address']],
  [/^(?:[0-9.]+|\[[0-9a-f:.]+\]):\d{1,5}$/i, ['ip-port']],
  [/^(?=[^:.]*[:.])[0-9a-f:.]+$/i, ['ip-address', 'mac-address', 'domain-name']],
  [/^(?:[0-9a-f]{2}-){5}[0-9a-f]{2}$/i, ['mac-address']],
  [/^[A-Z]{2}\d{2}[A-Z0-9 ]{11,40}$/i, ['iban']],
  [/^[^\s@]+@[^\s@]+$/, ['email-address']],
  [/^(?:bc|ltc)1[a-z0-9]+$/i, ['bitcoin-address', 'litecoin-address']],
  [/^[48][1-9A-HJ-NP-Za-km-z]{94,105}$/, ['monero-address']],
  [
    /^[1-9A-HJ-NP-Za-km-z]{25,64}$/,
    ['bitcoin-address', 'litecoin-address', 'dash-address', 'dogecoin-address', 'zcash-address', 'tron-address'],
  ],
  [/^(?=[^.]*\.)[^\s:/\\|]+:\d{1,5}$/, ['host-port']],
  [/^(?=[^.]*\.)[^\s:/\\|]+$/, ['domain-name']],
]

/** A name that no shape but the last means, though a few begin alike: most of what comes unnamed, and it need not pass by all of them. */
const plainName = /^(?!(?:cve|ghsa|euvd|cwe)-|as\d)(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63}$/i

/** Longest text that is looked at: what is recognised by its shape is short, a URL apart. */
const detectCharacters = 4_096

/** What a value of an unnamed kind is, defanged or not: the observable, or undefined when it could be several things. */
export function detectObservable(text: string): Observable | undefined {
  if (text.length > detectCharacters) return undefined
  const plain = refang(text.trim())
  if (plainName.test(plain)) {
    const found = attempt('domain-name', plain)
    if (found !== undefined) return found
  }
  for (const [shape, types] of shapes) {
    if (!shape.test(plain)) continue
    for (const type of types) {
      const found = attempt(type, plain)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/**
 * The type of a value of an unnamed kind (a plain list, a look-up), or undefined. Conservative: a name counts as a
 * domain only under a public suffix, hexadecimal text only at the length of a usual digest, and whatever has check
 * digits only with the right ones.
 */
export const detectType = (text: string): string | undefined => detectObservable(text)?.type

/**
 * Reads a value of an unnamed kind: what {@link parseObservable} makes of it under the type that {@link detectType} finds.
 * @returns undefined when it could be several things
 * @throws {Fault} as {@link parseObservable}
 */
export function readUnnamed(text: string): Observable | undefined {
  const found = detectObservable(text)
  if (found === undefined) return undefined
  // To recognise it, brackets were taken for defanging; a type that people do not defang keeps them.
  if (observableTypes.get(found.type)?.refangs === true) return found
  const written = text.trim()
  return refang(written) === written ? found : parseObservable(found.type, written)
}

const needsSuffix = new Set(['domain-name', 'host-port'])

function attempt(type: string, text: string): Observable | undefined {
  try {
    const found = parseObservable(type, text)
    const name = found.value.replace(/:\d+$/, '')
    return needsSuffix.has(found.type) && !hasKnownSuffix(name) ? undefined : found
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
