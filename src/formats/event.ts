import type { Draft, DraftFormat } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { RsitType } from '../domain/rsit.ts'
import { defined } from './fields.ts'
import { parseTimestamp } from './timestamp.ts'

/** What a CERT's feed says of one event, before it is a draft. */
export interface EventFacts {
  readonly position: Position
  readonly received: string
  readonly format: DraftFormat
  /** Of the source of the event: the first is what it goes by, the others are parts of the same thing. */
  readonly observables: readonly Observable[]
  readonly class: RsitType | undefined
  /** What tells this finding from others of its class: a family, a report, a category. */
  readonly kind?: string | undefined
  readonly labels: readonly (string | undefined)[]
  /** ISO 8601 UTC. */
  readonly time: string | undefined
  readonly firstSeen?: string | undefined
  readonly lastSeen?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly confidence?: number | undefined
  readonly validUntil?: string | undefined
  readonly handling: HandlingInput
}

/**
 * The draft of an event. Its time is its version, so that a feed can be pushed again and in any order (ADR 21). Several
 * observables stand together, as the parts of a MISP object do.
 * @throws {Fault} `invalid_record` where there is nothing that it is about
 */
export function eventDraft(facts: EventFacts): Draft {
  const distinct = new Map(facts.observables.map((each) => [`${each.type} ${each.value}`, each]))
  const [first, ...rest] = [...distinct.values()].slice(0, limits.observablesPerIndicator)
  if (first === undefined) throw new Fault('invalid_record', 'It has no address, name, URL or hash to be about')
  const { time } = facts
  return defined<Draft>({
    position: facts.position,
    created: time,
    modified: time,
    observables: [first, ...rest],
    compound: rest.length > 0,
    name: cut(facts.name),
    description: cut(facts.description),
    class: facts.class,
    confidence: facts.confidence,
    labels: labelsOf(facts.labels),
    validUntil: facts.validUntil,
    firstSeen: facts.firstSeen,
    lastSeen: facts.lastSeen ?? time,
    finding: `${facts.class ?? ''}|${facts.kind?.toLowerCase() ?? ''}`,
    handling: facts.handling,
    received: facts.received,
    format: facts.format,
  })
}

/** What is too long for its member stands whole in what was received. */
const cut = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : text.slice(0, limits.textCharacters).toWellFormed()

const labelsOf = (labels: readonly (string | undefined)[]): readonly string[] =>
  [...new Set(labels.filter((label) => label !== undefined))]
    .filter((label) => label.length <= limits.labelCharacters)
    .slice(0, limits.labels)

/** `malware:mirai`, or nothing where there is no value; values are what people compare, so without case where `fold`. */
export function labelled(name: string, value: string | number | undefined, fold = false): string | undefined {
  const text = value === undefined ? '' : String(value).trim()
  if (text === '' || text === '0' || controls.test(text)) return undefined
  return `${name}:${fold ? text.toLowerCase() : text}`
}

const controls = /\p{Cc}/u

/** What follows `name:` among labels. */
export const labelValue = (labels: readonly string[], name: string): string | undefined =>
  labels.find((label) => label.startsWith(`${name}:`))?.slice(name.length + 1)

export const labelValues = (labels: readonly string[], name: string): readonly string[] =>
  labels.filter((label) => label.startsWith(`${name}:`)).map((label) => label.slice(name.length + 1))

/** An observable of one of several names' values; what cannot be read leaves a part out, and the received text keeps it. */
export function partOf(type: string, value: string | undefined): readonly Observable[] {
  if (value === undefined || value.trim() === '') return []
  try {
    return [parseObservable(type, value)]
  } catch (error) {
    if (error instanceof Fault) return []
    throw error
  }
}

/** An address, with its port where the port is what was found there. */
export function addressOf(address: string, port: string | number | undefined): Observable {
  const found = parseObservable('ip-address', address)
  const number = String(port ?? '').trim()
  if (number === '' || number === '0' || found.type.endsWith('-prefix')) return found
  return parseObservable(
    'ip-port',
    found.value.includes(':') ? `[${found.value}]:${number}` : `${found.value}:${number}`,
  )
}

/** Findings about a service: its port is part of what was found. Elsewhere the source's port was chosen for one connection. */
const services: ReadonlySet<RsitType> = new Set<RsitType>([
  ...(['c2-server', 'malware-distribution', 'phishing', 'masquerade', 'other', 'undetermined'] as const),
  ...(['weak-crypto', 'ddos-amplifier', 'potentially-unwanted-accessible', 'information-disclosure'] as const),
  ...(['vulnerable-system', 'misconfiguration', 'copyright'] as const),
])

export const isService = (type: RsitType | undefined): boolean => type === undefined || services.has(type)

/**
 * A time as feeds write it: RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC, with or without `UTC`, `GMT` behind it.
 * @throws {Fault} `invalid_record`
 */
export function eventTime(text: string | undefined): string | undefined {
  const written = text?.trim() ?? ''
  if (written === '') return undefined
  const bare = written.endsWith(' UTC') || written.endsWith(' GMT') ? written.slice(0, -4) : written
  // Python writes +0000 where RFC 3339 wants +00:00.
  const zoned = bare.length > 19 && (bare.endsWith('+0000') || bare.endsWith('-0000')) ? `${bare.slice(0, -5)}Z` : bare
  const time = parseTimestamp(zoned, 'loose')
  if (time === undefined) throw new Fault('invalid_record', `"${written.slice(0, 40).toWellFormed()}" is no time`)
  return time
}

/** Lists of names whose host is said already: a URL names its host. */
export const hostOfUrl = (url: string): string | undefined => {
  const start = url.indexOf('://')
  if (start === -1) return undefined
  const rest = url.slice(start + 3)
  const end = [...rest].findIndex((character) => '/?#:'.includes(character))
  return end === -1 ? rest : rest.slice(0, end)
}
