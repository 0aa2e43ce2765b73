import { detectType } from './detect.ts'
import { splitEndpoint } from './endpoint.ts'
import type { Observable } from './observable.ts'
import { numberOfAsn } from './routing.ts'
import { observableType, observableTypes } from './types.ts'

/** The STIX object path to write for a type: `file:hashes.'SHA-256'`. */
export const stixPathOf = (type: string): string => observableType(type).stix[0]

/** One side of `path = value` in a STIX pattern; a number is written without quotes. */
export interface StixComparison {
  readonly path: string
  readonly value: string | number
}

/**
 * The comparisons that, joined by AND, say in standard paths that a value was seen: a port is a number there, and an
 * address with a port is two properties of one object.
 */
export function stixComparisons({ type, value }: Observable): readonly [StixComparison, ...StixComparison[]] {
  if (type === 'autonomous-system') return [{ path: stixPathOf(type), value: numberOfAsn(value) }]
  if (type === 'port') return [{ path: stixPathOf(type), value: Number(value) }]
  if (type === 'ip-port' || type === 'host-port') {
    const { host, port } = splitEndpoint(value)
    return [
      { path: 'network-traffic:dst_ref.value', value: host },
      { path: 'network-traffic:dst_port', value: port },
    ]
  }
  return [{ path: stixPathOf(type), value }]
}

const typesOfPath = new Map<string, string>()
for (const { id, stix } of observableTypes.values()) {
  for (const path of [`x-puente-${id}:value`, ...stix]) {
    const plain = plainPath(path)
    if (!typesOfPath.has(plain)) typesOfPath.set(plain, id)
  }
}

/** Paths through a reference, by how they end: the referenced object has the same property under its own path. */
const referenced: readonly (readonly [RegExp, string])[] = [
  [/^email-message:(?:from|sender|to|cc|bcc)_refs?(?:\[\*\])?\.value$/, 'email-address'],
  [/^email-message:(?:from|sender|to|cc|bcc)_refs?(?:\[\*\])?\.display_name$/, 'email-display-name'],
  [/(?:body_raw|contains|content|image|binary|service_dll)_refs?(?:\[\*\])?\.name$/, 'filename'],
  [/parent_directory_ref\.path$/, 'directory'],
  [/^process:(?:child_refs\[\*\]|parent_ref)\.command_line$/, 'command-line'],
]

/** Paths whose value may be an address, a prefix, a name or a hardware address: only the value tells. */
const anyHost = /(?:src|dst|resolves_to)_refs?(?:\[\*\])?\.value$/
const addresses = /^(ipv[46])-addr:value$/
/** Paths of other tools under which any address of any coin stands. */
const anyCoin = /^(?:x-opencti-)?cryptocurrency-wallet:value$/
const fileHash = /_refs?(?:\[\*\])?\.(hashes\..+)$/

/**
 * The type of a value under a STIX object path, as patterns and observed objects have it; case, quotes and the hyphens
 * of hash names may differ from the standard's.
 * @returns an id for `parseObservable`, or undefined when nothing observable stands there
 */
export function typeOfStixPath(objectPath: string, value: string): string | undefined {
  const path = plainPath(objectPath)
  const version = addresses.exec(path)?.[1]
  if (version !== undefined) return `${version}-${value.includes('/') ? 'prefix' : 'address'}`
  if (anyHost.test(path)) return hostType(value)
  if (anyCoin.test(path)) return detectType(value)
  const known = typesOfPath.get(path)
  if (known === 'domain-name' && value.trim().toLowerCase().endsWith('.onion')) return 'onion-address'
  // STIX has one path for both; what has a single label is a name inside a network
  if (known === 'domain-name' && /^[^.]+\.?$/.test(value.trim())) return 'hostname'
  if (known !== undefined) return known
  const hash = fileHash.exec(path)?.[1]
  if (hash !== undefined) return typesOfPath.get(`file:${hash}`)
  return referenced.find(([ending]) => ending.test(path))?.[1]
}

const hostFamilies = new Set(['ip', 'name', 'mac-address'])

function hostType(value: string): string {
  const found = detectType(value)
  if (found !== undefined && hostFamilies.has(observableType(found).family)) return found
  // what is neither is a name that nobody resolves outside, or a mistake that parsing will name
  return /^[\d.]+$/.test(value) ? 'ipv4-address' : value.includes(':') ? 'ipv6-address' : 'hostname'
}

/** Lower case, without quotes, any index as `[*]`, hash names without hyphens: one spelling for every author's. */
function plainPath(path: string): string {
  const plain = path
    .trim()
    .toLowerCase()
    .replace(/['"]/g, '')
    .replace(/\[\d{1,9}\]/g, '[*]')
  const hashes = plain.indexOf('hashes.')
  return hashes === -1 ? plain : plain.slice(0, hashes) + plain.slice(hashes).replace(/[-_]/g, '')
}
