import { isIdentifier } from '../domain/stix-object.ts'
import { markingOfTlp, type Tlp, tlpOfMarking } from '../domain/tlp.ts'
import { membersOf, objectText } from './json-members.ts'
import { isJsonObject } from './json-text.ts'
import { propertiesOf } from './stix-properties.ts'
import { parseTimestamp } from './timestamp.ts'

/**
 * A received STIX object as it is passed on, before pruning: labels of TLP replaced by the one of TLP 2.0, all else as it was written, on one
 * line. Statements (who wrote it, what may be done with it) stay. Anonymous: only what the standard defines and what names nobody.
 */
export function stixOfObject(
  received: string,
  type: string,
  tlp: Tlp,
  options: { readonly anonymous: boolean },
): string {
  const members = membersOf(received)
  if (options.anonymous) {
    const known = propertiesOf.get(type)
    for (const name of members.keys()) if (known?.has(name) !== true || naming.has(name)) members.delete(name)
  }
  // STIX 2.1 §2.8 and §3.2 forbid empty lists and want milliseconds; those are read, and not passed on.
  for (const [name, value] of members) if (value === '[]') members.delete(name)
  for (const name of ['created', 'modified']) {
    const written: unknown = JSON.parse(members.get(name) ?? 'null')
    const time = typeof written === 'string' ? parseTimestamp(written, 'stix') : undefined
    if (time !== undefined && time !== written) members.set(name, JSON.stringify(time))
  }
  mark(members, tlp, options.anonymous)
  return objectText(members)
}

/** Members that may name the source, whatever they say. */
const naming = new Set(['created_by_ref', 'external_references', 'extensions', 'where_sighted_refs'])

function mark(members: Map<string, string>, tlp: Tlp, anonymous: boolean): void {
  const refs: unknown = JSON.parse(members.get('object_marking_refs') ?? '[]')
  const statements =
    Array.isArray(refs) && !anonymous ? refs.filter((id) => isIdentifier(id) && tlpOfMarking(id) === undefined) : []
  members.set('object_marking_refs', JSON.stringify([markingOfTlp[tlp], ...new Set(statements)]))
  const granular: unknown = JSON.parse(members.get('granular_markings') ?? '[]')
  const languages = Array.isArray(granular)
    ? granular.filter((each) => isJsonObject(each) && each.marking_ref === undefined)
    : []
  if (languages.length === 0) members.delete('granular_markings')
  else members.set('granular_markings', JSON.stringify(languages))
}

/**
 * An object text as it stands once it was taken back: what the standard asks of every object of the type, and nothing that it said.
 * @param modified of the version that says so; its own when absent
 */
export function revokedObject(stix: string, type: string, modified?: string): string {
  const members = membersOf(stix)
  const known = propertiesOf.get(type)
  // Observables and marking definitions cannot say it: they are shown to nobody but their originator.
  if (known?.has('revoked') !== true) return stix
  for (const name of members.keys()) {
    const property = known.get(name)
    if (name === 'object_marking_refs') continue
    if (property?.required !== true) members.delete(name)
    else if (property.kind === 's' && !fixed.has(name)) members.set(name, '"recalled"')
  }
  for (const [name, value] of Object.entries(instead[type] ?? {})) members.set(name, JSON.stringify(value))
  // Observed data without references have objects in them instead, which are what they say.
  if (type === 'observed-data' && !stix.includes('"object_refs":')) members.set('objects', noObjects)
  else if (type === 'observed-data') members.set('object_refs', membersOf(stix).get('object_refs') ?? '[]')
  members.set('revoked', 'true')
  if (members.has('modified') && modified !== undefined) members.set('modified', JSON.stringify(modified))
  return objectText(members)
}

const noObjects = '{"0":{"type":"software","name":"recalled"}}'

/** Texts that are words of the standard. */
const fixed = new Set(['type', 'spec_version', 'id', 'opinion'])

/** What stands for properties of which a type must have one, though none is required (`stix-other.ts`). */
const instead: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  malware: { name: 'recalled' },
  'malware-analysis': { result: 'unknown' },
  location: { region: 'recalled' },
}
