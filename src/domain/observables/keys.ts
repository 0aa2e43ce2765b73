import { asCidr, containingPrefixes, isNetwork } from './ip.ts'
import { parentNames } from './name.ts'
import type { ConstituencyKeys, Observable } from './observable.ts'
import { observableType } from './types.ts'

/**
 * The text by which equal things are found: `<family>:<canonical>`. Addresses and prefixes share the family `ip`,
 * domain and host names `name`; every algorithm of a hash has its own, and a certificate's is not a file's.
 */
export function correlationKey({ type, value }: Observable): string {
  const facts = observableType(type)
  return `${facts.family}:${facts.key(value)}`
}

/**
 * The correlation keys of what contains a value, the nearest first, without its own: for whatever holds an address, that
 * address and every prefix around it down to /8 (IPv4) or /16 (IPv6); for whatever holds a name, that name and its
 * parents down to the registrable domain. At most 112 or so.
 */
export function containingKeys(observable: Observable): string[] {
  const host = observableType(observable.type).host?.(observable.value)
  if (host === undefined) return []
  const own = correlationKey(observable)
  const keys = isNetwork(host)
    ? [host, ...containingPrefixes(host)].map((network) => `ip:${network}`)
    : [host, ...parentNames(host)].map((name) => `name:${name}`)
  return keys.filter((key) => key !== own)
}

/** By what an indicator concerns those who answer for networks, names and countries. */
export function constituencyKeys({ type, value }: Observable): ConstituencyKeys {
  const { host, asn, country } = observableType(type)
  return {
    ...(host === undefined ? {} : hostKeys(host(value))),
    ...(asn === undefined ? {} : { asn: asn(value) }),
    ...(country === undefined ? {} : { country: country(value) }),
  }
}

/** Nobody answers for a single label, nor for a name that only Tor resolves (RFC 7686). */
function hostKeys(host: string): ConstituencyKeys {
  if (isNetwork(host)) return { network: asCidr(host) }
  return !host.includes('.') || host.endsWith('.onion') ? {} : { domain: host }
}
