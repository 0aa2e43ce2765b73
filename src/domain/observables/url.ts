import { isIPv4 } from 'node:net'
import { canonicalAddress } from './ip.ts'
import { parseName } from './name.ts'
import { invalid } from './type.ts'

/** Schemes of a URL that names a host, with the default port (IANA); anything else is no network indicator. */
const defaultPorts: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
  ['ftp', '21'],
  ['ftps', '990'],
  ['sftp', '22'],
  ['ssh', '22'],
  ['tftp', '69'],
  ['telnet', '23'],
  ['ws', '80'],
  ['wss', '443'],
  ['ldap', '389'],
  ['ldaps', '636'],
  ['smb', '445'],
  ['rdp', '3389'],
  ['vnc', '5900'],
  ['rmi', '1099'],
  ['git', '9418'],
  ['irc', '6667'],
  ['ircs', '6697'],
  ['mqtt', '1883'],
  ['rtmp', '1935'],
  ['rtsp', '554'],
  ['socks4', '1080'],
  ['socks5', '1080'],
  ['tcp', ''],
  ['udp', ''],
  ['stratum+tcp', ''],
  ['stratum+ssl', ''],
])

/**
 * A URL as the WHATWG URL Standard writes it: scheme and host in lower case, host as A-labels or a canonical address
 * without trailing dot, no default port, dot segments resolved. User information, path, query and fragment keep their
 * case and escapes; an empty query or fragment is dropped.
 * @throws {Fault} `invalid_value`, also without `scheme://` or with a scheme that names no host
 */
export function parseUrl(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]{0,15}):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw invalid(text, 'is not a URL: it has no scheme://')
  const defaultPort = defaultPorts.get(scheme)
  if (defaultPort === undefined) throw invalid(text, 'is not a URL of a known scheme that names a host')
  if (!URL.canParse(text)) throw invalid(text, 'is not a URL')
  const url = new URL(text)
  const host = canonicalHost(url.hostname, text)
  const password = url.password === '' ? '' : `:${url.password}`
  const user = url.username === '' && password === '' ? '' : `${url.username}${password}@`
  const port = url.port === '' || url.port === defaultPort ? '' : `:${url.port}`
  return `${scheme}://${user}${host}${port}${url.pathname}${url.search}${url.hash}`
}

/** The host of a canonical URL: a name, or an address as its own type would write it. */
export function hostOfUrl(value: string): string {
  const { hostname } = new URL(value)
  return hostname.startsWith('[') ? (canonicalAddress(hostname.slice(1, -1)) ?? hostname) : hostname
}

/**
 * The path and query of an HTTP request (`/gate.php?id=`), without the host.
 * @throws {Fault} `invalid_value`
 */
export function parseUrlPath(text: string): string {
  const whole = `http://host.invalid${text}`
  if (!text.startsWith('/') || !URL.canParse(whole)) throw invalid(text, 'is not a URL path: it begins with /')
  const url = new URL(whole)
  return `${url.pathname}${url.search}${url.hash}`
}

function canonicalHost(hostname: string, text: string): string {
  if (hostname.startsWith('[')) {
    // WHATWG writes IPv6 as RFC 5952 does, for every scheme
    return hostname
  }
  if (isIPv4(hostname)) return hostname
  if (hostname === '') throw invalid(text, 'is not a URL with a host')
  return parseName(unescaped(hostname, text), 'single labels too')
}

/** The host of a scheme that WHATWG does not know stays as written, escapes and all. */
function unescaped(hostname: string, text: string): string {
  try {
    return decodeURIComponent(hostname)
  } catch (cause) {
    if (cause instanceof URIError) throw invalid(text, 'has a host with broken escapes')
    throw cause
  }
}
