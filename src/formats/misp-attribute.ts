import type { Decoded, Draft } from '../domain/draft.ts'
import type { Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { AttributePart } from '../domain/misp-event.ts'
import { parseObservable, typeOfMisp, unmappedMispTypes } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { mainFirst } from './compound.ts'
import { defined, Fields } from './fields.ts'
import type { JsonObject } from './json-text.ts'
import { type MispContext, mispContext, within } from './misp-handling.ts'
import { keptContext, partOf } from './misp-kept.ts'
import { isTrue, optionalText, seen, unixTime, valueText } from './misp-values.ts'
import { isStixUuid, isUuid } from './stix-id.ts'

export interface MispOrigin {
  readonly position: Position
  readonly pointer: string
  readonly received: string
  /** Of the event, joined with that of the object the attribute is part of. */
  readonly context: MispContext
  readonly name?: string
  /** UUID of the event, where it is kept. */
  readonly event?: string
  /** UUID of the object around it. */
  readonly object?: string
}

/**
 * One MISP attribute as a draft; a composite (`filename|sha1`) has several observables. What is context and no indicator is kept
 * with its event.
 * @throws {Fault} `object_not_kept` (context, of an event that is not kept), `unknown_type`, `invalid_value`, `refused_type`,
 *   `marking_unknown`, `invalid_misp`
 */
export function attributeResult(attribute: JsonObject, origin: MispOrigin): Decoded {
  const fields = new Fields(attribute, origin.pointer, 'invalid_misp')
  if (isContextAttribute(fields)) {
    const kept = keptContext(fields, origin)
    if (kept !== undefined) return { kept }
  }
  const own = attributeObservables(fields)
  const all = mainFirst(own)
  const part = partOf(fields, origin, own, all)
  return { draft: draftOf(fields, all, origin, part === undefined ? [] : [part]) }
}

/** The draft of a thing seen in several values, in MISP's frame of an attribute or an object (both have one). */
export function draftOf(
  fields: Fields,
  observables: readonly Observable[],
  origin: MispOrigin,
  parts: readonly AttributePart[],
): Draft {
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
    description: optionalText(fields, 'comment'),
    class: context.class,
    labels: context.labels,
    firstSeen: seen(fields, 'first_seen'),
    lastSeen: seen(fields, 'last_seen'),
    revoked: isTrue(fields.object.deleted) ? true : undefined,
    handling: context.handling,
    received: origin.received,
    format: 'misp',
    parts: parts.length === 0 ? undefined : parts,
  })
}

/** Types that name an indicator only when their author says so by `to_ids`: a port alone is everybody's. */
const contextTypes = ['link', 'port']
/** Types that never do. */
const isContext = (type: string): boolean => type === 'text' || type === 'other' || unmappedMispTypes.has(type)

/** Whether an attribute is context only. */
export function isContextAttribute({ object }: Fields): boolean {
  const { type } = object
  if (typeof type !== 'string') return false
  return isContext(type) || (contextTypes.includes(type) && !isTrue(object.to_ids))
}

/** The observables of one attribute in MISP's order, unless it is context only. */
export function attributeObservables(fields: Fields): Observable[] {
  const type = fields.requiredText('type', limits.labelCharacters)
  const value = valueText(fields)
  if (isContextAttribute(fields)) {
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

/** None for a UUID that STIX would not take: the node derives one then. */
function indicatorId(fields: Fields, uuid: string): string | undefined {
  if (!isUuid(uuid)) throw fields.fault('uuid', '"uuid" must be a UUID')
  return isStixUuid(uuid) ? `indicator--${uuid.toLowerCase()}` : undefined
}
