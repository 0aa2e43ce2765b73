import type { AttributeFacts, ContextBody, ReleasedAttribute } from '../domain/misp-event.ts'
import { mispTypeOf, mispValueOf, typeOfMisp } from '../domain/observables/misp.ts'
import type { Released, ReleasedHandling, ReleasedObservable } from '../domain/released.ts'
import { derivedUuid, numberOf } from './misp-ids.ts'
import { distribution, handlingTags } from './misp-out-handling.ts'
import { categoryOf } from './misp-types.ts'
import { rsitOfTag, rsitTag } from './rsit-tags.ts'

/** What surrounds an attribute: it need not say again what that says. */
export interface MispFrame {
  /** UUID of the event. */
  readonly event: string
  /** UUID of the object. */
  readonly object?: string
  /** Tags of the event, those about handling among them. */
  readonly tags: ReadonlySet<string>
}

/** An attribute of an event as MISP writes it. */
export const mispAttribute = (attribute: ReleasedAttribute, frame: MispFrame): object =>
  'indicator' in attribute
    ? ofIndicator(attribute.uuid, attribute.indicator, attribute.facts, frame)
    : ofContext(attribute.uuid, attribute.context, attribute.handling, frame)

function ofIndicator(uuid: string, indicator: Released, facts: AttributeFacts, frame: MispFrame): object {
  const { type, value } = valueIn(indicator, facts)
  return attribute(frame, indicator.handling, indicator.labels, {
    uuid,
    type,
    value,
    category: type === facts.type ? facts.category : undefined,
    relation: facts.relation,
    toIds: facts.toIds && !indicator.masked,
    comment: indicator.masked ? `masked ${indicator.type}` : (indicator.description ?? ''),
    timestamp: seconds(indicator.modified),
    firstSeen: indicator.firstSeen,
    lastSeen: indicator.lastSeen,
  })
}

/** The value as MISP wrote it; where the indicator no longer has it, its main value. */
function valueIn(indicator: Released, { type, values }: AttributeFacts): ReleasedObservable {
  if (indicator.masked) return { type: 'other', value: indicator.value }
  const own = values.map((at) => indicator.observables[at])
  const known = typeOfMisp(type)
  const fits = known !== undefined && known.length === own.length && own.every((each) => each !== undefined)
  const [first] = own
  if (!fits || first === undefined) return ofObservable(indicator)
  const texts = own.map((each) => each?.value ?? '')
  return { type, value: own.length === 1 && type.includes('|') ? mispValueOf(first) : texts.join('|') }
}

const ofObservable = (observable: ReleasedObservable): ReleasedObservable => ({
  type: mispTypeOf(observable.type),
  value: mispValueOf(observable),
})

/** The attributes of an indicator that came by another way than MISP: one for each of its observables, the first to be acted on. */
export function attributesOf(indicator: Released, frame: MispFrame): object[] {
  const [, uuid = ''] = indicator.id.split('--')
  const values = indicator.masked ? [indicator] : indicator.observables
  return values.map((observable, n) => {
    const { type, value } = indicator.masked ? { type: 'other', value: indicator.value } : ofObservable(observable)
    const facts = { type, toIds: n === 0 && type !== 'other' && !indicator.masked, values: [n] }
    const own = n === 0 ? uuid : derivedUuid(`${indicator.id}|${n}`)
    return ofValue(own, indicator, facts, value, frame, withClass(indicator))
  })
}

/** The class stands among the tags, where none of them says it already. */
const withClass = ({ labels, classType }: Released): readonly string[] =>
  classType === undefined || labels.some((label) => rsitOfTag(label) === classType)
    ? labels
    : [...labels, rsitTag(classType)]

const ofValue = (
  uuid: string,
  indicator: Released,
  { type, toIds }: AttributeFacts,
  value: string,
  frame: MispFrame,
  labels: readonly string[] = indicator.labels,
): object =>
  attribute(frame, indicator.handling, labels, {
    uuid,
    type,
    value,
    toIds,
    category: undefined,
    relation: undefined,
    comment: indicator.masked ? `masked ${indicator.type}` : (indicator.description ?? indicator.name ?? ''),
    timestamp: seconds(indicator.modified),
    firstSeen: indicator.firstSeen,
    lastSeen: indicator.lastSeen,
  })

const ofContext = (uuid: string, context: ContextBody, handling: ReleasedHandling, frame: MispFrame): object =>
  attribute(frame, handling, context.tags, {
    uuid,
    type: context.type,
    value: context.value,
    category: context.category,
    relation: context.relation,
    toIds: context.toIds,
    comment: context.comment ?? '',
    timestamp: context.timestamp ?? 0,
    firstSeen: context.firstSeen,
    lastSeen: context.lastSeen,
  })

interface Said {
  readonly uuid: string
  readonly type: string
  readonly value: string
  readonly category: string | undefined
  readonly relation: string | undefined
  readonly toIds: boolean
  readonly comment: string
  readonly timestamp: number
  readonly firstSeen: string | undefined
  readonly lastSeen: string | undefined
}

function attribute(
  { event, object, tags }: MispFrame,
  handling: ReleasedHandling,
  labels: readonly string[],
  said: Said,
): object {
  const own = [...handlingTags(handling), ...labels].filter((name) => !tags.has(name))
  return {
    id: numberOf(said.uuid),
    event_id: numberOf(event),
    object_id: object === undefined ? '0' : numberOf(object),
    object_relation: said.relation ?? null,
    uuid: said.uuid,
    type: said.type,
    category: said.category ?? categoryOf(said.type),
    to_ids: said.toIds,
    value: said.value,
    comment: said.comment,
    timestamp: String(said.timestamp),
    ...within(handling, tags),
    deleted: false,
    disable_correlation: false,
    first_seen: said.firstSeen ?? null,
    last_seen: said.lastSeen ?? null,
    ...(own.length === 0 ? {} : { Tag: own.map(mispTag) }),
  }
}

/** Inherited where the label is the event's. */
export const within = (handling: ReleasedHandling, tags: ReadonlySet<string>) =>
  tags.has(`tlp:${handling.tlp}`) ? { distribution: '5', sharing_group_id: '0' } : distribution(handling)

export const mispTag = (name: string) => ({ name, colour: '#ffffff', exportable: true, local: false })

export const seconds = (iso: string): number => Math.floor(Date.parse(iso) / 1000)
