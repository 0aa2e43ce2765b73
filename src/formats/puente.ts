import type { Decoded, Draft, DraftFormat } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable, readUnnamed } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { parseRsit } from '../domain/rsit.ts'
import type { ByteSource } from '../domain/source.ts'
import { type DecodedGroups, decoded, faultAt, oneByOne, recordTooLarge } from './decoded.ts'
import { defined, Fields } from './fields.ts'
import { handlingFromRecord, handlingMembers } from './handling-fields.ts'
import { jsonParts } from './json-parts.ts'
import { type JsonObject, parseObject, utf8Text } from './json-text.ts'
import { ndjsonLines } from './records.ts'
import { isStixId } from './stix-id.ts'
import { knownMarking } from './stix-markings.ts'
import { stixDraft } from './stix-object.ts'

/** Puente's own records, one JSON object a line. A line may also be a STIX indicator or observable (`spec_version`). */
export async function* puenteNdjson(source: ByteSource): DecodedGroups {
  let record = 0
  for await (const lines of ndjsonLines(source)) {
    yield lines.map(({ line, bytes }) => readNative(bytes, { record: record++, line }, ''))
  }
}

/** The same records as a JSON array of any length, or one alone. */
export async function* puenteArray(source: ByteSource): DecodedGroups {
  let record = 0
  try {
    for await (const parts of jsonParts(source, [['[]']])) {
      const records = parts.filter(
        ({ path, bytes }) => path.length > 0 || bytes === undefined || !isArrayEnvelope(bytes),
      )
      yield records.map(({ path, pointer, bytes }) =>
        readNative(bytes, path.length === 0 ? { record: record++ } : { record: record++, pointer }, pointer),
      )
    }
  } catch (error) {
    yield [{ fault: faultAt({ record }, error) }]
  }
}

export const decodePuenteNdjson = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(puenteNdjson(source))
export const decodePuenteArray = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(puenteArray(source))

/** What is left of an array when its elements are cut out; anything after it is refused as a record of its own. */
const isArrayEnvelope = (bytes: Buffer): boolean => bytes.length < 1024 && bytes.toString().replace(/\s/g, '') === '[]'

const readNative = (bytes: Buffer | undefined, position: Position, pointer: string): Decoded =>
  bytes === undefined ? recordTooLarge(position) : decoded(position, () => nativeDraft(bytes, position, pointer))

function nativeDraft(bytes: Buffer, position: Position, pointer: string): Draft {
  const received = utf8Text(bytes)
  const record = parseObject(received, 'invalid_record', pointer)
  if (Object.hasOwn(record, 'spec_version')) {
    return stixDraft(record, { position, pointer, received, markingOf: knownMarking })
  }
  return draftFromRecord(record, { position, pointer, received, format: 'puente' })
}

const ownMembers = new Set([
  ...handlingMembers,
  ...['type', 'value', 'id', 'name', 'description', 'class', 'confidence', 'labels', 'critical'],
  ...['validFrom', 'validUntil', 'firstSeen', 'lastSeen', 'modified', 'created'],
])

/** Where a record comes from: its position, its pointer in the document (empty when it is the document) and its text. */
export interface RecordOrigin {
  readonly position: Position
  readonly pointer: string
  readonly received: string
  readonly format: DraftFormat
}

/**
 * Reads one record of Puente's own members (`docs`: the publish body). Other formats of flat records are renamed into it.
 * @throws {Fault} `invalid_record` (unknown or malformed member), `critical_unknown`, `unknown_type`, `invalid_value`,
 *   `refused_type`, `marking_unknown`, `invalid_handling`
 */
export function draftFromRecord(record: JsonObject, origin: RecordOrigin): Draft {
  const fields = new Fields(record, origin.pointer, 'invalid_record', origin.format === 'csv' ? 'loose' : 'rfc3339')
  const handling = handlingFromRecord(record, origin.pointer)
  refuseUnknown(fields)
  const id = fields.text('id', 100)
  if (id !== undefined && !isStixId(id, 'indicator')) throw fields.fault('id', '"id" must be indicator--<uuid>')
  const rsit = fields.text('class')
  return defined<Draft>({
    position: origin.position,
    id,
    modified: fields.time('modified'),
    created: fields.time('created'),
    observables: [observable(fields)],
    compound: false,
    name: fields.text('name'),
    description: fields.text('description'),
    class: rsit === undefined ? undefined : fields.parsed('class', () => parseRsit(rsit)),
    confidence: fields.integer('confidence', 0, 100),
    labels: fields.texts('labels', limits.labels) ?? [],
    validFrom: fields.time('validFrom'),
    validUntil: fields.time('validUntil'),
    firstSeen: fields.time('firstSeen'),
    lastSeen: fields.time('lastSeen'),
    handling,
    received: origin.received,
    format: origin.format,
  })
}

/** `critical` names the members without which the record must not be understood (COSE and JWS do it the same way). */
function refuseUnknown(fields: Fields): void {
  for (const name of fields.texts('critical', limits.labels) ?? []) {
    if (!ownMembers.has(name)) {
      throw fields.fault(name, `"${name.slice(0, 60)}" is marked critical and unknown here`, 'critical_unknown')
    }
  }
  for (const name of Object.keys(fields.object)) {
    if (!ownMembers.has(name)) throw fields.fault(name, `A record has no member "${name.slice(0, 60)}"`)
  }
}

function observable(fields: Fields): Observable {
  const value = fields.requiredText('value', limits.textCharacters)
  const type = fields.text('type', 100)
  try {
    const found = type === undefined ? readUnnamed(value) : parseObservable(type, value)
    if (found !== undefined) return found
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const aboutType = error.code === 'unknown_type' || error.code === 'refused_type'
    throw fields.fault(aboutType && fields.has('type') ? 'type' : 'value', error.message, error.code)
  }
  throw fields.fault('value', 'The value does not tell its type: give "type"', 'unknown_type')
}
