import { composedTypes, isIdentifier, referencesIn } from '../domain/stix-object.ts'

/**
 * What a STIX object is made of, for the rule that the handling of something composed is the strictest of its parts. It is asked anew
 * at every reading and never copied: the object's own handling must permit, and for each part that of what the part names.
 */
export interface Parts {
  /** Without one of these there is nothing to show: a relationship with one end would tell that there is another. */
  readonly needs: readonly string[]
  /** Of these at least one: what is said of things none of which the reader has is not said to it. */
  readonly about: readonly string[]
  /** All ids in it; those that name what the reader may not see are pruned. */
  readonly references: readonly string[]
}

/** Members by which a type needs other objects (STIX 2.1 §5.1, §5.2, §7.1, §7.3). */
const needed: Readonly<Record<string, readonly string[]>> = {
  relationship: ['source_ref', 'target_ref'],
  sighting: ['sighting_of_ref'],
  'language-content': ['object_ref'],
  'extension-definition': ['created_by_ref'],
}

/** Members of which one reference must be left (STIX 2.1 §4.6, §4.11, §4.13 – §4.16, §6.12). */
const asked: Readonly<Record<string, readonly string[]>> = {
  report: ['object_refs'],
  grouping: ['object_refs'],
  note: ['object_refs'],
  opinion: ['object_refs'],
  'observed-data': ['object_refs'],
  'network-traffic': ['src_ref', 'dst_ref'],
}

/** How many of the references that an object is about are asked whether one of them is there: the first ones, those with parts last. */
export const partsAsked = 64

/** How far parts of parts are followed: a report about a relationship between two objects is one deep. What lies deeper is not there. */
export const partsDepth = 1

export function partsOf(object: { readonly [name: string]: unknown }): Parts {
  const type = String(object.type)
  return {
    needs: idsOf(object, needed[type] ?? []),
    about: sampled(idsOf(object, asked[type] ?? onlyReferences(object, type))),
    references: referencesIn(object),
  }
}

/** Where nothing but references says anything: an analysis without a result, a process that is only its file. */
function onlyReferences(object: { readonly [name: string]: unknown }, type: string): readonly string[] {
  if (type === 'malware-analysis') return object.result === undefined ? ['analysis_sco_refs'] : []
  if (type !== 'process' && type !== 'windows-registry-key') return []
  const content = Object.keys(object).filter((name) => !framing.has(name))
  const references = content.filter((name) => idsOf(object, [name]).length > 0)
  return references.length === content.length ? references : []
}

const framing = new Set(['type', 'spec_version', 'id', 'object_marking_refs', 'granular_markings', 'defanged'])

const idsOf = (object: { readonly [name: string]: unknown }, names: readonly string[]): string[] => [
  ...new Set(names.flatMap((name) => object[name]).filter(isIdentifier)),
]

/** Simple things first: whether one of them is there is told by its handling alone. */
function sampled(ids: readonly string[]): readonly string[] {
  const composed = (id: string): boolean => composedTypes.has(id.slice(0, id.indexOf('--')))
  return [...ids.filter((id) => !composed(id)), ...ids.filter(composed)].slice(0, partsAsked)
}
