import { createHash } from 'node:crypto'
import type { Released } from '../domain/released.ts'
import { markingId, type StixMarkings } from '../domain/stix-markings.ts'
import { markedFor, markingDefinition } from './tlp-objects.ts'

/** Namespace of identity ids. STIX 2.1 §2.9 keeps its own namespace for observables, so this is one of ours. */
const identityNamespace = Buffer.from('3f0c7d5e6b0b4f0d9a5242f1c86a7e10', 'hex')

/** Identity ids by organisation: every indicator that is written names its author's. */
const identityIds = new Map<string, string>()
const identityIdsKept = 10_000

/** The STIX identity id of an organisation: UUID version 5 (RFC 9562 §5.5) of its id, the same on every node. */
export function identityId(organisationId: string): string {
  const known = identityIds.get(organisationId)
  if (known !== undefined) return known
  if (identityIds.size >= identityIdsKept) identityIds.clear()
  const id = deriveIdentityId(organisationId)
  identityIds.set(organisationId, id)
  return id
}

function deriveIdentityId(organisationId: string): string {
  const bytes = createHash('sha1').update(identityNamespace).update(organisationId).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `identity--${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The directory does not date organisations; one fixed time makes the object the same in every bundle. */
const identityTime = '2024-01-01T00:00:00.000Z'

/** The STIX identity object of a named originator; JSON text. */
export const identityObject = (originator: { readonly id: string; readonly name: string }): string =>
  JSON.stringify({
    type: 'identity',
    spec_version: '2.1',
    id: identityId(originator.id),
    created: identityTime,
    modified: identityTime,
    name: originator.name,
    identity_class: 'organization',
  })

/** The objects of indicators, each preceded by what it refers to and was not yet given: its marking and its author. */
export async function* stixObjects(
  items: AsyncIterable<Released> | Iterable<Released>,
  markings: StixMarkings = 'tlp2',
): AsyncGenerator<string> {
  const given = new Set<string>()
  for await (const { stix, handling, originator } of items) {
    const marking = markingId(handling.tlp, markings)
    if (!given.has(marking)) yield markingDefinition(handling.tlp, markings)
    given.add(marking)
    const author = originator === undefined ? undefined : identityId(originator.id)
    if (originator !== undefined && author !== undefined && !given.has(author) && stix.includes(author)) {
      given.add(author)
      yield identityObject(originator)
    }
    yield markedFor(stix, markings)
  }
}

/**
 * A STIX 2.1 bundle as pieces of JSON text, one object each; with no items it has no `objects` (§8: never an empty list).
 * @param bundleId UUID, chosen by the caller
 */
export async function* encodeBundle(
  items: AsyncIterable<Released> | Iterable<Released>,
  bundleId: string,
  markings: StixMarkings = 'tlp2',
): AsyncGenerator<string> {
  yield `{"type":"bundle","id":"bundle--${bundleId}"`
  let before = ',"objects":[\n'
  for await (const object of stixObjects(items, markings)) {
    yield before + object
    before = ',\n'
  }
  yield before === ',\n' ? '\n]}\n' : '}\n'
}
