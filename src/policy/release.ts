import type { Decision, Effect } from '../domain/decision.ts'
import type { Handling } from '../domain/handling.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { Reader } from '../domain/reader.ts'
import type { Blockable, Released, ReleasedHandling } from '../domain/released.ts'
import { rsitClassOf } from '../domain/rsit.ts'
import { markingOfTlp, strictness } from '../domain/tlp.ts'
import { mayBlock } from './pap.ts'

/** What releasing needs beside the indicator: names of originators and the node's keyed digest (hex). */
export interface ReleaseFacts {
  /** Name and jurisdiction of an organisation; undefined when the directory no longer knows it. */
  readonly organisation: (id: string) => { readonly name: string; readonly jurisdiction: string } | undefined
  /** Keyed digest of a text under the node's masking key, 32 hex digits. */
  readonly digest: (text: string) => string
}

/** Whether this reader may know who the originator is. */
export const originatorShown = (reader: Reader, handling: Handling): boolean =>
  handling.attribution === 'named' || reader.organisation?.id === handling.originator

/** A decision about somebody else: who serves that reader, and which groups it is in, are not the asker's to know. */
export const withoutRelations = (decision: Decision): Decision => ({
  ...decision,
  rules: decision.rules.map((finding) =>
    finding.id.startsWith('tlp.amber') && finding.outcome === 'permit'
      ? { ...finding, sentence: 'The label reaches this reader by way of the audience.' }
      : finding,
  ),
})

/** A decision as it may be told where the source is anonymous: agreements and jurisdictions would say where it is. */
export const withoutSource = (decision: Decision): Decision => ({
  ...decision,
  rules: decision.rules.map(({ agreement: _, ...finding }) =>
    finding.id.startsWith('jurisdiction.')
      ? {
          ...finding,
          sentence: 'Decided between the jurisdictions of the source, which stays anonymous, and of the reader.',
        }
      : finding,
  ),
  obligations: decision.obligations.filter(({ id }) => id !== 'agreement'),
})

/**
 * Makes the forms that one reader may have of indicators under one handling: what the handling and the reader say is said once.
 * Only for a permitted or redacted handling: a denied one has no released form, and asking for it is a fault of the program.
 */
export function releaserOf(
  handling: Handling,
  effect: Effect,
  reader: Reader,
  facts: ReleaseFacts,
): (indicator: Indicator) => Released {
  if (effect === 'deny') throw new Error('a denied indicator was about to be released')
  const from = sourceOf(handling, reader, facts)
  const shown = releasedHandling(handling, reader)
  return (indicator) => {
    const plain = {
      id: indicator.id,
      version: indicator.version,
      status: indicator.recalled ? ('recalled' as const) : ('active' as const),
      ...from,
      type: indicator.type,
      ...(indicator.class === undefined ? {} : { classType: indicator.class, class: rsitClassOf(indicator.class) }),
      ...optional(indicator, optionalMembers),
      created: indicator.created,
      modified: indicator.modified,
      dateAdded: toMilliseconds(indicator.dateAdded),
      validFrom: indicator.validFrom,
      handling: shown,
    }
    const content = effect === 'redact' ? masked(indicator, handling, reader, facts) : whole(indicator)
    return Object.assign(plain, content) as unknown as Released
  }
}

/**
 * Makes what may stand in a blocking output, of values under one handling: whole ones alone, whose PAP allows active measures. Asking
 * for any other is a fault of the program.
 */
export function blockableOf(
  handling: Handling,
  effect: Effect,
): (value: Observable, of: Pick<Indicator, 'class' | 'confidence' | 'validUntil'>) => Blockable {
  if (effect !== 'permit') throw new Error('what may not be had whole was about to be put into a blocklist')
  if (!mayBlock(handling)) throw new Error('what may not be acted upon was about to be put into a blocklist')
  const { tlp } = handling
  return ({ type, value }, of) => {
    const plain = { type, value, tlp, ...optional(of, ['class', 'confidence', 'validUntil']) }
    return plain as unknown as Blockable
  }
}

const optionalMembers = ['confidence', 'validUntil', 'firstSeen', 'lastSeen'] as const

/** The node counts microseconds row by row, and they would tell how many lie between two that are seen. */
const toMilliseconds = (microseconds: string): string => `${microseconds.slice(0, 23)}Z`

