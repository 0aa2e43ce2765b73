import type { ReleasedObject } from '../domain/released.ts'
import { markingId, type StixMarkings } from '../domain/stix-markings.ts'
import { markedFor, markingDefinition } from './tlp-objects.ts'

/**
 * A STIX object in Puente's own members, as JSON text: what the node knows of it, and as `object` the STIX object itself, spelled as it was
 * published.
 */
export function objectJson({ stix, ...members }: ReleasedObject, markings: StixMarkings = 'tlp2'): string {
  const text = JSON.stringify(members)
  return `${text.slice(0, -1)},"object":${markedFor(stix, markings)}}`
}

/** A page of them, one a line. @param next the cursor of the next page */
export function* encodeObjects(
  items: readonly ReleasedObject[],
  markings: StixMarkings = 'tlp2',
  next?: string,
): Generator<string> {
  yield '{"items":['
  for (const [n, item] of items.entries()) yield `${n === 0 ? '\n' : ',\n'}${objectJson(item, markings)}`
  yield next === undefined ? ']}' : `],"next":${JSON.stringify(next)}}`
}

/**
 * A STIX 2.1 bundle as pieces of JSON text, each object preceded by the label that marks it; with no items it has no `objects` (§8: never
 * an empty list).
 * @param bundleId UUID, chosen by the caller
 */
export function* encodeObjectBundle(
  items: readonly ReleasedObject[],
  bundleId: string,
  markings: StixMarkings = 'tlp2',
): Generator<string> {
  yield `{"type":"bundle","id":"bundle--${bundleId}"`
  let before = ',"objects":[\n'
  const given = new Set<string>()
  for (const { stix, handling } of items) {
    const marking = markingId(handling.tlp, markings)
    if (!given.has(marking)) {
      given.add(marking)
      yield before + markingDefinition(handling.tlp, markings)
      before = ',\n'
    }
    yield before + markedFor(stix, markings)
  }
  yield before === ',\n' ? '\n]}\n' : '}\n'
}
