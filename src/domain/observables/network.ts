import { isIP } from 'node:net'
import { parseEndpoint, parsePort, splitEndpoint } from './endpoint.ts'
import { isPrefix, networkType, parseNetwork } from './ip.ts'
import { numberOfAsn, parseAsn, parseRoute, splitRoute } from './routing.ts'
import { hexadecimal, matching } from './text.ts'
import { asItIs, inGroup, invalid } from './type.ts'

/** Addresses change hands within weeks: an old one blocks whoever holds it now. */
const addressDays = 90

/**
 * A parser of networks that accepts those of one type. IPv4-mapped IPv6 passes and becomes IPv4; a prefix of full length
 * passes as either and becomes the address.
 */
function networkOf(id: string, what: string): (text: string) => string {
  return (text) => {
    const network = parseNetwork(text)
    const mapped = text.includes(':') && !network.includes(':')
    const sameVersion = mapped || id.startsWith(networkType(network).slice(0, 4))
    const sameShape = id.endsWith('prefix') ? text.includes('/') : !isPrefix(network)
    if (sameVersion && sameShape) return network
    throw invalid(text, `is not ${what}`)
  }
}

const networks = inGroup(
  'network',
  {
    refangs: true,
    lifetimeDays: addressDays,
    family: 'ip',
    host: asItIs,
    becomes: networkType,
    misp: ['ip-dst', 'ip-src'],
  },
  [
    {
      id: 'ipv4-address',
      description: 'An IPv4 address as a dotted quad.',
      stix: ['ipv4-addr:value'],
      parse: networkOf('ipv4-address', 'an IPv4 address: four numbers from 0 to 255 without leading zeros'),
    },
    {
      id: 'ipv6-address',
      description: 'An IPv6 address as RFC 5952 writes it.',
      stix: ['ipv6-addr:value'],
      parse: networkOf('ipv6-address', 'an IPv6 address'),
    },
    {
      id: 'ipv4-prefix',
      description: 'An IPv4 network in CIDR form.',
      stix: ['ipv4-addr:value'],
      parse: networkOf('ipv4-prefix', 'an IPv4 prefix: an address, / and a length'),
    },
    {
      id: 'ipv6-prefix',
      description: 'An IPv6 network in CIDR form.',
      stix: ['ipv6-addr:value'],
      parse: networkOf('ipv6-prefix', 'an IPv6 prefix: an address, / and a length'),
    },
  ],
)

const endpoints = inGroup('network', { refangs: true, lifetimeDays: addressDays }, [
  {
    id: 'ip-port',
    description: 'An address with a port: 192.0.2.1:443 or [2001:db8::1]:443.',
    misp: ['ip-dst|port', 'ip-src|port'],
    family: 'endpoint',
    parse: (text) => parseEndpoint(text, 'addresses'),
    host: (value) => splitEndpoint(value).host,
  },
  {
    id: 'host-port',
    description: 'A host name with a port: c2.example:443.',
    misp: ['hostname|port'],
    family: 'endpoint',
    parse: (text) => parseEndpoint(text, 'names too'),
    becomes: (value) => (isIP(splitEndpoint(value).host) === 0 ? 'host-port' : 'ip-port'),
    host: (value) => splitEndpoint(value).host,
  },
  {
    id: 'port',
    description: 'A TCP or UDP port, 1 to 65535.',
    stix: ['network-traffic:dst_port', 'network-traffic:src_port'],
    misp: ['port'],
    correlates: false,
    parse: (text) => String(parsePort(text, text)),
  },
])

const routing = inGroup('network', {}, [
  {
    id: 'autonomous-system',
    description: 'An autonomous system by its number, as AS64512 (asplain, RFC 5396).',
    stix: ['autonomous-system:number'],
    misp: ['AS'],
    parse: parseAsn,
    asn: numberOfAsn,
  },
  {
    id: 'bgp-prefix-origin',
    description: 'A prefix with the autonomous system that announced it: 192.0.2.0/24 AS64496.',
    refangs: true,
    lifetimeDays: addressDays,
    parse: parseRoute,
    host: (value) => splitRoute(value).prefix,
    asn: (value) => numberOfAsn(splitRoute(value).origin),
  },
])

/** Octets in lower case, two digits each, from any of the usual spellings (IEEE, Cisco's dots, none). */
function hardwareAddress(what: string, digits: number): (text: string) => string {
  const parse = hexadecimal(what, digits)
  return (text) => {
    const pairs: string[] = []
    const all = parse(text.replace(/[:.\s-]/g, ''))
    for (let start = 0; start < digits; start += 2) pairs.push(all.slice(start, start + 2))
    return pairs.join(':')
  }
}

const devices = inGroup('network', {}, [
  {
    id: 'mac-address',
    description: 'A 48-bit hardware address: 00:00:5e:00:53:01.',
    stix: ['mac-addr:value'],
    misp: ['mac-address'],
    parse: hardwareAddress('a MAC address', 12),
  },
  {
    id: 'mac-eui-64',
    description: 'A 64-bit hardware address (EUI-64).',
    misp: ['mac-eui-64'],
    parse: hardwareAddress('an EUI-64', 16),
  },
  {
    id: 'community-id',
    description: 'A Community ID of a flow, version 1.',
    misp: ['community-id'],
    lifetimeDays: addressDays,
    parse: matching(/^1:[A-Za-z0-9+/]{27}=$/, 'a Community ID: 1: and 28 digits of base 64'),
  },
  {
    id: 'tor-relay',
    description: 'A Tor relay by the fingerprint of its identity key.',
    lifetimeDays: addressDays,
    parse: hexadecimal('the fingerprint of a Tor relay', 40),
  },
])

export const networkTypes = [...networks, ...endpoints, ...routing, ...devices]
