import { tlpOfMarking } from './tlp.ts'

/** A STIX object that is no indicator, in one version, as the node keeps it. */
export interface StixObject {
  readonly originator: string
  /** `<type>--<uuid>`. */
  readonly id: string
  readonly type: string
  /** Counts from 1 for (originator, id). */
  readonly version: number
  readonly change: 'published' | 'revised' | 'narrowed' | 'recalled'
  readonly handlingId: number
  /** ISO 8601 UTC; absent where the type has no such property. */
  readonly created?: string
  readonly modified?: string
  readonly recalled: boolean
  /** Ids in the text that name other objects. */
  readonly references: readonly string[]
  /** JSON text before pruning. */
  readonly stix: string
  /** ISO 8601 UTC, microseconds. */
  readonly dateAdded: string
  readonly position: number
}

type Members = { readonly [name: string]: unknown }

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const identifier =
  /^[a-z0-9][a-z0-9-]{1,249}--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

/** Whether a text is a STIX identifier (STIX 2.1 §2.9) of whatever type. */
export const isIdentifier = (value: unknown): value is string =>
  typeof value === 'string' && value.length < 300 && identifier.test(value)

/** Whether a member names other objects by their ids (STIX 2.1 §3.1: `_ref` and `_refs`). Markings of TLP are everybody's, and no reference. */
export const namesObjects = (name: string): boolean => name.endsWith('_ref') || name.endsWith('_refs')

/**
 * Every id in an object that names another one, once, at whatever depth. Labels of TLP are left out: everybody knows them. Markings of
 * parts are left out too: nothing of them is passed on.
 */
export function referencesIn(object: Members): string[] {
  const found = new Set<string>()
  for (const [name, value] of Object.entries(object)) if (name !== 'granular_markings') collect(name, value, found)
  return [...found]
}

function collect(name: string, value: unknown, found: Set<string>): void {
  if (isIdentifier(value)) {
    if (namesObjects(name) && tlpOfMarking(value) === undefined) found.add(value)
  } else if (Array.isArray(value)) for (const item of value) collect(name, item, found)
  else if (isMembers(value)) for (const [inner, item] of Object.entries(value)) collect(inner, item, found)
}

/**
 * Types that are made of others, or of which nothing may be left without them; what of them is needed `policy/composed.ts` says. They are
 * read after the objects that they may be made of.
 */
export const composedTypes: ReadonlySet<string> = new Set([
  ...['relationship', 'sighting', 'report', 'grouping', 'note', 'opinion', 'observed-data', 'malware-analysis'],
  ...['network-traffic', 'process', 'windows-registry-key', 'language-content', 'extension-definition'],
])
