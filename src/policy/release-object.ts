import type { Effect } from '../domain/decision.ts'
import type { Handling } from '../domain/handling.ts'
import { membersOf, objectText } from '../domain/json-members.ts'
import type { Reader } from '../domain/reader.ts'
import type { ReleasedObject } from '../domain/released.ts'
import { isIdentifier, namesObjects, type StixObject } from '../domain/stix-object.ts'
import { tlpOfMarking } from '../domain/tlp.ts'
import { type ReleaseFacts, releasedHandling, sourceOf } from './release.ts'

/**
 * The form of a STIX object that one reader may have: of what it names, only what that reader may see. Whether its parts let it be there at
 * all was decided before; asking for a denied one is a fault of the program. A masked form it has none.
 * @param visible the ids among its references that name something the reader may see
 */
export function releaseObject(
  object: StixObject,
  visible: ReadonlySet<string>,
  { handling, effect }: { readonly handling: Handling; readonly effect: Effect },
  reader: Reader,
  facts: ReleaseFacts,
): ReleasedObject {
  if (effect !== 'permit') throw new Error('an object that may not be had whole was about to be released')
  const { id, type, version, change, created, modified } = object
  const plain = {
    id,
    type,
    version,
    change,
    status: object.recalled ? ('recalled' as const) : ('active' as const),
    ...sourceOf(handling, reader, facts),
    ...(created === undefined ? {} : { created }),
    ...(modified === undefined ? {} : { modified }),
    // The node counts microseconds row by row, and they would tell how many lie between two that are seen.
    dateAdded: `${object.dateAdded.slice(0, 23)}Z`,
    handling: releasedHandling(handling, reader),
    stix: object.references.every((ref) => visible.has(ref)) ? object.stix : pruned(object.stix, visible),
  }
  return plain as unknown as ReleasedObject
}

/** The text without references to what is not visible; everything else keeps its spelling. */
export function pruned(stix: string, visible: ReadonlySet<string>): string {
  const members = membersOf(stix)
  const touched: string[] = []
  for (const [name, text] of members) {
    if (name === 'granular_markings' || !text.includes('--')) continue
    const value: unknown = JSON.parse(text)
    const kept = keep(name, value, visible)
    if (kept === value) continue
    touched.push(name)
    if (kept === undefined) members.delete(name)
    else members.set(name, JSON.stringify(kept))
  }
  forgetSelectors(members, touched)
  return objectText(members)
}

/** The value without hidden references, the same object where there are none; undefined when nothing is left of it. */
function keep(name: string, value: unknown, visible: ReadonlySet<string>): unknown {
  if (isIdentifier(value))
    return !namesObjects(name) || tlpOfMarking(value) !== undefined || visible.has(value) ? value : undefined
  if (Array.isArray(value)) {
    const items = value.map((item) => keep(name, item, visible))
    if (items.every((item, n) => item === value[n])) return value
    const left = items.filter((item) => item !== undefined)
    return left.length === 0 ? undefined : left
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const left = entries.map(([inner, item]) => [inner, keep(inner, item, visible)] as const)
  if (left.every(([, item], n) => item === entries[n]?.[1])) return value
  // An archive without a file in it, or a part of a message without its body: the standard knows neither (STIX 2.1 §6.6.1, §6.7.2).
  if (left.some(([inner, item]) => item === undefined && essential.has(inner))) return undefined
  const present = left.filter(([, item]) => item !== undefined)
  return present.length === 0 ? undefined : Object.fromEntries(present)
}

const essential = new Set(['contains_refs', 'body_raw_ref'])

/** What is left of granular markings is which language a part is in; a part that was cut is not described any more. */
function forgetSelectors(members: Map<string, string>, touched: readonly string[]): void {
  const text = members.get('granular_markings')
  if (text === undefined || touched.length === 0) return
  const markings = JSON.parse(text) as { readonly selectors?: readonly string[] }[]
  const left = markings.filter(
    ({ selectors = [] }) => !selectors.some((selector) => touched.includes(selector.split('.', 1)[0] ?? '')),
  )
  if (left.length === 0) members.delete('granular_markings')
  else members.set('granular_markings', JSON.stringify(left))
}
