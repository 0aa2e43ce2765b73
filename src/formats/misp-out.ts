import type { ReleasedEvent } from '../domain/misp-event.ts'
import type { Released } from '../domain/released.ts'
import { derivedUuid, numberOf } from './misp-ids.ts'
import { mispAttribute, mispTag, seconds, within } from './misp-out-attribute.ts'
import { distribution, handlingTags } from './misp-out-handling.ts'

type Event = ReleasedEvent
type Source = Pick<Released, 'originator' | 'alias'>

/** An event as MISP writes it (misp-core-format), without its wrapper. @param metadata without what is in it */
export function mispEvent(event: Event, metadata = false): object {
  const about = handlingTags(event.handling)
  const names = [...about, ...event.body.tags]
  const frame = { event: event.uuid, tags: new Set(names) }
  const alone = event.attributes.filter(({ object }) => object === undefined)
  const lists = {
    Attribute: alone.map((each) => mispAttribute(each, frame)),
    Object: event.objects.map((each) => mispObject(each, event, frame)),
  }
  return {
    ...head(event, event),
    attribute_count: String(event.attributes.length),
    // MISP has no word for it, and its clients pass over what they do not know.
    ...(event.cut === true ? { incomplete: true } : {}),
    Tag: names.map(mispTag),
    ...(metadata ? {} : { ...lists, ShadowAttribute: [], RelatedEvent: [], Galaxy: [] }),
  }
}

type Head = Pick<Event, 'uuid' | 'body' | 'handling' | 'modified'>

export function head({ uuid, body, handling, modified }: Head, source: Source) {
  const owner = mispOrganisation(source)
  const { creator } = body
  const maker = creator === undefined ? owner : organisation(creator.name, creator.uuid)
  return {
    id: numberOf(uuid),
    uuid,
    info: body.info,
    date: body.date ?? modified.slice(0, 10),
    threat_level_id: String(body.threatLevel ?? 4),
    analysis: String(body.analysis ?? 0),
    published: body.published ?? true,
    timestamp: String(seconds(modified)),
    publish_timestamp: String(body.publishTimestamp ?? seconds(modified)),
    ...distribution(handling),
    org_id: owner.id,
    orgc_id: maker.id,
    Org: owner,
    Orgc: maker,
    extends_uuid: body.extends ?? '',
    locked: false,
    proposal_email_lock: false,
    disable_correlation: false,
  }
}

/** Who published, as MISP names organisations. */
export const mispOrganisation = ({ originator, alias = '' }: Source) =>
  originator === undefined
    ? organisation(alias)
    : organisation(originator.name, derivedUuid(`organisation|${originator.id}`))

function organisation(name: string, uuid = derivedUuid(`organisation name|${name}`)) {
  return { id: numberOf(uuid), name, uuid, local: false }
}

function mispObject(
  { uuid, handling, body }: Event['objects'][number],
  event: Event,
  frame: { readonly event: string; readonly tags: ReadonlySet<string> },
) {
  const own = handlingTags(handling).filter((name) => !frame.tags.has(name))
  const inside = { ...frame, object: uuid, tags: new Set([...frame.tags, ...own]) }
  const { references } = body
  return {
    id: numberOf(uuid),
    event_id: numberOf(event.uuid),
    uuid,
    name: body.name,
    'meta-category': body.metaCategory ?? 'misc',
    description: body.description ?? '',
    ...(body.templateUuid === undefined ? {} : { template_uuid: body.templateUuid }),
    template_version: body.templateVersion ?? '1',
    comment: body.comment ?? '',
    timestamp: String(body.timestamp ?? seconds(event.modified)),
    ...within(handling, frame.tags),
    first_seen: body.firstSeen ?? null,
    last_seen: body.lastSeen ?? null,
    deleted: false,
    ...(own.length === 0 ? {} : { Tag: own.map(mispTag) }),
    ObjectReference: references.map((each) => ({
      uuid: each.uuid,
      object_uuid: uuid,
      referenced_uuid: each.to,
      relationship_type: each.type,
      comment: each.comment ?? '',
      deleted: false,
    })),
    Attribute: event.attributes.filter(({ object }) => object === uuid).map((each) => mispAttribute(each, inside)),
  }
}
