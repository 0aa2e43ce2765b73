import type { Draft } from '../domain/draft.ts'
import type { Position } from '../domain/errors.ts'
import { Fault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { RsitType } from '../domain/rsit.ts'
import { defined, Fields } from './fields.ts'
import type { JsonObject } from './json-text.ts'
import { rsitOfTag } from './rsit-tags.ts'
import { isStixId } from './stix-id.ts'
import { handlingOfObject, type MarkingOf } from './stix-markings.ts'
import { isObservableType, observablesOfObject } from './stix-observables.ts'
import { parsePattern } from './stix-pattern.ts'
import { observablesOf } from './stix-pattern-observables.ts'
import { ruleTypes } from './stix-pattern-types.ts'

/** Where an object comes from, and what it may refer to. */
export interface StixOrigin {
  readonly position: Position
  /** Of the object in its document; empty when it is the document. */
  readonly pointer: string
  readonly received: string
  readonly markingOf: MarkingOf
}

/**
 * A STIX 2.1 indicator or cyber-observable as a draft. The checks are those of the standard's text, written by hand:
 * its JSON schemas hold expressions that backtrack.
 * @throws {Fault} `object_not_kept`, `invalid_stix`, `invalid_pattern`, `marking_unknown`, `unknown_type`, `invalid_value`
 */
export function stixDraft(object: JsonObject, origin: StixOrigin): Draft {
  const fields = new Fields(object, origin.pointer, 'invalid_stix', 'stix')
  const type = fields.requiredText('type', 250)
  if (type !== 'indicator' && !isObservableType(type)) {
    const message = `${type.slice(0, 60)} objects are not kept by this node: only indicators and observables are`
    throw new Fault('object_not_kept', message, { position: { pointer: origin.pointer } })
  }
  const version = fields.text('spec_version')
  if (version !== '2.1' && (version !== undefined || type === 'indicator')) {
    throw fields.fault('spec_version', '"spec_version" must be "2.1"')
  }
  if (!isStixId(fields.requiredText('id', 300), type)) throw fields.fault('id', `"id" must be ${type}--<uuid>`)
  const handling = handlingOfObject(fields, origin.markingOf)
  return type === 'indicator' ? indicator(fields, handling, origin) : observable(fields, type, handling, origin)
}

function indicator(fields: Fields, handling: HandlingInput, origin: StixOrigin): Draft {
  const id = fields.requiredText('id')
  const pattern = fields.requiredText('pattern', limits.patternCharacters)
  const patternType = fields.requiredText('pattern_type', limits.labelCharacters)
  const { created, modified, from, until } = requireTimes(fields)
  checkAuthor(fields)
  const labels = fields.texts('labels', limits.labels) ?? []
  return defined<Draft>({
    position: origin.position,
    id,
    modified,
    created,
    ...fields.parsed('pattern', () => looksFor(fields, pattern, patternType)),
    name: fields.text('name'),
    description: fields.text('description'),
    pattern,
    patternType,
    class: classOf(labels, fields.texts('indicator_types', limits.labels) ?? []),
    confidence: fields.integer('confidence', 0, 100),
    labels,
    validFrom: from,
    validUntil: until,
    revoked: fields.flag('revoked'),
    handling,
    received: origin.received,
    object: fields.object,
    format: 'stix',
  })
}

interface Times {
  readonly created: string
  readonly modified: string
  readonly from: string
  readonly until: string | undefined
}

/** Required by STIX 2.1 §3.2 and §4.7; the two orders by §3.2 (modified) and §4.7 (valid_until). */
function requireTimes(fields: Fields): Times {
  const [created, modified, from] = [
    required(fields, 'created'),
    required(fields, 'modified'),
    required(fields, 'valid_from'),
  ]
  const until = fields.time('valid_until')
  if (isBefore(modified, created)) throw fields.fault('modified', '"modified" may not be before "created"')
  if (until !== undefined && isBefore(until, from)) {
    throw fields.fault('valid_until', '"valid_until" must be after "valid_from"')
  }
  return { created, modified, from, until }
}

function required(fields: Fields, name: string): string {
  const time = fields.time(name)
  if (time === undefined) throw fields.fault(name, `"${name}" is required`)
  return time
}

/** To the millisecond: so far the texts are equally long, and their order is that of the times. */
const isBefore = (a: string, b: string): boolean => a.slice(0, 23) < b.slice(0, 23)

function checkAuthor(fields: Fields): void {
  const author = fields.text('created_by_ref')
  if (author !== undefined && !isStixId(author, 'identity')) {
    throw fields.fault('created_by_ref', '"created_by_ref" must be identity--<uuid>')
  }
}

type LooksFor = Pick<Draft, 'observables' | 'compound'>

function looksFor(fields: Fields, pattern: string, patternType: string): LooksFor {
  if (patternType === 'stix') {
    const { observables, plain } = observablesOf(parsePattern(pattern))
    const [first, ...rest] = observables
    // A pattern about nothing this node knows is still worth passing on, whole.
    if (first === undefined) return { observables: [parseObservable('stix-pattern', pattern)], compound: true }
    return { observables: [first, ...rest], compound: !plain }
  }
  const type = ruleTypes[patternType]
  if (type === undefined) {
    const message = `Patterns of the type ${patternType.slice(0, 60)} are not kept by this node`
    throw fields.fault('pattern_type', message, 'unknown_type')
  }
  return { observables: [parseObservable(type, pattern)], compound: false }
}

/** A machine tag among the labels is exact; of the vocabulary only `compromised` says which incident it is. */
function classOf(labels: readonly string[], types: readonly string[]): RsitType | undefined {
  for (const label of labels) {
    const type = rsitOfTag(label)
    if (type !== undefined) return type
  }
  return types.includes('compromised') ? 'system-compromise' : undefined
}

function observable(fields: Fields, type: string, handling: HandlingInput, origin: StixOrigin): Draft {
  const observables: readonly [Observable, ...Observable[]] = observablesOfObject(fields, type)
  // Its id names the observable; the indicator about it is this node's and gets its own.
  return {
    position: origin.position,
    observables,
    compound: observables.length > 1,
    labels: [],
    handling,
    received: origin.received,
    format: 'stix',
  }
}
