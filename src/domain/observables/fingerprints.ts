import { hexadecimal, line, matching, octets } from './text.ts'
import { inGroup, invalid, lowerCase } from './type.ts'

const certificates = inGroup('fingerprint', {}, [
  {
    id: 'x509-fingerprint-md5',
    description: 'The MD5 of an X.509 certificate.',
    stix: ['x509-certificate:hashes.MD5'],
    misp: ['x509-fingerprint-md5'],
    parse: octets('the MD5 of a certificate', 32),
  },
  {
    id: 'x509-fingerprint-sha1',
    description: 'The SHA-1 of an X.509 certificate.',
    stix: ["x509-certificate:hashes.'SHA-1'"],
    misp: ['x509-fingerprint-sha1'],
    parse: octets('the SHA-1 of a certificate', 40),
  },
  {
    id: 'x509-fingerprint-sha256',
    description: 'The SHA-256 of an X.509 certificate.',
    stix: ["x509-certificate:hashes.'SHA-256'"],
    misp: ['x509-fingerprint-sha256'],
    parse: octets('the SHA-256 of a certificate', 64),
  },
  {
    id: 'x509-serial-number',
    description: 'The serial number of an X.509 certificate in hexadecimal, without leading zeros.',
    stix: ['x509-certificate:serial_number'],
    parse: parseSerialNumber,
  },
  {
    id: 'x509-subject',
    anyText: true,
    description: 'The distinguished name an X.509 certificate is for.',
    stix: ['x509-certificate:subject'],
    key: lowerCase,
    parse: line,
  },
  {
    id: 'x509-issuer',
    anyText: true,
    description: 'The distinguished name that issued an X.509 certificate.',
    stix: ['x509-certificate:issuer'],
    key: lowerCase,
    parse: line,
  },
])

/** Programs are updated, and their fingerprints with them. */
const programDays = 365

const ja4Part = /[0-9a-f]{12}/.source

const handshakes = inGroup('fingerprint', { lifetimeDays: programDays }, [
  {
    id: 'ja3',
    description: 'The JA3 of a TLS client.',
    misp: ['ja3-fingerprint-md5'],
    parse: hexadecimal('a JA3', 32),
  },
  { id: 'ja3s', description: 'The JA3S of a TLS server.', parse: hexadecimal('a JA3S', 32) },
  {
    id: 'ja4',
    description: 'The JA4 of a TLS, QUIC or DTLS client.',
    parse: matching(
      new RegExp(`^[tqd](?:1[0-3]|s[123]|d[123]|00)[di]\\d{4}[0-9a-z]{2}_${ja4Part}_${ja4Part}$`),
      'a JA4: ten characters and two parts of twelve hexadecimal digits',
      lowerCase,
    ),
  },
  {
    id: 'ja4s',
    description: 'The JA4S of a TLS, QUIC or DTLS server.',
    parse: matching(
      new RegExp(`^[tqd](?:1[0-3]|s[123]|d[123]|00)\\d{2}[0-9a-z]{2}_[0-9a-f]{4}_${ja4Part}$`),
      'a JA4S: seven characters, a cipher suite and twelve hexadecimal digits',
      lowerCase,
    ),
  },
  {
    id: 'ja4h',
    description: 'The JA4H of an HTTP client.',
    parse: matching(
      new RegExp(`^[a-z]{2}\\d{2}[cn][rn]\\d{2}[0-9a-z]{4}_${ja4Part}_${ja4Part}_${ja4Part}$`),
      'a JA4H: twelve characters and three parts of twelve hexadecimal digits',
      lowerCase,
    ),
  },
  {
    id: 'ja4x',
    description: 'The JA4X of an X.509 certificate.',
    parse: matching(new RegExp(`^${ja4Part}_${ja4Part}_${ja4Part}$`), 'a JA4X', lowerCase),
  },
  {
    id: 'jarm',
    description: 'The JARM of a TLS server.',
    misp: ['jarm-fingerprint'],
    parse: matching(
      /^(?!0{62})[0-9a-f]{62}$/,
      'a JARM: 62 hexadecimal digits, not all zero (which says that nothing answered)',
      lowerCase,
    ),
  },
  {
    id: 'hassh',
    description: 'The HASSH of an SSH client.',
    misp: ['hassh-md5'],
    parse: hexadecimal('a HASSH', 32),
  },
  {
    id: 'hassh-server',
    description: 'The HASSH of an SSH server.',
    misp: ['hasshserver-md5'],
    parse: hexadecimal('a HASSH', 32),
  },
  {
    id: 'ssh-fingerprint',
    description: 'The fingerprint of an SSH host key: SHA256: and base 64 (RFC 4648), or MD5 in pairs.',
    misp: ['ssh-fingerprint'],
    parse: parseSshFingerprint,
  },
])

