import { ownerOf, parseDnsRecord } from './dns.ts'
import { canonicalAddress, isNetwork, networkType } from './ip.ts'
import { parseName } from './name.ts'
import { line } from './text.ts'
import { asItIs, inGroup, invalid, lowerCase } from './type.ts'
import { hostOfUrl, parseUrl, parseUrlPath } from './url.ts'

const nameDays = 365
const urlDays = 90

const nameType = (value: string, id: string): string => (value.endsWith('.onion') ? 'onion-address' : id)

const names = inGroup('name', { refangs: true, lifetimeDays: nameDays, family: 'name', host: asItIs }, [
  {
    id: 'domain-name',
    description: 'A domain name as A-labels in lower case.',
    stix: ['domain-name:value'],
    misp: ['domain'],
    parse: (text) => parseName(text, 'two labels or more'),
    becomes: (value) => nameType(value, 'domain-name'),
  },
  {
    id: 'hostname',
    description: 'The name of a host; a single label may be one inside a network.',
    stix: [
      'domain-name:value',
      'hostname:value',
      'x-opencti-hostname:value',
      "network-traffic:extensions.'http-request-ext'.request_header.Host",
    ],
    misp: ['hostname'],
    parse: (text) => parseName(text, 'single labels too'),
    becomes: (value) => nameType(value, 'hostname'),
  },
  {
    id: 'onion-address',
    description: 'The name of a Tor onion service; version 3 with its checksum.',
    stix: ['domain-name:value'],
    misp: ['onion-address'],
    parse: parseOnion,
  },
])

/** Many a list of URLs has a name or an address here and there: it is taken for what it is. */
const bareHost = /^[^\s/:?#@]+\.[^\s/:?#@.]+\.?$/
const parseHost = (text: string): string => canonicalAddress(text) ?? parseName(text, 'two labels or more')
const hostType = (value: string): string => (isNetwork(value) ? networkType(value) : nameType(value, 'domain-name'))

const locations = inGroup('name', { lifetimeDays: urlDays }, [
  {
    id: 'url',
    description: 'A URL with a host, as the WHATWG URL Standard writes it.',
    stix: ['url:value', 'artifact:url', "network-traffic:extensions.'http-request-ext'.request_header.Referer"],
    misp: ['url', 'link'],
    refangs: true,
    parse: (text) => (bareHost.test(text) ? parseHost(text) : parseUrl(text)),
    becomes: (value) => (value.includes('://') ? 'url' : hostType(value)),
    host: hostOfUrl,
  },
  {
    id: 'url-path',
    description: 'The path and query of an HTTP request, without the host.',
    stix: ["network-traffic:extensions.'http-request-ext'.request_value"],
    misp: ['uri'],
    parse: (text) => (text.includes('://') && !text.startsWith('/') ? parseUrl(text) : parseUrlPath(text)),
    becomes: (value) => (value.startsWith('/') ? 'url-path' : 'url'),
  },
])

const records = inGroup('name', { lifetimeDays: nameDays }, [
  {
    id: 'dns-record',
    description: 'A DNS record as passive DNS has it: evil.example.com A 192.0.2.1.',
    host: ownerOf,
    parse: parseDnsRecord,
  },
])

const registration = inGroup('name', { family: 'registration', key: lowerCase }, [
  {
    id: 'registrant',
    anyText: true,
    description: 'The person or organisation that registered a name or network.',
    misp: ['whois-registrant-name', 'whois-registrant-org'],
    personalData: true,
    parse: line,
  },
  {
    id: 'registrar',
    anyText: true,
    description: 'The registrar of a domain name.',
    misp: ['whois-registrar'],
    family: 'registrar',
    parse: line,
  },
])

/** A name that only Tor resolves (RFC 7686). */
function parseOnion(text: string): string {
  const name = parseName(text, 'two labels or more')
  if (!name.endsWith('.onion')) throw invalid(text, 'is not an onion address: it does not end in .onion')
  return name
}

export const nameTypes = [...names, ...locations, ...records, ...registration]
