import { canonicalAddress, parseNetwork } from '../../domain/observables/ip.ts'
import { parseUrl } from '../../domain/observables/url.ts'

/*
 * The grammar of each kind of value, as strict as the strictest consumer. What is in the store was parsed when it came, by whichever
 * version of Puente took it; a file that a resolver or a firewall loads is no place to rely on that.
 */

/** RFC 1035 §2.3.4, without the trailing dot. */
const nameCharacters = 253

/** Two labels or more of letters, digits, `-` and `_`, no hyphen at an end (RFC 952), the last one no number. Bounded backtracking. */
const name = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,126}[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/

export const isDomain = (value: string): boolean => value.length <= nameCharacters && name.test(value)

export const isAddress = (value: string): boolean => canonicalAddress(value) === value

/** Addresses and prefixes: canonical, without host bits; `::ffff:192.0.2.1` is none, since it is an IPv4 address. */
export function isNetwork(value: string): boolean {
  if (!value.includes('/')) return isAddress(value)
  return holds(() => parseNetwork(value) === value)
}

/** Canonical, in printable ASCII without space. */
export const isUrl = (value: string): boolean => /^[!-~]{1,8192}$/.test(value) && holds(() => parseUrl(value) === value)

const digits: Readonly<Record<string, RegExp>> = {
  md5: /^[0-9a-f]{32}$/,
  sha1: /^[0-9a-f]{40}$/,
  sha256: /^[0-9a-f]{64}$/,
}

export const isHash = (type: string, value: string): boolean => digits[type]?.test(value) === true

/** Whether a value is what its type says. */
export function isValid({ type, value }: { readonly type: string; readonly value: string }): boolean {
  switch (type) {
    case 'domain-name':
    case 'hostname':
      return isDomain(value)
    case 'ipv4-address':
    case 'ipv6-address':
      return isAddress(value) && value.includes(':') === type.startsWith('ipv6')
    case 'ipv4-prefix':
    case 'ipv6-prefix':
      return value.includes('/') && isNetwork(value) && value.includes(':') === type.startsWith('ipv6')
    case 'url':
      return isUrl(value)
    default:
      return isHash(type, value)
  }
}

function holds(test: () => boolean): boolean {
  try {
    return test()
  } catch {
    return false
  }
}
