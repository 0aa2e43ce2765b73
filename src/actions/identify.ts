import { hash } from 'node:crypto'
import { keyedUuid } from '../auth/digests.ts'
import type { Draft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { jsonString } from '../domain/json-string.ts'
import { limits } from '../domain/limits.ts'
import { correlationKey } from '../domain/observables/keys.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { uuidOf } from './ids.ts'

/** A draft whose handling is settled: what it is called, and what tells it from another version of itself. */
export interface Identified {
  readonly draft: Draft
  readonly handling: Handling
  /** Correlation keys of the draft's observables, in their order. */
  readonly keys: readonly string[]
  readonly uuid: string
  /** SHA-256 as hex. */
  readonly digest: string
}

/**
 * Names a draft. A STIX indicator keeps its id; everything else gets one that the originator, the type and the value
 * determine, so that pushing a file again finds what the first push left.
 */
export function identify(draft: Draft, handling: Handling, idKey: Buffer): Identified {
  const keys = draft.observables.map(correlationKey)
  const given = draft.id === undefined ? undefined : uuidOf(draft.id)
  return {
    draft,
    handling,
    keys,
    uuid: given ?? keyedUuid(idKey, identityText(draft, handling, keys)),
    digest: hash('sha256', `[${quotedHandling(handling)},${assertedText(draft)}]`),
  }
}

/** @throws {Fault} `record_too_large` */
export function refuseLarge({ length }: string): void {
  const most = limits.indicatorCharacters
  if (length > most) throw new Fault('record_too_large', `An indicator may have ${most} characters.`)
}

/*
 * What ids and digests are made of is JSON of a fixed form: other words for the same would give what is stored another id. It is put
 * together by hand, for every record that is pushed: arrays made only to be written cost three times as much.
 */

/** What an id is derived from: of an event also what was found, since one address may be a scanner and a bot (ADR 21). */
function identityText({ observables, finding }: Draft, { originator }: Handling, keys: readonly string[]): string {
  const found = finding === undefined ? '' : `,${jsonString(finding)}`
  return `[${jsonString(originator)},${jsonString(observables[0].type)},[${keys.map(jsonString).join()}]${found}]`
}

/** Everything the originator asserted but how it may be used; nothing of where it was written. */
function assertedText(draft: Draft): string {
  const labels = draft.labels.length === 0 ? '' : draft.labels.map(jsonString).join()
  return `[${draft.observables.map(observableText).join()}],${orNull(draft.class)},${draft.confidence ?? null},${orNull(
    draft.name,
  )},${orNull(draft.description)},[${labels}],${orNull(draft.pattern)},${orNull(draft.validFrom)},${orNull(
    draft.validUntil,
  )},${orNull(draft.firstSeen)},${orNull(draft.lastSeen)},${orNull(draft.modified)}`
}

const observableText = ({ type, value }: Observable): string =>
  `{"type":${jsonString(type)},"value":${jsonString(value)}}`

const orNull = (text: string | undefined): string => (text === undefined ? 'null' : jsonString(text))

/** Handlings are shared by thousands of records: each is quoted once. */
const quoted = new WeakMap<Handling, string>()

function quotedHandling(handling: Handling): string {
  const known = quoted.get(handling)
  if (known !== undefined) return known
  const text = JSON.stringify(handlingText(handling))
  quoted.set(handling, text)
  return text
}
