import type { Decoded } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { type DecodedGroups, decoded, faultAt, oneByOne, recordTooLarge } from './decoded.ts'
import { type JsonPart, type JsonPath, jsonParts } from './json-parts.ts'
import { isJsonObject, parseObject, parseStrict, utf8Text } from './json-text.ts'
import { MarkingDefinitions } from './stix-markings.ts'
import { stixDraft } from './stix-object.ts'

const objectsPath: JsonPath = ['objects', '[]']
const paths: readonly JsonPath[] = [objectsPath, ['[]']]

/** What the others refer to; read, and never refused. */
const silent = new Set(['marking-definition', 'identity', 'extension-definition'])

/**
 * Indicators and observables of a STIX 2.1 bundle, a TAXII 2.1 envelope, an array of objects or one object. The source
 * is opened twice: marking definitions may stand behind the objects they mark, and an object whose marking is not yet
 * known must not be let through. A document that is broken as a whole yields one fault and no draft.
 */
export async function* stix(source: ByteSource): DecodedGroups {
  let record = 0
  try {
    const { envelope, markings } = await overview(source)
    for await (const parts of jsonParts(source, paths)) {
      const group: Decoded[] = []
      for (const part of parts) {
        if (envelope && part.path.length === 0) break
        const position = part.pointer === '' ? { record } : { record, pointer: part.pointer }
        record++
        const result = read(part, position, markings)
        if (result !== undefined) group.push(result)
      }
      yield group
    }
  } catch (error) {
    yield [{ fault: faultAt({ record }, error) }]
  }
}

export const decodeStix = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(stix(source))

/** The draft or fault of one object; nothing for an object that others refer to. */
function read({ bytes, pointer }: JsonPart, position: Position, markings: MarkingDefinitions): Decoded | undefined {
  if (bytes === undefined) return recordTooLarge(position)
  let quiet = false
  const result = decoded(position, () => {
    const received = utf8Text(bytes)
    const object = parseObject(received, 'invalid_stix', pointer)
    quiet = typeof object.type === 'string' && silent.has(object.type)
    return stixDraft(object, { position, pointer, received, markingOf: markings.markingOf })
  })
  return quiet ? undefined : result
}

interface Overview {
  readonly markings: MarkingDefinitions
  /** Whether the root is only the wrapping of the objects. */
  readonly envelope: boolean
}

/** The first reading: marking definitions, and whether the document holds together. */
async function overview(source: ByteSource): Promise<Overview> {
  const markings = new MarkingDefinitions()
  let elements = 0
  for await (const parts of jsonParts(source, paths)) {
    for (const part of parts) {
      if (part.path.length === 0) return { markings, envelope: isEnvelope(part, elements) }
      elements++
      if (part.bytes?.includes('"marking-definition"')) addDefinition(markings, part.bytes)
    }
  }
  return { markings, envelope: true }
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
