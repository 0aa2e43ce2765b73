import type { Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { AttributeFacts, AttributePart, ContextBody, EventBody, KeptOf, ObjectBody } from '../domain/misp-event.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { defined, type Fields } from './fields.ts'
import { isJsonObject } from './json-text.ts'
import type { MispOrigin } from './misp-attribute.ts'
import { mispContext, plainTags, within } from './misp-handling.ts'
import { categoryOf } from './misp-types.ts'
import { isTrue, optionalInteger, optionalText, seen, unixTime, uuidIn, valueText } from './misp-values.ts'

/** What of MISP is kept beside indicators, so that an event can come out as it came in (ADR 24). */

/** The event itself; nothing where it has no UUID: there is nothing to find it by. @throws {Fault} `invalid_misp` */
export function keptEvent(fields: Fields, position: Position): KeptOf<'event'> | undefined {
  const uuid = uuidIn(fields, 'uuid')
  if (uuid === undefined) return undefined
  const modified = unixTime(fields, 'timestamp')
  const { handling } = mispContext(fields)
  const kept = { kind: 'event', position, handling, uuid, body: eventBody(fields) } as const
  return modified === undefined ? kept : { ...kept, modified }
}

function eventBody(fields: Fields): EventBody {
  const creator = fields.object.Orgc
  const named = isJsonObject(creator) && typeof creator.name === 'string' ? creator : undefined
  return defined<EventBody>({
    info: optionalText(fields, 'info') ?? '',
    date: dayIn(fields),
    threatLevel: optionalInteger(fields, 'threat_level_id', 1, 4),
    analysis: optionalInteger(fields, 'analysis', 0, 2),
    published: fields.has('published') ? isTrue(fields.object.published) : undefined,
    publishTimestamp: optionalInteger(fields, 'publish_timestamp', 0, 253_402_300_799),
    extends: uuidIn(fields, 'extends_uuid'),
    creator: named === undefined ? undefined : creatorOf(named),
    tags: plainTags(fields),
  })
}

function creatorOf({ name, uuid }: { readonly name?: unknown; readonly uuid?: unknown }) {
  const known = String(name).slice(0, limits.labelCharacters).toWellFormed()
  return typeof uuid === 'string' && uuid.length === 36 ? { name: known, uuid: uuid.toLowerCase() } : { name: known }
}

function dayIn(fields: Fields): string | undefined {
  const day = optionalText(fields, 'date', 40)
  if (day === undefined) return undefined
  const known = day.length === 10 ? new Date(`${day}T00:00:00Z`) : undefined
  if (known === undefined || Number.isNaN(known.getTime())) throw fields.fault('date', '"date" must be YYYY-MM-DD')
  return day
}

/** The frame of an object, where its event is kept and it has a UUID. @throws {Fault} `invalid_misp` */
export function keptObject(fields: Fields, origin: Omit<MispOrigin, 'received'>): KeptOf<'object'> | undefined {
  const uuid = uuidIn(fields, 'uuid')
  if (origin.event === undefined || uuid === undefined) return undefined
  const time = unixTime(fields, 'timestamp')
  const short = (name: string) => optionalText(fields, name, limits.labelCharacters)
  const version = fields.object.template_version
  const numbered = typeof version === 'string' || typeof version === 'number'
  return {
    kind: 'object',
    position: origin.position,
    handling: origin.context.handling,
    event: origin.event,
    uuid,
    ordinal: ordinalOf(origin.pointer),
    body: defined<ObjectBody>({
      name: short('name') ?? 'object',
      metaCategory: short('meta-category'),
      description: optionalText(fields, 'description'),
      templateUuid: short('template_uuid'),
      templateVersion: numbered ? String(version).slice(0, 20).toWellFormed() : undefined,
      comment: optionalText(fields, 'comment'),
      timestamp: time === undefined ? undefined : Date.parse(time) / 1000,
      firstSeen: seen(fields, 'first_seen'),
      lastSeen: seen(fields, 'last_seen'),
      references: [...referencesOf(fields)],
    }),
  }
}

function* referencesOf(fields: Fields): Generator<ObjectBody['references'][number]> {
  const references = fields.object.ObjectReference
  if (!Array.isArray(references)) return
  for (const each of references.slice(0, limits.labels)) {
    if (!isJsonObject(each)) continue
    const { uuid, referenced_uuid: to, relationship_type: type, comment } = each
    if (typeof uuid !== 'string' || typeof to !== 'string' || typeof type !== 'string' || isTrue(each.deleted)) continue
    const known = {
      uuid: uuid.slice(0, 36).toWellFormed(),
      to: to.slice(0, 36).toWellFormed().toLowerCase(),
      type: type.slice(0, limits.labelCharacters).toWellFormed(),
    }
    yield typeof comment === 'string' && comment !== ''
      ? { ...known, comment: comment.slice(0, 1_000).toWellFormed() }
      : known
  }
}

/** Types of MISP that are about a victim: whoever that is, a person or not. */
const aboutVictims = (type: string): boolean => type.startsWith('target-')

/** An attribute that is no indicator, where its event is kept. */
export function keptContext(fields: Fields, origin: Omit<MispOrigin, 'received'>): KeptOf<'context'> | undefined {
  if (origin.event === undefined) return undefined
  const type = fields.requiredText('type', limits.labelCharacters)
  const uuid = uuidIn(fields, 'uuid')
  const time = unixTime(fields, 'timestamp')
  const kept = {
    kind: 'context',
    position: origin.position,
    handling: within(origin.context, mispContext(fields)).handling,
    event: origin.event,
    ordinal: ordinalOf(origin.pointer),
    personalData: aboutVictims(type),
    deleted: isTrue(fields.object.deleted),
    body: defined<ContextBody>({
      type,
      category: optionalText(fields, 'category', limits.labelCharacters),
      relation: optionalText(fields, 'object_relation', limits.labelCharacters),
      value: valueText(fields),
      comment: optionalText(fields, 'comment'),
      toIds: isTrue(fields.object.to_ids),
      timestamp: time === undefined ? undefined : Date.parse(time) / 1000,
      firstSeen: seen(fields, 'first_seen'),
      lastSeen: seen(fields, 'last_seen'),
      tags: plainTags(fields),
    }),
  } as const
  const named = uuid === undefined ? kept : { ...kept, uuid }
  return origin.object === undefined ? named : { ...named, object: origin.object }
}

/**
 * What MISP calls an attribute of which an indicator is made.
 * @param own its values @param all the indicator's, in their order
 */
export function partOf(
  fields: Fields,
  origin: Omit<MispOrigin, 'received'>,
  own: readonly Observable[],
  all: readonly Observable[],
): AttributePart | undefined {
  if (origin.event === undefined) return undefined
  const uuid = uuidIn(fields, 'uuid')
  const type = fields.requiredText('type', limits.labelCharacters)
  return defined<AttributePart>({
    event: origin.event,
    object: origin.object,
    ordinal: ordinalOf(origin.pointer),
    uuid,
    facts: defined<AttributeFacts>({
      type,
      category: optionalText(fields, 'category', limits.labelCharacters) ?? categoryOf(type),
      relation: optionalText(fields, 'object_relation', limits.labelCharacters),
      toIds: isTrue(fields.object.to_ids),
      values: own.map((one) => all.findIndex((each) => each.type === one.type && each.value === one.value)),
    }),
  })
}

/** The place in the list it stands in: the last step of its pointer. */
const ordinalOf = (pointer: string): number => Number(pointer.slice(pointer.lastIndexOf('/') + 1)) || 0
