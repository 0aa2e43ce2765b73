import type { Draft } from '../domain/draft.ts'
import type { Handling } from '../domain/handling.ts'
import { constituencyKeys } from '../domain/observables/keys.ts'
import type { ConstituencyKeys } from '../domain/observables/observable.ts'
import { reversedName } from '../domain/observables/reversed-name.ts'
import { stixIndicator, stixOfReceived } from '../formats/stix-out.ts'
import type { Networks } from '../store/networks.ts'
import type { NewIndicator } from '../store/staging.ts'
import type { Identified } from './identify.ts'
import { keyHex } from './value-keys.ts'

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
    domainReversed: domain === undefined ? undefined : reversedName(domain),
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