const web = inGroup('fingerprint', { lifetimeDays: programDays }, [
  {
    id: 'favicon-mmh3',
    description: 'The MurmurHash3 of a favicon in base 64, as a signed 32-bit number.',
    misp: ['favicon-mmh3'],
    parse: parseFavicon,
  },
  {
    id: 'dom-hash',
    description: 'The hash of the structure of a web page.',
    misp: ['dom-hash'],
    parse: hexadecimal('a DOM hash', 32),
  },
  {
    id: 'user-agent',
    anyText: true,
    description: 'The User-Agent of an HTTP client.',
    stix: [
      "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
      'user-agent:value',
      'x-opencti-user-agent:value',
    ],
    misp: ['user-agent'],
    parse: line,
  },
  {
    id: 'http-cookie',
    anyText: true,
    description: 'A cookie of an HTTP request, as name=value.',
    stix: ["network-traffic:extensions.'http-request-ext'.request_header.Cookie"],
    misp: ['cookie'],
    parse: line,
  },
  {
    id: 'http-header',
    description: 'A header of an HTTP request or response: its name in lower case, a colon and its value.',
    parse: parseHeader,
  },
  {
    id: 'http-method',
    description: 'The method of an HTTP request; its case counts (RFC 9110).',
    stix: ["network-traffic:extensions.'http-request-ext'.request_method"],
    misp: ['http-method'],
    correlates: false,
    parse: matching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, 'an HTTP method'),
  },
  { id: 'server-banner', anyText: true, description: 'What a service says first.', parse: line },
  {
    id: 'browser-extension-id',
    description: 'The id of a Chrome or Edge extension: 32 letters from a to p.',
    misp: ['chrome-extension-id', 'edge-extension-id'],
    parse: matching(/^[a-p]{32}$/, 'the id of a browser extension: 32 letters from a to p', lowerCase),
  },
])

/** Field names know no case (RFC 9110 §5.1); a value is text without line ends. */
function parseHeader(text: string): string {
  const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):\s*(\S.*)$/.exec(line(text)) ?? []
  if (name === '') throw invalid(text, 'is not a header: a name, a colon and a value')
  return `${name.toLowerCase()}: ${value}`
}

function parseSerialNumber(text: string): string {
  const digits = text.replace(/[:\s-]/g, '').replace(/^0x/i, '')
  // RFC 5280 §4.1.2.2 allows 20 octets; more are seen
  if (!/^[0-9a-f]{1,80}$/i.test(digits)) throw invalid(text, 'is not a serial number in hexadecimal')
  return digits.toLowerCase().replace(/^0+(?=.)/, '')
}

function parseSshFingerprint(text: string): string {
  const base64 = /^SHA256:([A-Za-z0-9+/]{43})=?$/i.exec(text)?.[1]
  if (base64 !== undefined) return `SHA256:${base64}`
  const digits = text.replace(/^MD5:/i, '').replaceAll(':', '')
  if (!/^[0-9a-f]{32}$/i.test(digits))
    throw invalid(text, 'is not an SSH fingerprint: SHA256: and base 64, or 16 octets')
  return (digits.toLowerCase().match(/../g) ?? []).join(':')
}

function parseFavicon(text: string): string {
  const number = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= -(2 ** 31) && number < 2 ** 32)) throw invalid(text, 'is not a MurmurHash3: a signed 32-bit number')
  // some write it unsigned
  return String(number | 0)
}

export const fingerprintTypes = [...certificates, ...handshakes, ...web]
