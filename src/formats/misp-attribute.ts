import type { Draft } from '../domain/draft.ts'
import type { Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable, typeOfMisp, unmappedMispTypes } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { mainFirst } from './compound.ts'
import { defined, Fields } from './fields.ts'
import type { JsonObject } from './json-text.ts'
import { type MispContext, mispContext, within } from './misp-handling.ts'
import { isStixUuid, isUuid } from './stix-id.ts'
import { parseTimestamp } from './timestamp.ts'

export interface MispOrigin {
  readonly position: Position
  readonly pointer: string
  readonly received: string
  /** Of the event, joined with that of the object the attribute is part of. */
  readonly context: MispContext
  readonly name?: string
}

/**
 * One MISP attribute as a draft; a composite (`filename|sha1`) has several observables.
 * @throws {Fault} `object_not_kept` (context, not an indicator), `unknown_type`, `invalid_value`, `refused_type`,
 *   `marking_unknown`, `invalid_misp`
 */
export function attributeDraft(attribute: JsonObject, origin: MispOrigin): Draft {
  const fields = new Fields(attribute, origin.pointer, 'invalid_misp')
  return draftOf(fields, mainFirst(attributeObservables(fields)), origin)
}

/** The draft of a thing seen in several values, in MISP's frame of an attribute or an object (both have one). */
export function draftOf(fields: Fields, observables: readonly Observable[], origin: MispOrigin): Draft {
  const [first, ...rest] = observables
  if (first === undefined) throw fields.fault('type', 'There is no value in it', 'invalid_misp')
  const uuid = fields.text('uuid', 36)
  const context = within(origin.context, mispContext(fields))
  return defined<Draft>({
    position: origin.position,
    id: uuid === undefined ? undefined : indicatorId(fields, uuid),
    modified: unixTime(fields, 'timestamp'),
    observables: [first, ...rest],
    compound: rest.length > 0,
    name: origin.name,
    description: fields.text('comment') || undefined,
    class: context.class,
    labels: context.labels,
    firstSeen: seen(fields, 'first_seen'),
    lastSeen: seen(fields, 'last_seen'),
    revoked: isTrue(attributeValue(fields, 'deleted')) ? true : undefined,
    handling: context.handling,
    received: origin.received,
    format: 'misp',
  })
}

/** Types that name an indicator only when their author says so by `to_ids`: a port alone is everybody's. */
const contextTypes = ['link', 'port']
/** Types that never do. */
const isContext = (type: string): boolean => type === 'text' || type === 'other' || unmappedMispTypes.has(type)

/** The observables of one attribute in MISP's order, unless it is context only. */
export function attributeObservables(fields: Fields): Observable[] {
  const type = fields.requiredText('type', limits.labelCharacters)
  const value = valueText(fields)
  if (isContext(type) || (contextTypes.includes(type) && !isTrue(fields.object.to_ids))) {
    throw fields.fault('type', `An attribute of type ${type} is context, not an indicator`, 'object_not_kept')
  }
  const known = typeOfMisp(type)
  if (known === undefined) {
    throw fields.fault('type', `Attributes of type ${type.slice(0, 60)} are not known here`, 'unknown_type')
  }
  const parts = known.length === 1 ? [value] : value.split('|')
  if (parts.length !== known.length) {
    throw fields.fault('value', `A value of type ${type} must have ${known.length} parts`, 'invalid_value')
  }
  return known.map((part, at) => fields.parsed('value', () => parseObservable(part, parts[at] ?? '')))
}

function valueText(fields: Fields): string {
  const value = fields.object.value
  if (typeof value === 'number') return String(value)
  return fields.requiredText('value')
}

const attributeValue = (fields: Fields, name: string): unknown => (fields.has(name) ? fields.object[name] : undefined)

/** MISP writes truth as a boolean, a number or a text, depending on the export. */
const isTrue = (value: unknown): boolean => value === true || value === 1 || value === '1'

/** None for a UUID that STIX would not take: the node derives one then. */
function indicatorId(fields: Fields, uuid: string): string | undefined {
  if (!isUuid(uuid)) throw fields.fault('uuid', '"uuid" must be a UUID')
  return isStixUuid(uuid) ? `indicator--${uuid.toLowerCase()}` : undefined
}

/** Seconds since 1970 as text or number → ISO 8601 UTC; `"0"` and absence say nothing. */
function unixTime(fields: Fields, name: string): string | undefined {
  const value = attributeValue(fields, name)
  if (value === undefined || value === null || value === '' || value === '0' || value === 0) return undefined
  const seconds = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 253_402_300_799) {
    throw fields.fault(name, `"${name}" must be seconds since 1970`)
  }
  return new Date(seconds * 1000).toISOString()
}

/** MISP says null for "not known". */
function seen(fields: Fields, name: string): string | undefined {
  const value = attributeValue(fields, name)
  if (value === undefined || value === null || value === '') return undefined
  const time = typeof value === 'string' ? parseTimestamp(value, 'loose') : undefined
  if (time === undefined) throw fields.fault(name, `"${name}" must be a time as ISO 8601 writes it`)
  return time
}
