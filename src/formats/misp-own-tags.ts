import { Fault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { handlingFromRecord } from './handling-fields.ts'

/** What MISP has no word for is said in machine tags of this namespace: `puente:audience="community:lac-csirts"`. */
const namespace = 'puente:'

export const isOurs = (tag: string): boolean => bareTag(tag).startsWith(namespace)

/** A tag as it is compared: in lower case, without white space and what is not seen, wide letters as plain ones. A limit is one however it is written. */
export const bareTag = (tag: string): string =>
  tag
    .normalize('NFKC')
    .replace(/[\s\p{Cf}]/gu, '')
    .toLowerCase()

interface Predicate {
  readonly member: string
  readonly list?: true
  readonly flag?: true
  /** Whether an empty value says something: that the list has nobody in it. */
  readonly empty?: true
}

/** Predicates → members of a record that says handling; those that are lists come as often as they have items. */
const predicates: Readonly<Record<string, Predicate>> = {
  audience: { member: 'audience', list: true },
  people: { member: 'people', list: true },
  'releasable-to': { member: 'releasableTo', list: true, empty: true },
  'not-releasable-to': { member: 'notReleasableTo', list: true },
  'law-enforcement': { member: 'lawEnforcement' },
  'personal-data': { member: 'personalData', flag: true },
  attribution: { member: 'attribution' },
  'expires-at': { member: 'expiresAt' },
}

/** What such tags of one thing say together. One that is not known says something that cannot be kept. @throws {Fault} `marking_unknown`, `invalid_handling` */
export function handlingOfOurs(tags: readonly string[]): HandlingInput {
  const record: Record<string, unknown> = {}
  const nobody = new Set<string>()
  for (const tag of tags) {
    const equals = tag.indexOf('=')
    const name = bareTag(tag.slice(0, Math.max(equals, 0))).slice(namespace.length)
    const predicate = equals > 0 && Object.hasOwn(predicates, name) ? predicates[name] : undefined
    const value = unquoted(tag.slice(equals + 1).trim())
    if (predicate === undefined || (value === '' && predicate.empty !== true)) throw unknown(tag)
    const { member, list, flag } = predicate
    if (list === true && value === '') nobody.add(member)
    else if (list === true) record[member] = [...((record[member] as string[] | undefined) ?? []), value]
    else if (record[member] !== undefined && record[member] !== value) throw unknown(tag)
    else record[member] = flag === true ? value === 'true' : value
  }
  for (const member of nobody) record[member] = []
  return handlingFromRecord(record)
}

const unquoted = (text: string): string =>
  text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text

const unknown = (tag: string): Fault =>
  new Fault('marking_unknown', `The tag ${tag.slice(0, 60)} limits access in a way not known here`)
