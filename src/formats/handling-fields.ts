import { attributions, type HandlingInput, lawEnforcementUses } from '../domain/handling.ts'
import { parseJurisdiction } from '../domain/jurisdiction.ts'
import { limits } from '../domain/limits.ts'
import { parsePap } from '../domain/pap.ts'
import { parseTlp } from '../domain/tlp.ts'
import { defined, Fields } from './fields.ts'
import type { JsonObject } from './json-text.ts'

/** The members of a record that say who may have it and what for. */
export const handlingMembers = [
  'tlp',
  'pap',
  'audience',
  'people',
  'releasableTo',
  'notReleasableTo',
  'lawEnforcement',
  'personalData',
  'attribution',
  'expiresAt',
] as const

const speaking: readonly string[] = [...handlingMembers, 'originator']
const nothingSaid: HandlingInput = Object.freeze({})

/**
 * What a record (or a profile, or a request) says about handling; other members are left alone. `pointer` is where the
 * object lies in its record.
 * @throws {Fault} `marking_unknown`, `invalid_handling`
 */
export function handlingFromRecord(record: JsonObject, pointer = ''): HandlingInput {
  if (!speaking.some((name) => Object.hasOwn(record, name))) return nothingSaid
  const fields = new Fields(record, pointer, 'invalid_handling')
  if (fields.has('originator')) {
    throw fields.fault('originator', 'The originator is who publishes; it is never taken from the body')
  }
  return defined<HandlingInput>({
    tlp: label(fields, 'tlp', parseTlp),
    pap: label(fields, 'pap', parsePap),
    audience: fields.texts('audience', limits.audienceItems),
    people: fields.texts('people', limits.audienceItems),
    releasableTo: jurisdictions(fields, 'releasableTo'),
    notReleasableTo: jurisdictions(fields, 'notReleasableTo'),
    lawEnforcement: fields.oneOf('lawEnforcement', lawEnforcementUses),
    personalData: fields.flag('personalData'),
    attribution: fields.oneOf('attribution', attributions),
    expiresAt: fields.time('expiresAt'),
  })
}

function label<T>(fields: Fields, name: string, parse: (text: string) => T): T | undefined {
  const text = fields.text(name)
  return text === undefined ? undefined : fields.parsed(name, () => parse(text))
}

const jurisdictions = (fields: Fields, name: string): readonly string[] | undefined =>
  fields
    .texts(name, limits.audienceItems)
    ?.map((item) => fields.parsed(name, () => parseJurisdiction(item), 'invalid_handling'))
