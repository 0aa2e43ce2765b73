import type { Decoded } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { composedTypes } from '../domain/stix-object.ts'
import { tlpOfMarking } from '../domain/tlp.ts'
import { type DecodedGroups, faultAt, oneByOne, recordTooLarge } from './decoded.ts'
import { type JsonPart, type JsonPath, jsonParts } from './json-parts.ts'
import { isJsonObject, type JsonObject, parseObject, parseStrict, textOf, utf8Text } from './json-text.ts'
import { MarkingDefinitions } from './stix-markings.ts'
import { type StixOrigin, stixDraft } from './stix-object.ts'
import { isObservableType } from './stix-observables.ts'
import { objectDraft } from './stix-other.ts'

const objectsPath: JsonPath = ['objects', '[]']
const paths: readonly JsonPath[] = [objectsPath, ['[]']]

/** Which objects a reading gives: those that stand for themselves, then those that are made of others. */
type Turn = 'simple' | 'composed'

/**
 * Objects of a STIX 2.1 bundle, a TAXII 2.1 envelope, an array of objects or one object. The source is opened twice: marking definitions
 * may stand behind the objects they mark, and an object whose marking is not yet known must not be let through. It is opened once more
 * where there are objects made of others (relationships, reports …), which come after all that they may be made of. A document that is
 * broken as a whole yields one fault and no draft.
 */
export async function* stix(source: ByteSource): DecodedGroups {
  const reached = { record: 0 }
  try {
    const { envelope, markings, composed } = await overview(source)
    const document = { envelope, markings }
    yield* turn(source, document, 'simple', reached)
    if (composed) yield* turn(source, document, 'composed', reached)
  } catch (error) {
    yield [{ fault: faultAt(reached, error) }]
  }
}

async function* turn(
  source: ByteSource,
  { envelope, markings }: Pick<Overview, 'envelope' | 'markings'>,
  which: Turn,
  reached: { record: number },
): DecodedGroups {
  reached.record = 0
  for await (const parts of jsonParts(source, paths)) {
    const group: Decoded[] = []
    for (const part of parts) {
      if (envelope && part.path.length === 0) break
      const { record } = reached
      const position = part.pointer === '' ? { record } : { record, pointer: part.pointer }
      reached.record++
      if (which === 'simple' || mayBeComposed(part.bytes)) group.push(...read(part, position, markings, which))
    }
    yield group
  }
}

export const decodeStix = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(stix(source))

/** What one object gives in a turn; its faults are told in the turn that is its own. */
function read({ bytes, pointer }: JsonPart, position: Position, markings: MarkingDefinitions, which: Turn): Decoded[] {
  if (bytes === undefined) return which === 'simple' ? [recordTooLarge(position)] : []
  let composed = false
  try {
    const received = utf8Text(bytes)
    const object = parseObject(received, 'invalid_stix', pointer)
    const type = textOf(object.type)
    composed = composedTypes.has(type)
    // What spells its type with escapes is not found again: it is read at once.
    if (composed && which === 'simple' && mayBeComposed(bytes)) return []
    if (!composed && which === 'composed') return []
    // A label of TLP is everybody's: it is read, and the node gives out its own.
    if (type === 'marking-definition' && tlpOfMarking(textOf(object.id)) !== undefined) return []
    return drafts(object, type, { position, pointer, received, markingOf: markings.markingOf })
  } catch (error) {
    return composed || which === 'simple' ? [{ fault: faultAt(position, error) }] : []
  }
}

function drafts(object: JsonObject, type: string, origin: StixOrigin): Decoded[] {
  if (type === 'indicator' || object.type === undefined) return [{ draft: stixDraft(object, origin) }]
  if (!isObservableType(type)) return [{ object: objectDraft(object, origin) }]
  // An observable is looked up and matched like an indicator, and given out as what it is: one may be refused and not the other.
  const known = draftOf(object, origin)
  try {
    const kept = objectDraft(object, origin)
    if (known === undefined) return [{ object: kept }]
    // A value that is refused is not kept in another form.
    return 'fault' in known ? [known] : [known, { object: { ...kept, beside: true } }]
  } catch (error) {
    return known === undefined || 'fault' in known
      ? [{ fault: faultAt(origin.position, error) }]
      : [known, { fault: faultAt(origin.position, error) }]
  }
}

/** The indicator about an observable; undefined where it holds no value that this node knows. */
function draftOf(object: JsonObject, origin: StixOrigin): Decoded | undefined {
  try {
    return { draft: stixDraft(object, origin) }
  } catch (error) {
    const fault = faultAt(origin.position, error)
    return fault.code === 'object_not_kept' ? undefined : { fault }
  }
}

const composedWords = [...composedTypes].map((type) => Buffer.from(`"${type}"`))

/** A look at the bytes, without reading them as JSON. */
const mayBeComposed = (bytes: Buffer | undefined): boolean =>
  bytes !== undefined && composedWords.some((word) => bytes.includes(word))

interface Overview {
  readonly markings: MarkingDefinitions
  /** Whether the root is only the wrapping of the objects. */
  readonly envelope: boolean
  /** Whether there may be objects that are made of others. */
  readonly composed: boolean
}

/** The first reading: marking definitions, and whether the document holds together. */
async function overview(source: ByteSource): Promise<Overview> {
  const markings = new MarkingDefinitions()
  let [elements, composed] = [0, false]
  for await (const parts of jsonParts(source, paths)) {
    for (const part of parts) {
      composed ||= mayBeComposed(part.bytes)
      if (part.path.length === 0) return { markings, envelope: isEnvelope(part, elements), composed }
      elements++
      if (part.bytes?.includes('"marking-definition"')) addDefinition(markings, part.bytes)
    }
  }
  return { markings, envelope: true, composed }
}

/** A definition that cannot be read is not added: what refers to it is refused then. */
function addDefinition(markings: MarkingDefinitions, bytes: Buffer): void {
  try {
    const object = parseStrict(bytes)
    if (isJsonObject(object) && object.type === 'marking-definition') markings.add(object)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

function isEnvelope(root: JsonPart, elements: number): boolean {
  if (root.bytes === undefined) throw new Fault('record_too_large', 'The members around "objects" are too large')
  const value = parseStrict(root.bytes)
  if (Array.isArray(value)) return true
  const object = parseObject(root.bytes, 'invalid_stix', '')
  const wraps = object.type === 'bundle' || (object.type === undefined && Array.isArray(object.objects))
  if (wraps && object.objects !== undefined && !Array.isArray(object.objects)) {
    throw new Fault('invalid_stix', '"objects" must be a list', { position: { pointer: '/objects' } })
  }
  if (!wraps && elements > 0) {
    throw new Fault('invalid_stix', 'Only a bundle may have "objects"', { position: { pointer: '/type' } })
  }
  return wraps
}
