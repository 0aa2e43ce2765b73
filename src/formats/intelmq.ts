import type { Decoded, Draft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../domain/handling.ts'
import { parseObservable } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { RsitType } from '../domain/rsit.ts'
import type { ByteSource } from '../domain/source.ts'
import { parseTlp } from '../domain/tlp.ts'
import { mainFirst } from './compound.ts'
import { type DecodedGroups, oneByOne } from './decoded.ts'
import { addressOf, eventDraft, eventTime, hostOfUrl, isService, labelled, partOf } from './event.ts'
import { defined, Fields } from './fields.ts'
import { handlingFromRecord } from './handling-fields.ts'
import { rsitOfIntelmq } from './intelmq-types.ts'
import { type JsonOrigin, jsonRecords } from './json-records.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'

/** IntelMQ events: a JSON array, one event, or one a line; fields flat (`source.ip`) or nested, as its outputs write them. */
export const intelmq = (source: ByteSource): DecodedGroups => jsonRecords(source, eventOf)

export const decodeIntelmq = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(intelmq(source))

/** Objects that are values, not namespaces. */
const whole = new Set(['extra', 'raw', 'output'])

/** The fields by their harmonised names, whichever way they are nested. @throws {Fault} `duplicate_key` */
function flattened(record: JsonObject, into: Record<string, unknown> = {}, path = ''): JsonObject {
  for (const [name, value] of Object.entries(record)) {
    const key = path + name
    if (isJsonObject(value) && !whole.has(key)) flattened(value, into, `${key}.`)
    else if (Object.hasOwn(into, key))
      throw new Fault('duplicate_key', `The field ${key.slice(0, 60).toWellFormed()} is given twice`)
    else into[key] = value
  }
  return into
}

function eventOf(record: JsonObject, origin: JsonOrigin): Draft {
  const event = new EventFields(flattened(record), origin.pointer)
  if (event.get('__type') !== undefined && event.get('__type') !== 'Event') {
    throw event.fault('__type', 'A report is the raw input of events; send the events', 'object_not_kept')
  }
  const written = event.get('classification.type')
  const type = written === undefined ? undefined : rsitOfIntelmq(written)
  const side = event.hasSource() ? 'source' : 'destination'
  const malware = event.get('malware.name')
  const identifier = event.get('classification.identifier')
  return eventDraft({
    ...origin,
    format: 'intelmq',
    observables: event.observables(side, type),
    class: type,
    kind: [malware, identifier, type === undefined || type === 'other' ? written : undefined].filter(Boolean).join(' '),
    labels: [
      written !== undefined && (type === undefined || type === 'other') && written !== 'other'
        ? labelled('intelmq', written, true)
        : undefined,
      labelled('malware', malware, true),
      labelled('identifier', identifier),
      labelled('feed', event.get('feed.name')),
      labelled('protocol', event.get('protocol.transport'), true),
      labelled('service', event.get('protocol.application'), true),
      labelled('asn', event.get(`${side}.asn`)),
      labelled('country', event.get(`${side}.geolocation.cc`)),
      ...(side === 'source'
        ? [
            labelled('destination', event.get('destination.ip') ?? event.get('destination.fqdn')),
            labelled('destination-port', event.get('destination.port')),
          ]
        : []),
    ],
    time: event.time('time.source') ?? event.time('time.observation'),
    name: event.get('event_description.target'),
    description: event.get('event_description.text') ?? event.get('comment'),
    confidence: event.accuracy(),
    handling: event.handling(),
  })
}

class EventFields {
  readonly #fields: Fields

  constructor(object: JsonObject, pointer: string) {
    this.#fields = new Fields(object, pointer, 'invalid_record')
  }

  /** A text or number; null and the empty text say nothing. */
  get(name: string): string | undefined {
    const value = this.#fields.has(name) ? this.#fields.object[name] : undefined
    if (value === undefined || value === null || value === '') return undefined
    if (typeof value === 'number') return String(value)
    if (typeof value !== 'string') throw this.fault(name, `"${name}" must be a text`)
    return value
  }

  fault(name: string, message: string, code?: 'object_not_kept'): Fault {
    return this.#fields.fault(name, message, code)
  }

  hasSource(): boolean {
    return ['ip', 'fqdn', 'url', 'network', 'account'].some((name) => this.get(`source.${name}`) !== undefined)
  }

  time(name: string): string | undefined {
    return this.#fields.parsed(name, () => eventTime(this.get(name)))
  }

  /** `feed.accuracy`: a number from 0 to 100, with fractions. */
  accuracy(): number | undefined {
    const text = this.get('feed.accuracy')
    if (text === undefined) return undefined
    const number = Number(text)
    if (!(number >= 0 && number <= 100)) throw this.fault('feed.accuracy', '"feed.accuracy" must be 0 to 100')
    return Math.round(number)
  }

  /** WHITE, GREEN, AMBER, RED; YELLOW is how IntelMQ reads AMBER too. What it has no field for, events that go out from here say. */
  handling(): HandlingInput {
    const { extra } = this.#fields.object
    const beside = isJsonObject(extra) ? handlingFromRecord(defined({ tlp: extra.tlp, pap: extra.pap }), '/extra') : {}
    const label = this.get('tlp')
    if (label === undefined) return beside
    const bare = label.trim().toLowerCase().replace(/^tlp:/, '')
    const tlp = this.#fields.parsed('tlp', () => parseTlp(bare === 'yellow' ? 'amber' : bare))
    return strictestInput({ tlp }, beside)
  }

  observables(side: string, type: RsitType | undefined): readonly Observable[] {
    const of = (name: string) => this.get(`${side}.${name}`)
    const parsed = (name: string, parse: (value: string) => Observable): readonly Observable[] => {
      const value = of(name)
      return value === undefined ? [] : [this.#fields.parsed(`${side}.${name}`, () => parse(value))]
    }
    const port = of('url') === undefined && (isService(type) || side === 'destination') ? of('port') : undefined
    const url = parsed('url', (value) => parseObservable('url', value))
    const ip = parsed('ip', (value) => addressOf(value, port))
    const host = of('fqdn')
    const named = url[0] !== undefined && hostOfUrl(url[0].value) === host?.toLowerCase()
    const fqdn = named ? [] : parsed('fqdn', (value) => parseObservable('domain-name', value))
    const hashes = mainFirst(
      (['sha256', 'sha1', 'md5'] as const).flatMap((name) => partOf(name, this.get(`malware.hash.${name}`))),
    )
    const found = [...url, ...ip, ...fqdn, ...hashes]
    if (found.length > 0) return found
    const network = parsed('network', (value) => parseObservable('ip-address', value))
    if (network.length > 0) return network
    const account = parsed('account', (value) =>
      parseObservable(value.includes('@') ? 'email-address' : 'user-account', value),
    )
    if (account.length > 0) return account
    return parsed('asn', (value) => parseObservable('autonomous-system', value))
  }
}
