import type { EventsWanted } from '../../actions/search-events.ts'
import { Fault } from '../../domain/errors.ts'
import { detectType } from '../../domain/observables/detect.ts'
import { typeOfMisp } from '../../domain/observables/misp.ts'
import { parseObservable } from '../../domain/observables/parse.ts'
import { isJsonObject, type JsonObject } from '../../formats/json-text.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { choice, dayOf, isSaid, isYes, names, present, span, textOf, wholeNumber } from './said.ts'

/** What MISP's `restSearch` is asked for, as far as this node can answer it. */
export interface RestSearch {
  readonly events: EventsWanted
  /** MISP's types. */
  readonly types?: readonly string[]
  readonly metadata: boolean
  readonly limit?: number
  readonly page: number
  /** True when nothing can be found: a value of no type, an id of no form. */
  readonly nothing: boolean
}

/** Parameters that say how to answer, and are answered one way here. */
const forms = new Set(
  'returnFormat withAttachments includeEventUuid includeEventTags includeSightings includeDecayScore includeContext includeCorrelations includeProposals includeServerCorrelations includeFullModel includeGalaxy sgReferenceOnly headerless requested_attributes published deleted allow_proposal_blocking minimal page limit metadata'.split(
    ' ',
  ),
)

/**
 * Reads the body of a `restSearch`. A parameter that would narrow the answer and is not known is refused: to pass over it would
 * answer more than was asked for.
 * @throws {Fault} `invalid_request`
 */
export function restSearch(body: unknown, now: Date): RestSearch {
  const asked = bodyOf(body)
  const said = new Map(Object.entries(asked).filter(([, value]) => isSaid(value)))
  const take = (...names: string[]): unknown => {
    for (const name of names) {
      const value = said.get(name)
      if (value === undefined) continue
      said.delete(name)
      return value
    }
    return undefined
  }
  const page = wholeNumber(said.get('page'), 'page') ?? 1
  const limit = wholeNumber(said.get('limit'), 'limit')
  const metadata = isYes(said.get('metadata'))
  if (isSaid(asked.returnFormat) && asked.returnFormat !== 'json')
    throw new Fault('invalid_request', 'returnFormat is json here; other forms are at /v1/indicators.')
  for (const name of forms) said.delete(name)
  if (!isYes(said.get('enforceWarninglist'))) said.delete('enforceWarninglist')
  const ids = names(take('eventid', 'event_id', 'uuid', 'id'), 'eventid')
  const values = names(take('value', 'values'), 'value')
  const types = names(take('type', 'type_attribute'), 'type')
  const categories = names(take('category'), 'category')
  const tags = choice(take('tags', 'tag'))
  const organisations = names(take('org'), 'org')
  const toIds = take('to_ids')
  const changed = span(take('timestamp', 'event_timestamp', 'attribute_timestamp', 'publish_timestamp', 'last'), now)
  const uuids = ids?.flatMap((id) => uuidOfNumber(id) ?? [])
  const found = values?.flatMap((value) => readings(value, types))
  const events = present<EventsWanted>({
    uuids,
    values: found,
    types,
    categories,
    toIds: toIds === undefined ? undefined : isYes(toIds),
    tags: tags.some,
    notTags: tags.none,
    info: textOf(take('eventinfo')),
    from: dayOf(take('from', 'date_from'), 'from'),
    to: dayOf(take('to', 'date_to'), 'to'),
    ...changed,
    originator: organisations,
  })
  const [unknown] = said.keys()
  if (unknown !== undefined)
    throw new Fault('invalid_request', `The parameter ${unknown.slice(0, 40)} is not known here.`)
  return present<RestSearch>({
    events,
    types,
    metadata,
    limit,
    page,
    nothing: uuids?.length === 0 || found?.length === 0,
  })
}

const bodyOf = (body: unknown): JsonObject => {
  if (body === undefined || body === null) return {}
  if (!isJsonObject(body)) throw new Fault('invalid_request', 'The body is a JSON object.')
  return isJsonObject(body.request) ? body.request : body
}

/** What a value may be: by the types asked for, or by how it looks. */
function readings(value: string, types: readonly string[] | undefined): { type: string; value: string }[] {
  const asked = types?.flatMap((type) => typeOfMisp(type) ?? []) ?? []
  const parts = value.includes('|') ? [value, ...value.split('|')] : [value]
  return parts.flatMap((part) => {
    const candidates = asked.length > 0 ? asked : [detectType(part) ?? []].flat()
    return candidates.flatMap((type) => {
      try {
        return [parseObservable(type, part)]
      } catch (error) {
        // It is none of that type: then it is not found by it.
        if (error instanceof Fault) return []
        throw error
      }
    })
  })
}
