import type { EventsWanted } from '../../actions/search-events.ts'
import { Fault } from '../../domain/errors.ts'
import { detectType } from '../../domain/observables/detect.ts'
import { typeOfMisp } from '../../domain/observables/misp.ts'
import { parseObservable } from '../../domain/observables/parse.ts'
import { isJsonObject, type JsonObject } from '../../formats/json-text.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'

/** What MISP's `restSearch` is asked for, as far as this node can answer it. */
export interface RestSearch {
  readonly events: EventsWanted
  /** Of attributes: MISP's types, categories, tags, and whether they are to be acted on. */
  readonly types?: readonly string[]
  readonly categories?: readonly string[]
  readonly toIds?: boolean
  readonly metadata: boolean
  readonly limit?: number
  readonly page: number
  /** True when nothing can be found: a value of no type, an id of no form. */
  readonly nothing: boolean
}

/** Parameters that say how to answer, and are answered one way here. */
const forms = new Set(
  'returnFormat withAttachments enforceWarninglist includeEventUuid includeEventTags includeSightings includeDecayScore includeContext includeCorrelations includeProposals includeServerCorrelations includeFullModel includeGalaxy sgReferenceOnly headerless requested_attributes published deleted allow_proposal_blocking minimal page limit metadata'.split(
    ' ',
  ),
)

/** Longest list of values, ids or tags. */
const listed = 1_000

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
    categories,
    toIds: toIds === undefined ? undefined : isYes(toIds),
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

/** PyMISP leaves out what it was not told; MISP takes `[]` and `""` as not said. */
const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)

const isYes = (value: unknown): boolean => value === true || value === 1 || value === '1' || value === 'true'

function wholeNumber(value: unknown, name: string): number | undefined {
  if (value === undefined || value === 0 || value === '0') return undefined
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number) || number < 1 || number > 1_000_000)
    throw new Fault('invalid_request', `"${name}" is a whole number from 1 to 1000000.`)
  return number
}

/** One, a list, or `{OR: […]}`. */
function names(value: unknown, name: string): readonly string[] | undefined {
  const { some, none } = choice(value)
  if (none !== undefined) throw new Fault('invalid_request', `"${name}" cannot be negated here.`)
  if (some?.some((each) => each.includes('%')) === true)
    throw new Fault('invalid_request', `"${name}" is looked up as it is: wildcards are not known here.`)
  return some
}

/** What is wanted, and what is not: MISP writes the latter as `!name`, or `{NOT: […]}`. */
function choice(value: unknown): { readonly some?: readonly string[]; readonly none?: readonly string[] } {
  if (value === undefined) return {}
  if (isJsonObject(value)) {
    if (isSaid(value.AND)) throw new Fault('invalid_request', 'AND is not known here.')
    const [some, none] = [value.OR, value.NOT].map((each) => (isSaid(each) ? textsOf(each) : undefined))
    return present<ReturnType<typeof choice>>({ some, none })
  }
  const all = textsOf(value)
  const some = all.filter((each) => !each.startsWith('!'))
  const none = all.filter((each) => each.startsWith('!')).map((each) => each.slice(1))
  return { ...(some.length === 0 ? {} : { some }), ...(none.length === 0 ? {} : { none }) }
}

function textsOf(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value]
  if (all.length > listed) throw new Fault('too_many_values', `At most ${listed} at once.`)
  return all.map((each) => {
    if (typeof each !== 'string' && typeof each !== 'number') throw new Fault('invalid_request', 'A text was expected.')
    return String(each)
  })
}

function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new Fault('invalid_request', 'A text was expected.')
  return value.replaceAll('%', '')
}

function dayOf(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value))
    throw new Fault('invalid_request', `"${name}" is a day, as in 2026-05-01.`)
  return value
}

/** Seconds since 1970, or so long ago (`5d`, `12h`, `30m`); two of them are from and to. */
function span(value: unknown, now: Date): { readonly since?: string; readonly until?: string } {
  if (value === undefined) return {}
  const [from, to] = Array.isArray(value) ? value : [value]
  return present<{ since?: string; until?: string }>({
    since: instantOf(from, now),
    until: to === undefined ? undefined : instantOf(to, now),
  })
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 }

function instantOf(value: unknown, now: Date): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  const unit = unitMs[text.slice(-1)]
  const number = Number(unit === undefined ? text : text.slice(0, -1))
  const at = unit === undefined ? number * 1_000 : now.getTime() - number * unit
  if (text === '' || !Number.isFinite(at) || at < 0 || at > 253_402_300_799_000)
    throw new Fault('invalid_request', 'A time is seconds since 1970, or as in 5d, 12h or 30m.')
  return new Date(at).toISOString()
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

const present = <T extends object>(value: { [K in keyof T]?: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
