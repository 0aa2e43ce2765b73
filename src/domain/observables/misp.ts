import { splitEndpoint } from './endpoint.ts'
import type { Observable } from './observable.ts'
import { anyIpAddress } from './parse.ts'
import { refusedTypes } from './refused.ts'
import { observableType, observableTypes } from './types.ts'

/** MISP types whose value alone says which of several types it is. */
const single: readonly (readonly [string, string])[] = [
  ['ip-src', anyIpAddress],
  ['ip-dst', anyIpAddress],
]

/** MISP types with `|` whose parts are values of their own. `filename|<hash>` follows a rule instead. */
const composites: readonly (readonly [string, readonly string[]])[] = [
  ['domain|ip', ['domain-name', anyIpAddress]],
  ['regkey|value', ['registry-key', 'registry-value']],
  ['malware-sample', ['filename', 'md5']],
]

/** MISP types that say nothing observable, or something about a victim: nothing is made of them. */
export const unmappedMispTypes: ReadonlySet<string> = new Set([
  'anonymised',
  'attachment',
  'boolean',
  'comment',
  'cortex',
  'counter',
  'datetime',
  'float',
  'gene',
  'hex',
  'integer',
  'process-state',
  'size-in-bytes',
  'target-email',
  'target-external',
  'target-location',
  'target-machine',
  'target-org',
  'target-user',
  'whois-creation-date',
])

const typesOfMisp = new Map<string, readonly string[]>()
for (const { id, misp } of observableTypes.values()) {
  for (const name of misp) if (!typesOfMisp.has(name)) typesOfMisp.set(name, [id])
}
for (const id of refusedTypes.keys()) typesOfMisp.set(id, [id])
for (const [name, id] of single) typesOfMisp.set(name, [id])
for (const [name, ids] of composites) typesOfMisp.set(name, ids)

/**
 * The types a MISP attribute type stands for, as ids for `parseObservable` (`ip-address` among them, and the ids of
 * refused types, which it refuses). One id takes the whole value, `|` and all; several take its parts, cut at `|`.
 * @returns undefined when MISP has no such type or nothing is to be made of it
 */
export function typeOfMisp(mispType: string): readonly string[] | undefined {
  const known = typesOfMisp.get(mispType)
  if (known !== undefined) return known
  const [first = '', second = '', ...more] = mispType.split('|')
  const hash = typesOfMisp.get(second)?.[0]
  if (first !== 'filename' || hash === undefined || more.length > 0) return undefined
  return observableTypes.get(hash)?.group === 'hash' ? ['filename', hash] : undefined
}

/** The MISP attribute type to write for a type; `other` where MISP has none. */
export const mispTypeOf = (type: string): string => observableType(type).misp[0] ?? 'other'

/** The value as MISP writes it: `192.0.2.1|443` where we write `192.0.2.1:443`. */
export function mispValueOf({ type, value }: Observable): string {
  if (!mispTypeOf(type).includes('|')) return value
  const { host, port } = splitEndpoint(value)
  return `${host}|${port}`
}
