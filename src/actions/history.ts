import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Indicator, IndicatorVersion } from '../domain/indicator.ts'
import type { Released } from '../domain/released.ts'
import { parseObject } from '../formats/json-text.ts'
import { rsitOfTag } from '../formats/rsit-tags.ts'
import { knownMarking } from '../formats/stix-markings.ts'
import { stixDraft } from '../formats/stix-object.ts'
import { amendStix } from '../formats/stix-out.ts'
import { changeAt, replacedVersions } from '../store/reads.ts'
import type { Context } from './context.ts'
import { uuidOf } from './ids.ts'
import type { ReadInput } from './named-source.ts'
import { findVisible } from './read.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll } from './visible.ts'

export interface HistoryEntry {
  readonly version: number
  readonly change: IndicatorVersion['change']
  readonly modified: string
  readonly dateAdded: string
  readonly indicator: Released
}

/**
 * The versions of an indicator that the caller may see, oldest first: each under the handling it had, or the present one where
 * that is stricter. A version whose handling the caller is outside of is not there.
 * @throws {Fault} `not_found`
 */
export const history = verb(
  'history',
  async (context: Context, caller: Caller, input: ReadInput, standing): Promise<HistoryEntry[]> => {
    const permitted = permittedFor(context, caller, standing)
    const present = await findVisible(context, caller, standing, permitted, input)
    const replaced = await replacedVersions(context.database, present.originator, uuidOf(present.id) ?? '')
    const seen = replaced.filter(
      ({ version, handlingId }) =>
        // What replaced the present one since it was read is for the next who asks.
        version < present.version && (permitted.permit.has(handlingId) || permitted.redact.has(handlingId)),
    )
    const anonymous = standing.visibility.handling(present.handlingId)?.attribution === 'anonymous'
    const versions = [...seen.map((version) => asOf(present, version, anonymous)), present]
    const released = releaseAll(context, caller, standing, permitted, versions, present)
    await recordReading(context, caller, standing, 'history', versions)
    const changes = [...seen.map(({ change }) => change), await changeAt(context.database, present.position)]
    return released.map((indicator, i) => ({
      version: indicator.version,
      change: changes[i] ?? 'published',
      modified: indicator.modified,
      dateAdded: indicator.dateAdded,
      indicator,
    }))
  },
  { checkedWithRows: true },
)

/** What a version's own text says of it. */
interface VersionText {
  readonly name?: string
  readonly description?: string
  readonly labels?: readonly string[]
  readonly confidence?: number
  readonly valid_from?: string
  readonly valid_until?: string
}

/** The indicator as a replaced version had it, at its own place: what that version did not say must not be filled from the present one. */
export function asOf(present: Indicator, version: IndicatorVersion, anonymous: boolean): Indicator {
  const stix = JSON.parse(version.stix) as VersionText
  const type = stix.labels?.map(rsitOfTag).find((known) => known !== undefined)
  const { originator, id, created, format } = present
  const observed = observedIn(version.stix) ?? present
  // Where it lies is known of the value that stands.
  const { asn, country } = observed.value === present.value && observed.type === present.type ? present : {}
  return {
    ...{ originator, id, created, format, position: version.position },
    type: observed.type,
    value: observed.value,
    compound: observed.compound,
    observables: observed.observables,
    ...(asn === undefined ? {} : { asn }),
    ...(country === undefined ? {} : { country }),
    version: version.version,
    handlingId: version.handlingId,
    modified: version.modified,
    dateAdded: version.dateAdded,
    stix: anonymous ? amendStix(version.stix, { anonymous }) : version.stix,
    recalled: false,
    labels: stix.labels ?? [],
    validFrom: stix.valid_from ?? created,
    ...(stix.valid_until === undefined ? {} : { validUntil: stix.valid_until }),
    ...(stix.name === undefined ? {} : { name: stix.name }),
    ...(stix.description === undefined ? {} : { description: stix.description }),
    ...(stix.confidence === undefined ? {} : { confidence: stix.confidence }),
    ...(type === undefined ? {} : { class: type }),
  }
}

/** What a version looked for: another version may have looked for another value under the same id. */
function observedIn(stix: string): Pick<Indicator, 'type' | 'value' | 'compound' | 'observables'> | undefined {
  try {
    const object = parseObject(stix, 'invalid_stix', '')
    const draft = stixDraft(object, { position: {}, pointer: '', received: stix, markingOf: knownMarking })
    const [main] = draft.observables
    return { type: main.type, value: main.value, compound: draft.compound, observables: draft.observables }
  } catch (error) {
    // Types whose pattern is this node's own way of writing: their value never changes.
    if (error instanceof Fault) return undefined
    throw error
  }
}
