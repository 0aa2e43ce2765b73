import { isIP } from 'node:net'
import type { Released } from '../domain/released.ts'
import { labelValue } from './event.ts'

/** What an indicator is about, in the parts that the formats of CERTs have names for. A masked one has none. */
export interface EventParts {
  readonly ip?: string
  readonly network?: string
  readonly port?: number
  readonly host?: string
  readonly url?: string
  readonly asn?: number
  readonly account?: string
  readonly email?: string
  readonly hashes: Readonly<Partial<Record<'md5' | 'sha1' | 'sha256', string>>>
  /** Observables that these formats have no place for: `type:value`. */
  readonly others: readonly string[]
}

export function eventParts(indicator: Released): EventParts {
  const parts: Partial<Record<keyof EventParts, unknown>> = {}
  const hashes: Record<string, string> = {}
  const others: string[] = []
  const put = (name: keyof EventParts, value: unknown, whole: string) => {
    if (parts[name] === undefined) parts[name] = value
    else others.push(whole)
  }
  for (const { type, value } of indicator.masked ? [] : indicator.observables) {
    const whole = `${type}:${value}`
    if (type === 'ipv4-address' || type === 'ipv6-address') put('ip', value, whole)
    else if (type === 'ipv4-prefix' || type === 'ipv6-prefix') put('network', value, whole)
    else if (type === 'ip-port' || type === 'host-port') {
      const [host, port] = endpointOf(value)
      const name = isIP(host) === 0 ? 'host' : 'ip'
      if (parts[name] === undefined && parts.port === undefined) {
        parts[name] = host
        parts.port = port
      } else others.push(whole)
    } else if (type === 'domain-name' || type === 'hostname' || type === 'onion-address') put('host', value, whole)
    else if (type === 'url') put('url', value, whole)
    else if (type === 'autonomous-system') put('asn', Number(value.slice(2)), whole)
    else if (type === 'email-address') put('email', value, whole)
    else if (type === 'user-account') put('account', value, whole)
    else if ((type === 'md5' || type === 'sha1' || type === 'sha256') && hashes[type] === undefined)
      hashes[type] = value
    else others.push(whole)
  }
  return { ...parts, hashes, others } as EventParts
}

/** `192.0.2.1:443` and `[2001:db8::1]:443`. */
function endpointOf(value: string): readonly [string, number] {
  const colon = value.lastIndexOf(':')
  return [value.slice(0, colon).replace(/^\[|\]$/g, ''), Number(value.slice(colon + 1))]
}

/** AS number and country: as the source said, or as this node knows. */
export const asnOf = ({ labels, network }: Released): number | undefined => {
  const said = labelValue(labels, 'asn')
  return said !== undefined && /^\d{1,10}$/.test(said) ? Number(said) : network?.asn
}

export const countryOf = ({ labels, network }: Released): string | undefined => {
  const said = labelValue(labels, 'country')
  return said !== undefined && /^[A-Z]{2}$/.test(said) ? said : network?.country
}

/** When it was seen last, or else published. */
export const timeOf = ({ lastSeen, modified }: Released): string => lastSeen ?? modified

/** The members that have a value. */
export const withValues = (members: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

/** A port as a label says it, or nothing. */
export const portOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
