import { Ajv, type ValidateFunction } from 'ajv'
import canonicalize from 'canonicalize'
import {
  type Envelope,
  type EnvelopeContent,
  type EnvelopeKind,
  envelopeKinds,
  type IndicatorContent,
  idPrefixes,
} from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable } from '../domain/observables/parse.ts'
import { isRsitType } from '../domain/rsit.ts'
import { check, checkInstant, EnvelopeError } from './envelope-error.ts'
import { soundHandling } from './envelope-handling.ts'
import { contentSchemas, envelopeSchema } from './envelope-schema.ts'
import { stixObjectOf } from './envelope-stix.ts'
import { isJsonObject, type JsonObject, parseObject } from './json-text.ts'

/** The one spelling of a JSON value (RFC 8785). @throws {Error} for what JSON cannot say: NaN, half a surrogate pair */
export function canonicalText(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new Error('JSON cannot say this value')
  return text
}

/**
 * Whether a text is the one spelling of what was read from it. Most are, and show it without being written anew: `JSON.stringify` spells
 * values as RFC 8785 does and keeps the order of members, so that only the order is left to see.
 */
const isCanonical = (read: unknown, text: string): boolean =>
  (JSON.stringify(read) === text && isInOrder(read)) || canonicalText(read) === text

function isInOrder(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isInOrder)
  if (!isJsonObject(value)) return true
  let before = ''
  for (const name of Object.keys(value)) {
    if (name < before || !isInOrder(value[name])) return false
    before = name
  }
  return true
}

/**
 * The exact text of an envelope: what is hashed, sealed and sent. It is read back before it leaves, so that no node seals what every
 * other refuses.
 * @throws {EnvelopeError} when {@link readEnvelope} would refuse it
 */
export function writeEnvelope(envelope: Envelope): string {
  const text = canonicalText(envelope)
  readEnvelope(text)
  return text
}

/**
 * Reads the exact text of an envelope.
 * @throws {EnvelopeError} `too_large`, `malformed` (not JSON, not canonical, a member of the wrong form), `form_unknown` (another
 *   format version, kind or observable type), `handling_invalid`, `red_travels_not`
 */
export function readEnvelope(text: string): Envelope {
  if (Buffer.byteLength(text) > limits.envelopeBytes) {
    throw new EnvelopeError('too_large', `An envelope has at most ${limits.envelopeBytes} bytes.`)
  }
  const read: { [name: string]: unknown } = parsed(text)
  if (read.v !== 1) throw new EnvelopeError('form_unknown', 'The envelope is of another format version than 1.')
  const kind = kindOf(read.content)
  check(validators.envelope, read, 'malformed', '')
  read.handling = soundHandling(read)
  check(contentValidator(kind, read.content), read.content, 'malformed', '/content')
  const envelope = read as unknown as Envelope
  checkMeaning(envelope, kind)
  if (!isCanonical(read, text))
    throw new EnvelopeError('malformed', 'The text is not in its canonical form (RFC 8785).')
  return envelope
}

/**
 * The object of a text. What a strict reader looks for, closed schemas and the one spelling find as well: members that are not meant, given
 * twice, or nested deeper. Escapes alone may hide what no text may have.
 */
function parsed(text: string): JsonObject {
  if (text.includes('\\u') || !text.isWellFormed()) return asEnvelope(() => parseObject(text, 'invalid_record', ''))
  const read = jsonOf(text)
  if (isJsonObject(read)) return read
  throw new EnvelopeError('malformed', 'It must be a JSON object')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EnvelopeError('malformed', 'The text is not JSON (RFC 8259)', cause)
  }
}

function asEnvelope(read: () => JsonObject): JsonObject {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    throw new EnvelopeError('malformed', cause.message, cause)
  }
}

function kindOf(content: unknown): EnvelopeKind {
  const given = isJsonObject(content) ? content.kind : undefined
  const kind = envelopeKinds.find((each) => each === given)
  if (kind === undefined) throw new EnvelopeError('form_unknown', 'The envelope is of a kind that is not known here.')
  return kind
}

function contentValidator(kind: EnvelopeKind, content: unknown): ValidateFunction {
  switch (kind) {
    case 'published':
    case 'revised':
      return validators.whole
    case 'narrowed':
      return isJsonObject(content) && Object.hasOwn(content, 'stix') ? validators.whole : validators.bare
    case 'recalled':
    case 'sighted':
    case 'membership':
    case 'checkpoint':
      return validators[kind]
  }
}

/** What a schema cannot say. */
function checkMeaning(envelope: Envelope, kind: EnvelopeKind): void {
  const { id, version, previousVersion, issuedAt, handling, content } = envelope
  if (!id.startsWith(idPrefixes[kind]))
    throw new EnvelopeError('malformed', `A ${kind} envelope has an id of another sort.`)
  if (previousVersion >= version) throw new EnvelopeError('malformed', 'A version follows one that is lower.')
  if ((handling !== null) !== ('stix' in content || content.kind === 'sighted')) {
    throw new EnvelopeError('malformed', 'A handling stands where there is content to handle, and only there.')
  }
  checkInstant(issuedAt, 'malformed')
  for (const time of timesOf(content)) checkInstant(time, 'malformed')
  if (content.kind === 'checkpoint' && (id !== `checkpoint--${envelope.node}` || content.expiresAt <= issuedAt)) {
    throw new EnvelopeError('malformed', 'A checkpoint is named by its node, and ends after it is issued.')
  }
  if ('stix' in content) checkIndicator(id, content)
}

const timesOf = (content: EnvelopeContent): string[] =>
  ['firstSeen', 'lastSeen', 'leftAt', 'expiresAt'].flatMap((name) => {
    const time: unknown = Object.getOwnPropertyDescriptor(content, name)?.value
    return typeof time === 'string' ? [time] : []
  })

function checkIndicator(id: string, content: IndicatorContent): void {
  const { observables, class: type } = content
  const object = asEnvelope(() => stixObjectOf(content))
  if (object.type !== 'indicator' || object.id !== id) {
    throw new EnvelopeError('malformed', 'The STIX object is another one than the envelope says.')
  }
  if (type !== undefined && !isRsitType(type)) throw new EnvelopeError('form_unknown', 'The class is none of RSIT.')
  for (const observable of observables) checkObservable(observable)
}

/** Canonical form is what is looked up: another spelling would be an indicator that nobody finds. */
function checkObservable({ type, value }: { readonly type: string; readonly value: string }): void {
  try {
    const read = parseObservable(type, value)
    if (read.type === type && read.value === value) return
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause
    const code = cause.code === 'unknown_type' || cause.code === 'refused_type' ? 'form_unknown' : 'malformed'
    throw new EnvelopeError(code, 'An observable is of a type that is not known here, or is none of its type.', cause)
  }
  throw new EnvelopeError('malformed', 'An observable is not in its canonical form.')
}

const ajv = new Ajv({ strict: true, allowUnionTypes: true })
const validators = {
  envelope: ajv.compile(envelopeSchema),
  whole: ajv.compile(contentSchemas.whole),
  bare: ajv.compile(contentSchemas.bare),
  recalled: ajv.compile(contentSchemas.recalled),
  sighted: ajv.compile(contentSchemas.sighted),
  membership: ajv.compile(contentSchemas.membership),
  checkpoint: ajv.compile(contentSchemas.checkpoint),
}
