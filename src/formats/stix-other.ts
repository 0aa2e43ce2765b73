import type { ObjectDraft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { isIdentifier, referencesIn } from '../domain/stix-object.ts'
import { defined, Fields } from './fields.ts'
import { isJsonObject, type JsonObject, textOf } from './json-text.ts'
import { isStixId, isStixUuid } from './stix-id.ts'
import { handlingOfObject } from './stix-markings.ts'
import type { StixOrigin } from './stix-object.ts'
import { checkParts } from './stix-parts.ts'
import { isCyberObservable, type Property, propertiesOf } from './stix-properties.ts'

/** Read for those that refer to them: mostly nobody marks them. */
const background = new Set(['marking-definition', 'identity', 'extension-definition'])

/**
 * A STIX 2.1 object that is no indicator. What it must be to be passed on is checked by hand: the standard's JSON schemas hold expressions
 * that backtrack. Properties that the standard does not know are kept as they are.
 * @throws {Fault} `object_not_kept`, `invalid_stix`, `marking_unknown`, `too_many_values`
 */
export function objectDraft(object: JsonObject, origin: StixOrigin): ObjectDraft {
  const fields = new Fields(object, origin.pointer, 'invalid_stix', 'stix')
  const type = fields.requiredText('type', 250)
  const properties = propertiesOf.get(type)
  if (properties === undefined) {
    throw new Fault('object_not_kept', `${type.slice(0, 60)} objects are not kept by this node: STIX 2.1 has none`, {
      position: { pointer: origin.pointer },
    })
  }
  const version = fields.text('spec_version')
  if (version !== undefined && version !== '2.1') throw fields.fault('spec_version', '"spec_version" must be "2.1"')
  for (const [name, property] of properties) check(fields, name, property)
  for (const name of Object.keys(object)) {
    if (!propertyName.test(name)) throw fields.fault(name, 'A property has a name of a-z, 0-9 and _ (STIX 2.1 §3.1)')
  }
  const id = fields.requiredText('id', 300)
  if (!isStixId(id, type)) throw fields.fault('id', `"id" must be ${type}--<uuid>`)
  checkWhole(fields, type)
  checkParts(fields)
  if (referencesIn(object).length > limits.objectReferences) {
    throw fields.fault('type', `An object may name ${limits.objectReferences} others`, 'too_many_values')
  }
  return defined<ObjectDraft>({
    position: origin.position,
    id,
    type,
    created: isCyberObservable(type) ? undefined : fields.time('created'),
    modified: isCyberObservable(type) || type === 'marking-definition' ? undefined : fields.time('modified'),
    revoked: isCyberObservable(type) ? undefined : fields.flag('revoked'),
    personalData: isPersonal(object, type),
    handling: handlingOfObject(fields, origin.markingOf),
    received: origin.received,
    background: background.has(type) ? true : undefined,
  })
}

const propertyName = /^[a-z0-9_]{2,250}$/

function check(fields: Fields, name: string, { kind, required }: Property): void {
  if (!fields.has(name)) {
    if (required) throw fields.fault(name, `"${name}" is required`)
    return
  }
  const value = fields.object[name]
  const fits = forms[kind](value)
  if (!fits) throw fields.fault(name, `"${name}" must be ${words[kind]}`)
  if (kind === 't') fields.time(name)
  if (required && Array.isArray(value) && value.length === 0) throw fields.fault(name, `"${name}" may not be empty`)
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isList = (value: unknown, of: (item: unknown) => boolean): boolean => Array.isArray(value) && value.every(of)
const isId = (value: unknown): boolean => isIdentifier(value) && isStixUuid(value.slice(-36))

const forms: Readonly<Record<Property['kind'], (value: unknown) => boolean>> = {
  s: isText,
  t: isText,
  b: (value) => typeof value === 'boolean',
  i: (value) => Number.isSafeInteger(value),
  n: (value) => typeof value === 'number',
  S: (value) => isList(value, isText),
  r: isId,
  R: (value) => isList(value, isId),
  o: isJsonObject,
  O: (value) => isList(value, isJsonObject),
}

const words: Readonly<Record<Property['kind'], string>> = {
  s: 'a text',
  t: 'a time',
  b: 'true or false',
  i: 'a whole number',
  n: 'a number',
  S: 'a list of texts',
  r: 'an id, <type>--<uuid>',
  R: 'a list of ids, <type>--<uuid>',
  o: 'an object',
  O: 'a list of objects',
}

/** What the standard asks of an object as a whole. Each line cites its section of STIX 2.1. */
function checkWhole(fields: Fields, type: string): void {
  const { object } = fields
  const has = (...names: readonly string[]): boolean => names.some((name) => object[name] !== undefined)
  const demand = (name: string, holds: boolean, sentence: string): void => {
    if (!holds) throw fields.fault(name, sentence)
  }
  const [created, modified] = [object.created, object.modified]
  if (typeof created === 'string' && typeof modified === 'string') {
    demand('modified', modified.slice(0, 23) >= created.slice(0, 23), '"modified" may not be before "created"') // §3.2
  }
  const confidence = object.confidence
  if (typeof confidence === 'number') {
    demand('confidence', confidence >= 0 && confidence <= 100, '"confidence" must be from 0 to 100') // §3.2
  }
  const author = object.created_by_ref
  demand('created_by_ref', author === undefined || textOf(author).startsWith('identity--'), 'An author is an identity') // §3.2
  switch (type) {
    case 'malware': // §4.11
      demand('name', object.is_family !== true || has('name'), 'A family of malware has a name')
      break
    case 'malware-analysis': // §4.12
      demand('result', has('result', 'analysis_sco_refs'), 'An analysis has a result, or what it found')
      break
    case 'observed-data': // §4.14
      demand('object_refs', has('objects') !== has('object_refs'), 'Observed data have "object_refs", or "objects"')
      break
    case 'opinion': // §10.19
      demand(
        'opinion',
        opinions.has(textOf(object.opinion)),
        'An opinion goes from strongly-disagree to strongly-agree',
      )
      break
    case 'location': // §4.10
      demand('region', has('region', 'country') || (has('latitude') && has('longitude')), 'A location says where')
      demand('latitude', within(object.latitude, 90), 'A latitude is from -90 to 90')
      demand('longitude', within(object.longitude, 180), 'A longitude is from -180 to 180')
      break
    case 'relationship': // §5.1
      demand('relationship_type', relation.test(textOf(object.relationship_type)), 'A relationship type is a-z, 0-9, -')
      break
    case 'sighting': // §5.2
      demand('count', within(object.count, limits.sightingCount), 'A count goes to 999,999,999')
      demand('sighting_of_ref', isSightable(object.sighting_of_ref), 'What is sighted is a STIX Domain Object')
      demand(
        'where_sighted_refs',
        areOf(object.where_sighted_refs, placed),
        'It was sighted by identities, at locations',
      )
      demand(
        'observed_data_refs',
        areOf(object.observed_data_refs, ['observed-data']),
        '"observed_data_refs" names observed data',
      )
      break
    case 'file': // §6.7
      demand('name', has('hashes', 'name'), 'A file has hashes or a name')
      break
    case 'network-traffic': // §6.12
      demand('src_ref', has('src_ref', 'dst_ref'), 'Traffic has a source or a destination')
      demand('end', object.is_active !== true || !has('end'), 'Traffic that is active has no end')
      break
    case 'email-message': // §6.6
      demand(
        'body',
        object.is_multipart === true ? !has('body') : !has('body_multipart'),
        'A body has one part, or several',
      )
      break
    case 'process': // §6.13
    case 'user-account': // §6.16
    case 'windows-registry-key': // §6.17
      demand(
        'type',
        Object.keys(object).some((name) => !framing.has(name)),
        `A ${type} says something of it`,
      )
      break
    case 'mac-addr': // §6.10
      demand(
        'value',
        textOf(object.value) === textOf(object.value).toLowerCase(),
        'A MAC address is written in lower case',
      )
      break
  }
}

const framing = new Set(['type', 'spec_version', 'id', 'object_marking_refs', 'granular_markings', 'defanged'])
const opinions = new Set(['strongly-disagree', 'disagree', 'neutral', 'agree', 'strongly-agree'])
const relation = /^[a-z0-9-]{1,250}$/
const placed = ['identity', 'location']
const typeOf = (id: unknown): string => textOf(id).split('--', 1)[0] ?? ''
const areOf = (ids: unknown, types: readonly string[]): boolean =>
  !Array.isArray(ids) || ids.every((id) => types.includes(typeOf(id)))
const isSightable = (id: unknown): boolean => {
  const type = typeOf(id)
  return !isCyberObservable(type) && !['relationship', 'sighting', 'marking-definition', 'bundle'].includes(type)
}
const within = (value: unknown, most: number): boolean =>
  typeof value !== 'number' || (value <= most && value >= (most === limits.sightingCount ? 0 : -most))

/** Whether an object is about people: addresses of mail, accounts, identities of somebody. */
function isPersonal(object: JsonObject, type: string): boolean {
  if (type === 'identity') return object.identity_class === 'individual' || object.contact_information !== undefined
  if (type === 'observed-data')
    return isJsonObject(object.objects) && Object.values(object.objects).some(isPersonalPart)
  return personalTypes.has(type)
}

const personalTypes = new Set(['email-addr', 'email-message', 'user-account'])
const isPersonalPart = (part: unknown): boolean => isJsonObject(part) && personalTypes.has(textOf(part.type))
