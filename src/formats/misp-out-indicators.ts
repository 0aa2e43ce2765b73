import type { ReleasedEvent } from '../domain/misp-event.ts'
import type { Released } from '../domain/released.ts'
import { derivedUuid } from './misp-ids.ts'
import { head, mispEvent } from './misp-out.ts'
import { attributesOf, mispTag } from './misp-out-attribute.ts'
import { handlingTags } from './misp-out-handling.ts'

type Event = ReleasedEvent

/**
 * Indicators as events: those of MISP in their events, as far as they are among them, the others in one event for each source and
 * handling.
 */
export function mispEvents(items: readonly Released[], events: readonly Event[]): object[] {
  const wanted = new Set(items.map(({ id, originator, alias }) => `${id} ${originator?.id ?? alias}`))
  const placed = new Set<string>()
  const kept = events.flatMap((event) => {
    const attributes = event.attributes.filter((each) => {
      if (!('indicator' in each)) return false
      const { id, originator, alias } = each.indicator
      const key = `${id} ${originator?.id ?? alias}`
      if (wanted.has(key)) placed.add(key)
      return wanted.has(key)
    })
    const used = new Set(attributes.map(({ object }) => object))
    const objects = event.objects.filter(({ uuid }) => used.has(uuid))
    return attributes.length === 0 ? [] : [mispEvent({ ...event, attributes, objects })]
  })
  const others = items.filter(({ id, originator, alias }) => !placed.has(`${id} ${originator?.id ?? alias}`))
  return [...kept, ...gathered(others)]
}

function* gathered(items: readonly Released[]): Generator<object> {
  const groups = new Map<string, Released[]>()
  for (const item of items) {
    const key = JSON.stringify([item.originator?.id ?? item.alias, handlingTags(item.handling)])
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [item])
    else known.push(item)
  }
  for (const [key, group] of groups) {
    const [first] = group
    if (first === undefined) continue
    const names = handlingTags(first.handling)
    const uuid = derivedUuid(`indicators|${key}`)
    const source = first.originator?.name ?? first.alias ?? ''
    const modified = group.reduce((last, each) => (each.modified > last ? each.modified : last), '')
    const frame = { event: uuid, tags: new Set(names) }
    const attributes = group.flatMap((each) => attributesOf(each, frame))
    yield {
      ...head({ uuid, handling: first.handling, modified, body: { info: `Indicators of ${source}`, tags: [] } }, first),
      attribute_count: String(attributes.length),
      Tag: names.map(mispTag),
      Attribute: attributes,
      Object: [],
      ShadowAttribute: [],
      RelatedEvent: [],
      Galaxy: [],
    }
  }
}

/** Attributes as a search for them answers: each with the head of its event. */
export function* mispAttributes(items: readonly Released[], events: readonly Event[]): Generator<MispAttribute> {
  for (const event of mispEvents(items, events)) {
    const { Attribute: alone, Object: objects, Tag: tags, ...rest } = event as MispEvent
    const { id, uuid, info, distribution: level, org_id, orgc_id } = rest
    const head = { id, uuid, info, distribution: level, org_id, orgc_id }
    const inside = objects.flatMap((object) => object.Attribute)
    // Alone, an attribute says itself what its event said for it.
    for (const each of [...alone, ...inside]) {
      yield { ...each, Event: head, Tag: [...(each.Tag ?? []), ...tags.filter(({ name }) => !isSaidBy(each, name))] }
    }
  }
}

/** Of labels only one holds: the attribute's own, where it has one. */
const isSaidBy = ({ Tag: own = [] }: MispAttribute, name: string): boolean => {
  const namespace = name.slice(0, name.indexOf(':') + 1).toLowerCase()
  return (
    own.some((tag) => tag.name === name) ||
    (['tlp:', 'pap:'].includes(namespace) && own.some((tag) => tag.name.toLowerCase().startsWith(namespace)))
  )
}

export interface MispAttribute {
  readonly uuid: string
  readonly type: string
  readonly category: string
  readonly to_ids: boolean
  readonly Tag?: readonly { readonly name: string }[]
  /** The head of its event, where it stands alone. */
  readonly Event?: { readonly uuid: string }
}

interface MispEvent {
  readonly id: string
  readonly uuid: string
  readonly info: string
  readonly distribution: string
  readonly org_id: string
  readonly orgc_id: string
  readonly Attribute: readonly MispAttribute[]
  readonly Object: readonly { readonly Attribute: readonly MispAttribute[] }[]
  readonly Tag: readonly { readonly name: string }[]
}
