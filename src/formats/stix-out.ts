import type { Observable } from '../domain/observables/index.ts'
import type { RsitType } from '../domain/rsit.ts'
import { markingOfTlp, type Tlp } from '../domain/tlp.ts'
import { membersOf, objectText } from './json-members.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'
import { rsitOfTag, rsitTag } from './rsit-tags.ts'
import { identityId } from './stix-bundle.ts'
import { patternMembers } from './stix-pattern-out.ts'
import { parseTimestamp } from './timestamp.ts'

/** What a STIX indicator is written from. Times are ISO 8601 UTC with milliseconds or finer. */
export interface StixFields {
  /** `indicator--<uuid>`. */
  readonly id: string
  readonly created: string
  readonly modified: string
  readonly validFrom: string
  readonly validUntil?: string | undefined
  readonly observables: readonly Observable[]
  /** Absent: written from the observables. */
  readonly pattern?: string | undefined
  readonly patternType?: string | undefined
  readonly tlp: Tlp
  /** Organisation id; absent when the originator stays anonymous. */
  readonly originator?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly class?: RsitType | undefined
  readonly confidence?: number | undefined
  readonly labels: readonly string[]
  readonly revoked?: boolean
}

/**
 * A STIX 2.1 indicator object (§4.7) as JSON text on one line, marked by the TLP 2.0 id. Put together as text: an object built only
 * to be written costs three times as much, for every record that is published.
 */
export function stixIndicator(fields: StixFields): string {
  const { pattern, patternType = 'stix', class: type } = fields
  const looked = pattern === undefined ? patternMembers(fields.observables) : { pattern, pattern_type: patternType }
  const labels = labelsWithClass(fields.labels, type)
  const author = fields.originator === undefined ? undefined : identityId(fields.originator)
  return `{"type":"indicator","spec_version":"2.1","id":"${fields.id}"${member('created_by_ref', author)},"created":"${
    fields.created
  }","modified":"${fields.modified}"${fields.revoked === true ? ',"revoked":true' : ''}${member('name', fields.name)}${member(
    'description',
    fields.description,
  )}${type === undefined ? '' : `,"indicator_types":["${indicatorType(type)}"]`}${member('pattern', looked.pattern)}${member(
    'pattern_type',
    looked.pattern_type,
  )},"valid_from":"${fields.validFrom}"${member('valid_until', fields.validUntil)}${
    labels.length === 0 ? '' : `,"labels":${JSON.stringify(labels)}`
  }${fields.confidence === undefined ? '' : `,"confidence":${fields.confidence}`},"object_marking_refs":["${markingOfTlp[fields.tlp]}"]}`
}

