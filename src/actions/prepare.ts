import { hash } from 'node:crypto'
import { keyedUuid } from '../auth/digests.ts'
import type { Draft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { constituencyKeys, correlationKey } from '../domain/observables/keys.ts'
import type { ConstituencyKeys } from '../domain/observables/observable.ts'
import { stixIndicator, stixOfReceived } from '../formats/stix-out.ts'
import type { Networks } from '../store/networks.ts'
import type { NewIndicator } from '../store/staging.ts'
import { uuidOf } from './ids.ts'
import { keyHex } from './value-keys.ts'

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
  const content = JSON.stringify([
    draft.observables,
    draft.class ?? null,
    draft.confidence ?? null,
    draft.name ?? null,
    draft.description ?? null,
    draft.labels,
    draft.pattern ?? null,
    draft.validFrom ?? null,
    draft.validUntil ?? null,
    draft.firstSeen ?? null,
    draft.lastSeen ?? null,
    draft.modified ?? null,
  ])
  return {
    draft,
    handling,
    keys,
    uuid: given ?? keyedUuid(idKey, JSON.stringify(identityOf(draft, handling, keys))),
    digest: hash('sha256', `[${quotedHandling(handling)},${content.slice(1)}`),
  }
}

/** @throws {Fault} `record_too_large` */
export function refuseLarge({ length }: string): void {
  const most = limits.indicatorCharacters
  if (length > most) throw new Fault('record_too_large', `An indicator may have ${most} characters.`)
}

/** What an id is derived from: of an event also what was found, since one address may be a scanner and a bot (ADR 21). */
function identityOf({ observables, finding }: Draft, { originator }: Handling, keys: readonly string[]): unknown[] {
  const identity = [originator, observables[0].type, keys]
  return finding === undefined ? identity : [...identity, finding]
}

/** Handlings are shared by thousands of records: each is quoted once. */
const quoted = new WeakMap<Handling, string>()

function quotedHandling(handling: Handling): string {
  const known = quoted.get(handling)
  if (known !== undefined) return known
  const text = JSON.stringify(handlingText(handling))
  quoted.set(handling, text)
  return text
}

/**
 * The row to write.
 * @param now ISO 8601 UTC
 * @param created when this id was first published, for a later version of something known
 */
export function prepare(
  { draft, handling, keys, uuid, digest }: Identified,
  handlingId: number,
  now: string,
  created: string | undefined,
  networks: Networks,
): NewIndicator {
  const [main, ...others] = draft.observables
  const times = {
    created: created ?? draft.created ?? now,
    modified: draft.modified ?? now,
    validFrom: draft.validFrom ?? draft.created ?? now,
  }
  const stix = stixTextOf(draft, `indicator--${uuid}`, handling, times)
  const { network, domain, asn, country } = firstKeys(draft)
  const located = network === undefined ? undefined : networks.locate(network)
  // Member by member: spreading parts together doubles the cost of this function.
  return {
    stixId: uuid,
    handlingId,
    type: main.type,
    value: main.value,
    valueKey: keyHex(keys[0] ?? ''),
    compound: draft.compound || others.length > 0,
    network,
    domainReversed: domain?.split('.').reverse().join('.'),
    asn: asn ?? located?.asn,
    country: country ?? located?.country,
    class: draft.class,
    confidence: draft.confidence,
    name: draft.name,
    description: draft.description,
    labels: draft.labels,
    validFrom: times.validFrom,
    validUntil: draft.validUntil,
    firstSeen: draft.firstSeen,
    lastSeen: draft.lastSeen,
    created: times.created,
    modified: times.modified,
    versioned: draft.modified !== undefined,
    event: draft.finding !== undefined,
    format: draft.format,
    stix,
    received: draft.received === stix ? undefined : draft.received,
    digest,
    others: others.map(({ type, value }, i) => ({ type, value, valueKey: keyHex(keys[i + 1] ?? '') })),
  }
}

function stixTextOf(
  draft: Draft,
  id: string,
  handling: Handling,
  times: { readonly created: string; readonly modified: string; readonly validFrom: string },
): string {
  // The source of what is shared anonymously must not stand in the text either.
  const anonymous = handling.attribution === 'anonymous'
  if (draft.format === 'stix' && draft.id === id)
    return stixOfReceived(draft.received, handling.tlp, { anonymous, object: draft.object })
  return stixIndicator({
    id,
    created: times.created,
    modified: times.modified,
    validFrom: times.validFrom,
    observables: draft.observables,
    labels: draft.labels,
    tlp: handling.tlp,
    originator: anonymous ? undefined : handling.originator,
    name: draft.name,
    description: draft.description,
    confidence: draft.confidence,
    validUntil: draft.validUntil,
    pattern: draft.pattern,
    patternType: draft.patternType,
    class: draft.class,
  })
}

/** What constituencies are matched against: the first network, name and AS number among the observables. */
function firstKeys({ observables }: Draft): ConstituencyKeys {
  let found = constituencyKeys(observables[0])
  for (let i = 1; i < observables.length; i++) {
    const next = observables[i]
    if (next !== undefined) found = { ...constituencyKeys(next), ...found }
  }
  return found
}
