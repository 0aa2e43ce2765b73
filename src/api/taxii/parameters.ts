import type { Versions } from '../../actions/collection-versions.ts'
import type { CollectionFilter, ReadCollectionInput } from '../../actions/read-collection.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { parseTimestamp } from '../../formats/timestamp.ts'

/** A query string: brackets are part of a name, and what comes twice is a list. */
export type Query = Readonly<Record<string, unknown>>

/** Which `match[…]` fields a door has (TAXII 2.1 §5). */
export type Match = 'id' | 'type' | 'version' | 'spec_version'

/**
 * Paging and filter of a request. Fields join by AND, and the values of one by OR (§3.4). What others may have added to the standard is
 * passed over; what looks like a field and is none is a mistake.
 * @throws {Fault} `invalid_request` for what comes twice, is empty or is not what it should be
 */
export function pagingOf(
  query: Query,
  match: readonly Match[],
): Pick<ReadCollectionInput, 'filter' | 'limit' | 'next'> {
  for (const name of Object.keys(query)) {
    if (name.startsWith('match') && !match.some((field) => name === `match[${field}]`))
      throw wrong(name, 'is no filter of this door')
  }
  const [limit, next] = [once(query, 'limit'), once(query, 'next')]
  const addedAfter = once(query, 'added_after')
  const types = listOf(query, 'match[type]')
  const specVersions = listOf(query, 'match[spec_version]')
  const ids = listOf(query, 'match[id]')
  const versions = listOf(query, 'match[version]')
  if (ids !== undefined && ids.length > limits.collectionIds)
    throw wrong('match[id]', `names at most ${limits.collectionIds} objects`)
  const filter: CollectionFilter = {
    ...(addedAfter === undefined ? {} : { addedAfter: timeOf('added_after', addedAfter) }),
    ...(ids === undefined ? {} : { ids }),
    ...(types === undefined ? {} : { types }),
    ...(specVersions === undefined ? {} : { specVersions }),
    ...(versions === undefined ? {} : { versions: versionsOf(versions) }),
  }
  return {
    filter,
    ...(limit === undefined ? {} : { limit: limitOf(limit) }),
    // Clients send it empty where there is none.
    ...(next === undefined || next === '' ? {} : { next }),
  }
}

function once(query: Query, name: string): string | undefined {
  const value = query[name]
  if (value === undefined || typeof value === 'string') return value
  throw wrong(name, 'comes more than once')
}

function listOf(query: Query, name: string): readonly string[] | undefined {
  const items = once(query, name)
    ?.split(',')
    .map((item) => item.trim())
  if (items?.includes('')) throw wrong(name, 'has an empty value')
  return items
}

function limitOf(text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (number < 1) throw wrong('limit', 'is a number from 1')
  return number
}

function timeOf(name: string, text: string): string {
  const time = parseTimestamp(text, 'rfc3339')
  if (time === undefined) throw wrong(name, 'is no time as RFC 3339 writes it')
  return time
}

function versionsOf(items: readonly string[]): Versions {
  const words = ['last', 'first', 'all']
  const times = items.filter((item) => !words.includes(item)).map((item) => timeOf('match[version]', item))
  return {
    last: items.includes('last'),
    first: items.includes('first'),
    all: items.includes('all'),
    // What is kept has milliseconds.
    times: times.map((time) => `${time.slice(0, 23)}Z`),
  }
}

const wrong = (name: string, sentence: string): Fault =>
  new Fault('invalid_request', `"${name.slice(0, 60)}" ${sentence}.`, {
    position: { pointer: `/${name.slice(0, 60)}` },
  })
