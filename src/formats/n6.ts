import type { Decoded, Draft } from '../domain/draft.ts'
import { type HandlingInput, ownAudience, strictestInput } from '../domain/handling.ts'
import { parseObservable } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { isRsitType, type RsitType } from '../domain/rsit.ts'
import type { ByteSource } from '../domain/source.ts'
import { mainFirst } from './compound.ts'
import { type DecodedGroups, oneByOne } from './decoded.ts'
import { addressOf, eventDraft, eventTime, hostOfUrl, isService, labelled, partOf } from './event.ts'
import { defined, Fields } from './fields.ts'
import { handlingFromRecord } from './handling-fields.ts'
import { type JsonOrigin, jsonRecords } from './json-records.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'
import { n6SaysMore, rsitOfN6 } from './n6-categories.ts'

/** n6 events, as its REST and Stream API give them: a JSON array, one event, or one a line. */
export const n6 = (source: ByteSource): DecodedGroups => jsonRecords(source, eventOf)

export const decodeN6 = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(n6(source))

/** n6's three words, on a scale of 100. */
const confidences: Readonly<Record<string, number>> = { low: 25, medium: 50, high: 75 }

/** How far an event may go: what must not leave its owner stays with the publisher; `public` says that nothing holds it. */
const restrictions: Readonly<Record<string, HandlingInput>> = {
  public: { tlp: 'clear' },
  'need-to-know': { tlp: 'amber' },
  internal: { tlp: 'amber+strict', audience: [ownAudience] },
}

/** An address of an event; n6 has several where a name resolves to them. */
interface Address {
  readonly ip?: string
  readonly cc?: string
  readonly asn?: string
}

function eventOf(record: JsonObject, origin: JsonOrigin): Draft {
  const fields = new Fields(record, origin.pointer, 'invalid_record')
  const category = fields.requiredText('category', 60)
  const type = rsitOf(fields, category)
  const name = fields.text('name')
  const addresses = addressesOf(fields)
  const [first] = addresses
  const time = (member: string) => fields.parsed(member, () => eventTime(fields.text(member, 60)))
  return eventDraft({
    ...origin,
    format: 'n6',
    observables: observablesOf(fields, addresses, type),
    class: type,
    kind: [category, name].filter(Boolean).join(' '),
    labels: [
      n6SaysMore(category) && category !== 'other' ? labelled('n6', category) : undefined,
      labelled('malware', name, true),
      labelled('source', fields.text('source')),
      labelled('origin', fields.text('origin')),
      labelled('protocol', fields.text('proto'), true),
      labelled('asn', first?.asn),
      labelled('country', first?.cc),
      labelled('destination', fields.text('dip')),
      labelled('destination-port', numberOf(fields, 'dport')),
      labelled('target', fields.text('target')),
    ],
    time: time('until') ?? time('time'),
    firstSeen: time('time'),
    validUntil: time('expires'),
    confidence: confidenceOf(fields),
    handling: handlingOf(fields),
  })
}

/** `rsit` is a member of ours: what goes out to n6 readers and comes back is the same. */
function rsitOf(fields: Fields, category: string): RsitType | undefined {
  const own = fields.text('rsit', 60)
  if (own !== undefined && isRsitType(own)) return own
  return rsitOfN6(category)
}

function confidenceOf(fields: Fields): number | undefined {
  const own = fields.integer('confidence_score', 0, 100)
  const word = fields.oneOf('confidence', ['low', 'medium', 'high'])
  return own ?? (word === undefined ? undefined : confidences[word])
}

function handlingOf(fields: Fields): HandlingInput {
  const word = fields.text('restriction', 60)
  const known = word === undefined ? {} : Object.hasOwn(restrictions, word) ? restrictions[word] : undefined
  if (known === undefined)
    throw fields.fault('restriction', 'It limits access in a way not known here', 'marking_unknown')
  const { tlp, pap } = fields.object
  return strictestInput(known, handlingFromRecord(defined({ tlp, pap })))
}

function addressesOf(fields: Fields): readonly Address[] {
  const listed = fields.has('address') ? fields.object.address : undefined
  if (listed === undefined || listed === null) return []
  if (!Array.isArray(listed) || listed.length > 100)
    throw fields.fault('address', '"address" must be a list of addresses')
  return listed.map((each: unknown) => {
    if (!isJsonObject(each) || typeof each.ip !== 'string')
      throw fields.fault('address', 'An address must have an "ip"')
    return {
      ip: each.ip,
      ...(typeof each.cc === 'string' ? { cc: each.cc } : {}),
      ...(typeof each.asn === 'string' || typeof each.asn === 'number' ? { asn: String(each.asn) } : {}),
    }
  })
}

const numberOf = (fields: Fields, name: string): number | undefined => fields.integer(name, 0, 65_535)

/** Members that are values by themselves, and stand for the event where it has no address. */
const values: readonly (readonly [string, string])[] = [
  ['email', 'email-address'],
  ['iban', 'iban'],
  ['phone', 'phone-number'],
  ['x509fp_sha1', 'x509-fingerprint-sha1'],
  ['registrar', 'registrar'],
  ['username', 'user-account'],
]

function observablesOf(
  fields: Fields,
  addresses: readonly Address[],
  type: RsitType | undefined,
): readonly Observable[] {
  const parsed = (name: string, kind: string): readonly Observable[] => {
    const value = fields.text(name)
    return value === undefined || value === '' ? [] : [fields.parsed(name, () => parseObservable(kind, value))]
  }
  const port = isService(type) && !fields.has('url') ? numberOf(fields, 'sport') : undefined
  const url = parsed('url', 'url')
  const host = fields.text('fqdn')?.toLowerCase()
  const fqdn = url[0] !== undefined && hostOfUrl(url[0].value) === host ? [] : parsed('fqdn', 'domain-name')
  const ips = addresses.map(({ ip = '' }) => fields.parsed('address', () => addressOf(ip, port)))
  const hashes = mainFirst(['sha256', 'sha1', 'md5'].flatMap((name) => partOf(name, fields.text(name))))
  // A name with addresses is about the name: where it points today is beside it.
  const found = [...url, ...fqdn, ...ips, ...hashes]
  if (found.length > 0) return found
  const prefix = parsed('ip_network', 'ip-address')
  if (prefix.length > 0) return prefix
  for (const [name, kind] of values) {
    const value = parsed(name, kind)
    if (value.length > 0) return value
  }
  return []
}
