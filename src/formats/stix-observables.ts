import { limits } from '../domain/limits.ts'
import { parseObservable, typeOfStixPath } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { mainFirst } from './compound.ts'
import type { Fields } from './fields.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'
import { pathStep } from './stix-pattern-words.ts'

/** STIX Cyber-observable Objects (STIX 2.1 §6) that carry values of their own. */
const observableTypes = new Set([
  'artifact',
  'autonomous-system',
  'directory',
  'domain-name',
  'email-addr',
  'email-message',
  'file',
  'ipv4-addr',
  'ipv6-addr',
  'mac-addr',
  'mutex',
  'process',
  'software',
  'url',
  'user-account',
  'windows-registry-key',
  'x509-certificate',
])

export const isObservableType = (type: string): boolean => observableTypes.has(type)

/** Members that say what the object is, not what was observed. */
const framing = new Set(['type', 'spec_version', 'id', 'object_marking_refs', 'granular_markings', 'defanged'])

/**
 * Every property of a cyber-observable that a pattern could name and this node knows, the main one first.
 * @throws {Fault} `object_not_kept` when there is none, `invalid_value`, `refused_type`, `too_many_values`
 */
export function observablesOfObject(fields: Fields, type: string): readonly [Observable, ...Observable[]] {
  const found: Observable[] = []
  for (const [name, value] of Object.entries(fields.object)) {
    if (framing.has(name)) continue
    for (const [path, text] of valuesIn(value, `${type}:${pathStep(name)}`)) {
      const known = typeOfStixPath(path, text)
      if (known !== undefined) found.push(fields.parsed(name, () => parseObservable(known, text)))
      if (found.length > limits.observablesPerIndicator) {
        throw fields.fault(name, `An object may have ${limits.observablesPerIndicator} observables`, 'too_many_values')
      }
    }
  }
  const [first, ...rest] = mainFirst(found)
  if (first === undefined) {
    throw fields.fault('type', `This ${type} object holds no observable that this node knows`, 'object_not_kept')
  }
  return [first, ...rest]
}

/** Object paths as a pattern would write them, with their values. The nesting is bounded by `limits.jsonDepth`. */
function* valuesIn(value: unknown, path: string): Generator<readonly [string, string]> {
  if (typeof value === 'string' || typeof value === 'number') yield [path, String(value)]
  else if (Array.isArray(value)) for (const item of value) yield* valuesIn(item, `${path}[*]`)
  else if (isJsonObject(value)) yield* membersOf(value, path)
}

function* membersOf(object: JsonObject, path: string): Generator<readonly [string, string]> {
  for (const [name, value] of Object.entries(object)) yield* valuesIn(value, `${path}.${pathStep(name)}`)
}
