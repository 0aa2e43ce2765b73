import type { Decoded } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { csv } from './csv.ts'
import { type DecodedGroups, oneByOne } from './decoded.ts'
import { misp } from './misp.ts'
import { puenteArray, puenteNdjson } from './puente.ts'
import { stix } from './stix.ts'

export const inputFormats = ['puente-json', 'puente-ndjson', 'stix', 'misp', 'csv'] as const
export type InputFormat = (typeof inputFormats)[number]

const decoders: Readonly<Record<InputFormat, (source: ByteSource) => DecodedGroups>> = {
  'puente-json': puenteArray,
  'puente-ndjson': puenteNdjson,
  stix,
  misp,
  csv,
}

/**
 * Drafts and faults of a body, in its order, in groups. `stix` and `misp` open the source twice. Memory is bounded whatever the
 * body's length; nothing but a failing source throws.
 */
export const decodeGroups = (format: InputFormat, source: ByteSource): DecodedGroups => decoders[format](source)

/** The same one by one. */
export const decode = (format: InputFormat, source: ByteSource): AsyncIterable<Decoded> =>
  oneByOne(decodeGroups(format, source))

/** Formats that open their source twice: a body that can be read once must be kept for them. */
export const opensTwice = (format: InputFormat): boolean => format === 'stix' || format === 'misp'

/** How many bytes from the start {@link formatOf} wants to see. */
export const sniffBytes = 4096

const ofParameter: Readonly<Record<string, InputFormat | undefined>> = {
  ...Object.fromEntries(inputFormats.map((format) => [format, format])),
  ndjson: 'puente-ndjson',
  jsonl: 'puente-ndjson',
  txt: 'csv',
  list: 'csv',
}

const ofMediaType: Readonly<Record<string, InputFormat | undefined>> = {
  'application/x-ndjson': 'puente-ndjson',
  'application/ndjson': 'puente-ndjson',
  'application/jsonl': 'puente-ndjson',
  'application/x-jsonlines': 'puente-ndjson',
  'application/stix+json': 'stix',
  'application/taxii+json': 'stix',
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'text/plain': 'csv',
}

/**
 * The format of a body: as the parameter says, else as the media type says, else (JSON of no particular kind) as its
 * beginning looks.
 * @throws {Fault} `unsupported_media_type`
 */
export function formatOf(
  mediaType: string | undefined,
  formatParameter: string | undefined,
  firstBytes: Buffer,
): InputFormat {
  if (formatParameter !== undefined && formatParameter !== 'json') {
    const format = Object.hasOwn(ofParameter, formatParameter) ? ofParameter[formatParameter] : undefined
    if (format !== undefined) return format
    throw new Fault('unsupported_media_type', `Formats are: json, ndjson, ${inputFormats.join(', ')}`)
  }
  const bare = mediaType?.split(';')[0]?.trim().toLowerCase() ?? ''
  const format = Object.hasOwn(ofMediaType, bare) ? ofMediaType[bare] : undefined
  if (format !== undefined && formatParameter === undefined) return format
  if (formatParameter === 'json' || bare === 'application/json') return formatOfJson(firstBytes)
  throw new Fault('unsupported_media_type', `This node does not read "${bare.slice(0, 100)}"`)
}

/** What the first members of the first object are called tells whose document it is. */
function formatOfJson(firstBytes: Buffer): InputFormat {
  for (const { name, value } of firstMembers(firstBytes.subarray(0, sniffBytes).toString('utf8'))) {
    if (name === 'Event' || name === 'response') return 'misp'
    if (name === 'objects' || name === 'spec_version' || value === 'bundle' || isStixId(value)) return 'stix'
  }
  return 'puente-json'
}

/** Native records may bring the id of an indicator; any other STIX id is an object of STIX. */
const isStixId = (value: string): boolean => {
  const uuid = value.indexOf('--')
  return uuid > 0 && value.length === uuid + 38 && !value.startsWith('indicator--')
}

/** Members of the object the text begins with (or of the first one in an array), as far as the text reaches. */
function* firstMembers(text: string): Generator<{ name: string; value: string }> {
  let depth = 0
  let name: string | undefined
  for (let at = Math.max(text.indexOf('{'), 0); at < text.length; at++) {
    const character = text[at]
    if (character === '"') {
      const end = closing(text, at)
      const string = text.slice(at + 1, end)
      if (depth === 1 && name !== undefined) yield { name, value: string }
      else if (depth === 1) name = string
      at = end
    } else if (character === '{' || character === '[') {
      if (depth === 1 && name !== undefined) yield { name, value: '' }
      depth++
    } else if (character === '}' || character === ']') depth--
    else if (character === ',' && depth === 1) name = undefined
    if (depth === 0 && at > 0 && character === '}') return
  }
}

function closing(text: string, open: number): number {
  let at = open + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
