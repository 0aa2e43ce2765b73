import { Fault } from './errors.ts'
import { parseJurisdiction } from './jurisdiction.ts'
import { constituencyKeys } from './observables/keys.ts'
import { parseObservable } from './observables/parse.ts'
import type { ConstituencyEntry } from './organisation.ts'

/** Ids of organisations, communities and agreements: `cert-br`. */
export function parseSlug(text: string, pointer: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(text)) {
    throw invalid(
      pointer,
      'An id has 1 to 63 lower-case letters, digits and hyphens, and begins with none of the last.',
    )
  }
  return text
}

/** Ids of accounts: `ana.cert-br`. */
export function parseAccountId(text: string, pointer: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,126}$/.test(text)) {
    throw invalid(pointer, 'An account id has 1 to 127 lower-case letters, digits, dots, hyphens and underscores.')
  }
  return text
}

/** Names that people read: one line, no control characters. */
export function parseName(text: string, pointer: string): string {
  const name = text.normalize('NFC').trim()
  if (name === '' || name.length > 200 || /\p{C}/u.test(name)) {
    throw invalid(pointer, 'A name has 1 to 200 printable characters.')
  }
  return name
}

/** Years that every part of the node can write: 0001 to 9998. */
const earliest = Date.parse('0001-01-02T00:00:00Z')
const latest = Date.parse('9998-12-31T00:00:00Z')

/** @returns ISO 8601 UTC with milliseconds */
export function parseInstant(text: string, pointer: string): string {
  const time = Date.parse(text)
  const written = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
  const date = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  const inCalendar = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, 10))
  if (!written || !inCalendar || !(time >= earliest && time <= latest))
    throw invalid(pointer, 'A time is written as in 2026-06-01T12:00:00Z.')
  return new Date(time).toISOString()
}

/** One thing an organisation answers for, in canonical form. */
export function parseConstituencyEntry(entry: ConstituencyEntry, pointer: string): ConstituencyEntry {
  const { kind, value } = entry
  try {
    switch (kind) {
      case 'country':
        return { kind, value: parseJurisdiction(value) }
      case 'asn':
        return { kind, value: String(constituencyKeys(parseObservable('autonomous-system', value)).asn) }
      case 'domain':
        return { kind, value: parseObservable('domain-name', value).value }
      case 'prefix':
        return { kind, value: parseObservable(value.includes(':') ? 'ipv6-prefix' : 'ipv4-prefix', value).value }
    }
  } catch (error) {
    throw error instanceof Fault ? invalid(`${pointer}/value`, error.message) : error
  }
}

const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