const member = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`

/**
 * A received STIX indicator as it is passed on: its own markings replaced by the TLP 2.0 id, all else as it was written,
 * on one line. Anonymous: only what the standard defines and what names nobody.
 * @param options.object what the text says, where it was read before
 */
export function stixOfReceived(
  received: string,
  tlp: Tlp,
  { anonymous, object }: { readonly anonymous: boolean; readonly object?: JsonObject | undefined },
): string {
  if (!anonymous && isPassedOnAsItIs(object ?? JSON.parse(received), received, tlp)) return received
  const members = membersOf(received)
  // STIX 2.1 §2.8 and §3.2 forbid empty lists and want milliseconds; those are read, and not passed on.
  for (const [name, value] of members) if (value === '[]') members.delete(name)
  for (const name of ['created', 'modified']) {
    const written: unknown = JSON.parse(members.get(name) ?? 'null')
    const time = typeof written === 'string' ? parseTimestamp(written, 'stix') : undefined
    if (time !== undefined && time !== written) members.set(name, JSON.stringify(time))
  }
  amend(members, { tlp, anonymous })
  return objectText(members)
}

/** Whether nothing of a text would change: nodes send each other what they wrote themselves, and to see that costs a third. */
function isPassedOnAsItIs(object: JsonObject, received: string, tlp: Tlp): boolean {
  const { object_marking_refs: marks, granular_markings: parts, created, modified } = object
  const isMarked = Array.isArray(marks) && marks.length === 1 && marks[0] === markingOfTlp[tlp] && parts === undefined
  return (
    isMarked &&
    [created, modified].every((time) => typeof time === 'string' && parseTimestamp(time, 'stix') === time) &&
    Object.values(object).every((value) => !Array.isArray(value) || value.length > 0) &&
    JSON.stringify(object) === received
  )
}

/** An indicator text with other access markings, all else as it was. */
export const rewriteMarkings = (stix: string, tlp: Tlp): string => amendStix(stix, { tlp })

/** What may change in an indicator that is already written; absent members stay. */
export interface StixAmendment {
  readonly tlp?: Tlp
  /** True: whatever could name the source goes. */
  readonly anonymous?: boolean
  readonly modified?: string
  readonly revoked?: boolean
  readonly name?: string
  readonly description?: string
  readonly confidence?: number
  readonly labels?: readonly string[]
  readonly class?: RsitType
  readonly valid_from?: string
  readonly valid_until?: string
}

/** A STIX indicator text with some members changed; the others keep their exact spelling. */
export function amendStix(stix: string, amendment: StixAmendment): string {
  const members = membersOf(stix)
  amend(members, amendment)
  return objectText(members)
}

function amend(members: Map<string, string>, amendment: StixAmendment): void {
  const { tlp, anonymous, class: type, labels, ...plain } = amendment
  if (anonymous === true) for (const name of members.keys()) if (!namesNobody.has(name)) members.delete(name)
  for (const [name, value] of Object.entries(plain)) {
    if (value !== undefined) members.set(name, JSON.stringify(value))
  }
  if (type !== undefined || labels !== undefined) amendLabels(members, labels, type)
  if (tlp !== undefined) mark(members, tlp)
}

/** Members of STIX 2.1 §4.7 and §3.2 without author, references, extensions and custom properties. */
const namesNobody = new Set([
  ...['type', 'spec_version', 'id', 'created', 'modified', 'revoked', 'name', 'description', 'indicator_types'],
  ...['pattern', 'pattern_type', 'pattern_version', 'valid_from', 'valid_until', 'kill_chain_phases'],
  ...['labels', 'confidence', 'lang', 'object_marking_refs', 'granular_markings'],
])

/** Markings of parts were counted into the one of the whole; what stays of them is which language a part is in. */
function mark(members: Map<string, string>, tlp: Tlp): void {
  members.set('object_marking_refs', JSON.stringify([markingOfTlp[tlp]]))
  const granular: unknown = JSON.parse(members.get('granular_markings') ?? '[]')
  const languages = Array.isArray(granular)
    ? granular.filter((each) => isJsonObject(each) && each.marking_ref === undefined)
    : []
  if (languages.length === 0) members.delete('granular_markings')
  else members.set('granular_markings', JSON.stringify(languages))
}

function amendLabels(members: Map<string, string>, labels?: readonly string[], type?: RsitType): void {
  const present: unknown = JSON.parse(members.get('labels') ?? '[]')
  const before = Array.isArray(present) ? present.filter((each) => typeof each === 'string') : []
  const kept = labels ?? before.filter((label) => type === undefined || rsitOfTag(label) === undefined)
  const shown = labelsWithClass(kept, type ?? before.map(rsitOfTag).find((known) => known !== undefined))
  if (shown.length === 0) members.delete('labels')
  else members.set('labels', JSON.stringify(shown))
  if (type !== undefined) members.set('indicator_types', JSON.stringify([indicatorType(type)]))
}

/** STIX has no place for an RSIT type; its machine tag among the labels is what others read. */
const labelsWithClass = (labels: readonly string[], type: RsitType | undefined): readonly string[] =>
  type === undefined || labels.some((label) => rsitOfTag(label) === type) ? labels : [...labels, rsitTag(type)]

/** The word of the indicator type vocabulary (§10.8) nearest to an RSIT type. */
function indicatorType(type: RsitType): string {
  if (type === 'infected-system' || type.endsWith('-compromise')) return 'compromised'
  if (type === 'scanner' || type === 'sniffing' || type === 'ids-alert') return 'anomalous-activity'
  if (type === 'test' || type === 'undetermined') return 'unknown'
  return 'malicious-activity'
}