function whole(indicator: Indicator) {
  const { asn, country } = indicator
  const content: Record<string, unknown> = {
    value: indicator.value,
    masked: false,
    observables: indicator.observables,
  }
  if (indicator.name !== undefined) content.name = indicator.name
  if (indicator.description !== undefined) content.description = indicator.description
  content.labels = indicator.labels
  if (asn !== undefined || country !== undefined) content.network = optional(indicator, ['asn', 'country'])
  content.stix = indicator.stix
  return content
}

/** The masked form: no free text, no label, no network, no second observable; only what cannot carry the value. */
function masked(indicator: Indicator, handling: Handling, reader: Reader, facts: ReleaseFacts) {
  // Keyed by the reading organisation too, so that two readers cannot pool their digests.
  const digest = facts.digest(`mask|${reader.organisation?.id ?? ''}|${indicator.type}|${indicator.value}`)
  const stix = {
    type: 'indicator',
    spec_version: '2.1',
    id: indicator.id,
    created: indicator.created,
    modified: indicator.modified,
    name: `masked ${indicator.type}`,
    pattern: `[x-puente-masked:${indicator.type.replaceAll('-', '_')} = '${digest}']`,
    pattern_type: 'stix',
    valid_from: indicator.validFrom,
    object_marking_refs: [markingOfTlp[handling.tlp]],
  }
  return { value: digest, masked: true, observables: [], labels: [], stix: JSON.stringify(stix) }
}

/**
 * What is left of a recalled indicator for whoever had it, as STIX 2.1 text: that it is revoked. Of its content there is nothing, not even
 * what it looked for; the pattern that the standard demands says that it was recalled.
 */
export function recalledForm(indicator: Indicator, handling: Handling | undefined): string {
  if (!indicator.recalled) throw new Error('what stands was about to be shown as recalled')
  return JSON.stringify({
    type: 'indicator',
    spec_version: '2.1',
    id: indicator.id,
    created: indicator.created,
    modified: indicator.modified,
    revoked: true,
    name: 'recalled',
    pattern: `[x-puente-recalled:id = '${indicator.id}']`,
    pattern_type: 'stix',
    valid_from: indicator.validFrom,
    ...(handling === undefined ? {} : { object_marking_refs: [markingOfTlp[handling.tlp]] }),
  })
}

/** Who published under a handling, as this reader may know it: its name, or what stands for it. */
export function sourceOf(
  handling: Handling,
  reader: Reader,
  facts: ReleaseFacts,
): Pick<Released, 'originator' | 'alias'> {
  if (!originatorShown(reader, handling)) {
    return {
      alias: `source-${facts.digest(`alias|${circleOf(handling, reader)}|${handling.originator}`).slice(0, 12)}`,
    }
  }
  const known = facts.organisation(handling.originator)
  return {
    originator: {
      id: handling.originator,
      name: known?.name ?? handling.originator,
      jurisdiction: known?.jurisdiction ?? '',
    },
  }
}

/**
 * Within what a source has one alias, and outside of it none that could be told to be the same (ADR 35): a community by which the reader, or
 * whoever serves it, has the indicator; otherwise the node for what everybody enrolled may have, and the reader's organisation for the rest.
 */
function circleOf({ communities, tlp }: Handling, reader: Reader): string {
  const reaching = [reader, ...reader.providers].flatMap((each) => each.communities)
  const shared = communities.find((community) => reaching.includes(community))
  if (shared !== undefined) return shared
  return strictness(tlp) < strictness('amber') ? '' : `organisation:${reader.organisation?.id ?? ''}`
}

/** Audience and people are the originator's to know; a reader learns of itself and of its own communities only. */
export function releasedHandling(handling: Handling, reader: Reader): ReleasedHandling {
  const own = reader.organisation?.id === handling.originator
  const organisations = handling.organisations.filter((id) => own || id === reader.organisation?.id)
  const communities = handling.communities.filter((id) => own || reader.communities.includes(id))
  return {
    tlp: handling.tlp,
    pap: handling.pap,
    audience: [...organisations, ...communities.map((id) => `community:${id}`)],
    people: handling.people.filter((id) => own || id === reader.account),
    ...optional(handling, ['releasableTo', 'notReleasableTo', 'expiresAt']),
    lawEnforcement: handling.lawEnforcement,
    personalData: handling.personalData,
    ...(own && handling.attribution === 'anonymous' ? { attribution: handling.attribution } : {}),
  }
}

/** The named members that are present. */
function optional<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {}
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key]
  return picked
}
