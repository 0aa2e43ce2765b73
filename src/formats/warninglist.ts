import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { typeOfMisp } from '../domain/observables/misp.ts'
import { anyIpAddress } from '../domain/observables/parse.ts'
import { type Warninglist, warninglistKinds } from '../domain/warninglist.ts'
import { parseStrict } from './json-text.ts'

const ipTypes = ['ipv4-address', 'ipv4-prefix', 'ipv6-address', 'ipv6-prefix']

/**
 * A warninglist as MISP's repository has them (`list.json`): name, type, matching_attributes, list. Lists of regular expressions are
 * refused: the expressions of strangers are never run on what others publish.
 * @throws {Fault} `invalid_request` with what is wrong; `invalid_json`, `duplicate_key`
 */
export function readWarninglist(bytes: Buffer): Warninglist {
  const document: unknown = parseStrict(bytes)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw wrong('it is no object')
  const { name, type, list, ...rest } = document as Record<string, unknown>
  if (type === 'regex') throw wrong('lists of regular expressions are not taken: they can stop a node for hours')
  const kind = warninglistKinds.find((each) => each === type)
  if (kind === undefined) throw wrong(`its type is none of ${warninglistKinds.join(', ')}`)
  if (!isText(name, 256) || name === '') throw wrong('it has no name of up to 256 characters')
  if (!Array.isArray(list) || !list.every((entry) => isText(entry, limits.warninglistEntryCharacters))) {
    throw wrong(`its list is not one of texts of up to ${limits.warninglistEntryCharacters} characters`)
  }
  const { version, description, category, matching_attributes: attributes = [] } = rest
  return {
    name,
    version: typeof version === 'number' && Number.isSafeInteger(version) ? version : 0,
    description: isText(description, 4_096) ? description : '',
    category: isText(category, 64) ? category : 'False positive',
    kind,
    types: typesOf(attributes),
    entries: [...new Set(list as string[])],
  }
}

/** @throws {Fault} where a list says what it is about and nothing of that is known here: it must not be about everything then */
function typesOf(attributes: unknown): string[] {
  if (!Array.isArray(attributes) || !attributes.every((each) => isText(each, 64)))
    throw wrong('its matching_attributes are no list of texts')
  const types = (attributes as string[]).flatMap((attribute) => typeOfMisp(attribute) ?? [])
  if (attributes.length > 0 && types.length === 0) throw wrong('none of its matching_attributes is known here')
  return [...new Set(types.flatMap((type) => (type === anyIpAddress ? ipTypes : type)))]
}

const isText = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value.length <= most && !value.includes('\0') && value.isWellFormed()

const wrong = (why: string): Fault => new Fault('invalid_request', `This is no warninglist: ${why}.`)
