import type { Caller } from '../domain/caller.ts'
import { parseInstant, parseName, parseSlug } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { parseJurisdiction } from '../domain/jurisdiction.ts'
import type { LegalRequestText, LegalScope } from '../domain/legal-request.ts'
import {
  type HandlingCode,
  handlingCodes,
  instrumentIds,
  type Offence,
  offences,
  preservationDays,
  preserves,
  type Urgency,
  urgencies,
} from '../domain/legal-words.ts'
import { limits } from '../domain/limits.ts'
import type { Standing } from './context.ts'
import { searchKeys } from './search-keys.ts'

/** What a liaison says of a request; what is absent has its default. */
export type LegalRequestInput = Omit<
  LegalRequestText,
  'offence' | 'requestingJurisdiction' | 'urgency' | 'handlingCode'
> & {
  readonly offence: string
  /** Of the liaison's organisation when absent. */
  readonly requestingJurisdiction?: string
  /** `routine` when absent. */
  readonly urgency?: string
  readonly handlingCode?: string
}

/**
 * Reads what a liaison said; what is stored can be used as it is.
 * @throws {Fault} `invalid_request` with the member's pointer, `unknown_type`, `invalid_value`
 */
export function parseLegalRequest(
  input: LegalRequestInput,
  caller: Caller,
  standing: Standing,
  now: Date,
): LegalRequestText {
  const expiresAt = parseInstant(input.expiresAt, '/expiresAt')
  const latest = now.getTime() + limits.legalRequestDays * 86_400_000
  if (!(Date.parse(expiresAt) > now.getTime() && Date.parse(expiresAt) <= latest))
    throw invalid('/expiresAt', `A request ends in the future, and within ${limits.legalRequestDays} days.`)
  const least = now.getTime() + preservationDays * 86_400_000
  if (preserves(input.instrument) && Date.parse(expiresAt) < least)
    throw invalid('/expiresAt', `A preservation is for ${preservationDays} days at least.`)
  const home = caller.reader.organisation?.jurisdiction ?? ''
  return {
    instrument: oneOf(instrumentIds, input.instrument, '/instrument'),
    citation: parseName(input.citation, '/citation'),
    authority: parseName(input.authority, '/authority'),
    caseReference: parseName(input.caseReference, '/caseReference'),
    offence: oneOf<Offence>(offences, input.offence, '/offence'),
    requestingJurisdiction: at('/requestingJurisdiction', () =>
      parseJurisdiction(input.requestingJurisdiction ?? home),
    ),
    facts: prose(input.facts, '/facts'),
    necessity: prose(input.necessity, '/necessity'),
    scope: parseScope(input.scope, standing),
    ...(input.handlingCode === undefined
      ? {}
      : { handlingCode: oneOf<HandlingCode>(handlingCodes, input.handlingCode, '/handlingCode') }),
    urgency: oneOf<Urgency>(urgencies, input.urgency ?? 'routine', '/urgency'),
    expiresAt,
    ...(input.confidentialUntil === undefined
      ? {}
      : { confidentialUntil: parseInstant(input.confidentialUntil, '/confidentialUntil') }),
  }
}

/** An empty scope would be everything: it is an error. So is one that names originators alone. */
function parseScope(scope: LegalScope, { directory }: Standing): LegalScope {
  const originators = [...new Set(scope.originators.map((id) => parseSlug(id, '/scope/originators')))].sort()
  if (originators.length === 0) throw invalid('/scope/originators', 'A scope names whose indicators it covers.')
  const unknown = originators.findIndex((id) => !directory.organisations.has(id))
  if (unknown >= 0) throw invalid('/scope/originators', `There is no organisation "${originators[unknown]}" here.`)
  const { types, values, classes, countries, asns, network, domain } = scope
  const since = scope.since === undefined ? undefined : parseInstant(scope.since, '/scope/since')
  const until = scope.until === undefined ? undefined : parseInstant(scope.until, '/scope/until')
  if (since !== undefined && until !== undefined && Date.parse(until) <= Date.parse(since))
    throw invalid('/scope/until', 'A time window ends after it begins.')
  for (const [name, list] of Object.entries({ originators, types, values, classes, countries, asns })) {
    const most = name === 'values' ? limits.legalScopeValues : limits.legalScopeItems
    if (list !== undefined && list.length > most) throw invalid(`/scope/${name}`, `At most ${most} items.`)
    if (list?.length === 0) throw invalid(`/scope/${name}`, 'An empty list covers nothing: leave it out.')
  }
  const narrows = [types, values, classes, countries, asns, network, domain, since, until]
  if (narrows.every((each) => each === undefined))
    throw invalid(
      '/scope',
      'A scope says what it is about: types, values, classes, countries, networks, or a time window.',
    )
  // Each is brought to the form of the store here, so that what is wrong is said now and not when it is approved.
  if (types !== undefined) at('/scope/types', () => searchKeys({ type: types }))
  if (classes !== undefined) at('/scope/classes', () => searchKeys({ class: classes }))
  if (network !== undefined) at('/scope/network', () => searchKeys({ network }))
  if (domain !== undefined) at('/scope/domain', () => searchKeys({ domain }))
  const type = types === undefined ? {} : { type: types }
  for (const [n, value] of (values ?? []).entries()) at(`/scope/values/${n}`, () => searchKeys({ value, ...type }))
  return {
    originators,
    ...(types === undefined ? {} : { types }),
    ...(values === undefined ? {} : { values }),
    ...(classes === undefined ? {} : { classes }),
    ...(countries === undefined ? {} : { countries: at('/scope/countries', () => countries.map(parseJurisdiction)) }),
    ...(asns === undefined ? {} : { asns }),
    ...(network === undefined ? {} : { network }),
    ...(domain === undefined ? {} : { domain }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}

/** What is wrong in there is wrong at this place. */
function at<T>(pointer: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw error instanceof Fault ? new Fault(error.code, error.message, { position: { pointer } }) : error
  }
}

function oneOf<T extends string>(known: readonly T[], text: string, pointer: string): T {
  const found = known.find((each) => each === text)
  if (found === undefined) throw invalid(pointer, `One of ${known.join(', ')}.`)
  return found
}

/** Text of several lines, as people write it. @throws {Fault} `invalid_request` */
export function prose(text: string, pointer: string): string {
  const written = text.normalize('NFC').trim()
  if (written === '' || written.length > limits.legalTextCharacters)
    throw invalid(pointer, `A text of 1 to ${limits.legalTextCharacters} characters.`)
  return written
}

export const invalid = (pointer: string, sentence: string) =>
  new Fault('invalid_request', sentence, { position: { pointer } })
