import { canonicalAddress } from './ip.ts'
import { parseName } from './name.ts'
import { invalid } from './type.ts'

export interface Endpoint {
  /** Canonical address or name. */
  readonly host: string
  readonly port: number
}

/**
 * A host with a port: `192.0.2.1:443`, `[2001:db8::1]:443` (RFC 3986), `c2.example:443`; MISP writes `|` for the last `:`.
 * @throws {Fault} `invalid_value`
 */
export function parseEndpoint(text: string, hosts: 'addresses' | 'names too'): string {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^[\]|]*))[:|](\d{1,5})$/i.exec(text)
  if (parts === null) throw invalid(text, 'is not a host, : and a port')
  const host = parts[1] ?? parts[2] ?? ''
  const port = parsePort(parts[3] ?? '', text)
  // 2001:db8::1:443 could be an address and a port or a longer address: only [ ] or | can tell
  if (parts[1] === undefined && host.includes(':') && !text.includes('|')) {
    throw invalid(text, 'is ambiguous: write an IPv6 address with a port as [address]:port')
  }
  const address = canonicalAddress(host)
  if (address === undefined && hosts === 'addresses') throw invalid(text, 'is not an IP address, : and a port')
  return joinEndpoint(address ?? parseName(host, 'single labels too'), port)
}

/** The parts of a canonical value. */
export function splitEndpoint(value: string): Endpoint {
  const colon = value.lastIndexOf(':')
  return { host: value.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(value.slice(colon + 1)) }
}

/** @param whole what the message of a refusal quotes */
export function parsePort(digits: string, whole: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65_535) throw invalid(whole, 'has no port from 1 to 65535')
  return port
}

const joinEndpoint = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
