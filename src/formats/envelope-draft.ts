import type { Draft } from '../domain/draft.ts'
import type { Envelope, IndicatorContent } from '../domain/envelope.ts'
import { limits } from '../domain/limits.ts'
import { stixObjectOf } from './envelope-stix.ts'
import { defined, Fields } from './fields.ts'

/**
 * The indicator of an envelope as a draft: its observables as they were sealed, everything else as its STIX text says it.
 * @throws {Fault} `invalid_stix` and what strict JSON refuses, when the text is not what a node writes
 */
export function draftOfEnvelope(envelope: Envelope<IndicatorContent>): Draft {
  const known = drafts.get(envelope)
  if (known !== undefined) return known
  const draft = newDraftOf(envelope)
  drafts.set(envelope, draft)
  return draft
}

/** It is made to judge, and wanted again to write. */
const drafts = new WeakMap<Envelope<IndicatorContent>, Draft>()

function newDraftOf({ id, content }: Envelope<IndicatorContent>): Draft {
  const { stix, observables, compound, class: type, firstSeen, lastSeen } = content
  const object = stixObjectOf(content)
  const fields = new Fields(object, '', 'invalid_stix', 'stix')
  return defined<Draft>({
    position: {},
    id,
    observables,
    compound,
    created: requiredTime(fields, 'created'),
    modified: requiredTime(fields, 'modified'),
    name: fields.text('name'),
    description: fields.text('description'),
    class: type,
    confidence: fields.integer('confidence', 0, 100),
    labels: fields.texts('labels', limits.labels + 1) ?? [],
    validFrom: requiredTime(fields, 'valid_from'),
    validUntil: fields.time('valid_until'),
    firstSeen,
    lastSeen,
    handling: {},
    received: stix,
    object,
    format: 'stix',
  })
}

function requiredTime(fields: Fields, name: string): string {
  const time = fields.time(name)
  if (time === undefined) throw fields.fault(name, `"${name}" is required`)
  return time
}
