import { createHash } from 'node:crypto'
import { keyedUuid } from '../auth/digests.ts'
import type { Draft } from '../domain/draft.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { constituencyKeys, correlationKey } from '../domain/observables/keys.ts'
import { stixIndicator, stixOfReceived } from '../formats/stix-out.ts'
import type { Networks } from '../store/networks.ts'
import type { NewIndicator } from '../store/staging.ts'
import { uuidOf } from './ids.ts'
import { valueKeyHexOf } from './value-keys.ts'

/** A draft whose handling is settled: what it is called, and what tells it from another version of itself. */
export interface Identified {
  readonly draft: Draft
  readonly handling: Handling
  readonly uuid: string
  /** SHA-256 as hex. */
  readonly digest: string
}

/**
 * Names a draft. A STIX indicator keeps its id; everything else gets one that the originator, the type and the value
 * determine, so that pushing a file again finds what the first push left.
 */
export function identify(draft: Draft, handling: Handling, idKey: Buffer): Identified {
  const values = draft.observables.map(correlationKey)
  const given = draft.id === undefined ? undefined : uuidOf(draft.id)
  const text = JSON.stringify([
    handlingText(handling),
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
    uuid: given ?? keyedUuid(idKey, JSON.stringify([handling.originator, draft.observables[0].type, values])),
    digest: createHash('sha256').update(text).digest('hex'),
  }
}

/**
 * The row to write.
 * @param created when this id was first published, for a later version of something known
 */
export function prepare(
  { draft, handling, uuid, digest }: Identified,
  handlingId: number,
  at: Date,
  created: string | undefined,
  networks: Networks,
): NewIndicator {
  const now = at.toISOString()
  const [main, ...others] = draft.observables
  const times = {
    created: created ?? draft.created ?? now,
    modified: draft.modified ?? now,
    validFrom: draft.validFrom ?? draft.created ?? now,
  }
  const stix = stixTextOf(draft, `indicator--${uuid}`, handling, times)
  return {
    stixId: uuid,
    handlingId,
    type: main.type,
    value: main.value,
    valueKey: valueKeyHexOf(main),
    compound: draft.compound || others.length > 0,
    ...whereabouts(draft, networks),
    class: draft.class,
    confidence: draft.confidence,
    name: draft.name,
    description: draft.description,
    labels: draft.labels,
    validUntil: draft.validUntil,
    firstSeen: draft.firstSeen,
    lastSeen: draft.lastSeen,
    ...times,
    versioned: draft.modified !== undefined,
    format: draft.format,
    stix,
    received: draft.received === stix ? undefined : draft.received,
    digest,
    others: others.map((other) => ({ ...other, valueKey: valueKeyHexOf(other) })),
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
  if (draft.format === 'stix' && draft.id === id) return stixOfReceived(draft.received, handling.tlp, { anonymous })
  return stixIndicator({
    id,
    ...times,
    observables: draft.observables,
    labels: draft.labels,
    tlp: handling.tlp,
    ...(anonymous ? {} : { originator: handling.originator }),
    ...defined({
      name: draft.name,
      description: draft.description,
      confidence: draft.confidence,
      validUntil: draft.validUntil,
      pattern: draft.pattern,
      patternType: draft.patternType,
      class: draft.class,
    }),
  })
}

const defined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never

/** What constituencies are matched against: the first network, name and AS number among the observables. */
function whereabouts(
  draft: Draft,
  networks: Networks,
): Pick<NewIndicator, 'network' | 'domainReversed' | 'asn' | 'country'> {
  const keys = draft.observables.map(constituencyKeys)
  const network = keys.find((each) => each.network !== undefined)?.network
  const domain = keys.find((each) => each.domain !== undefined)?.domain
  const located = network === undefined ? {} : networks.locate(network)
  return {
    network,
    domainReversed: domain?.split('.').reverse().join('.'),
    asn: keys.find((each) => each.asn !== undefined)?.asn ?? located.asn,
    country: keys.find((each) => each.country !== undefined)?.country ?? located.country,
  }
}
