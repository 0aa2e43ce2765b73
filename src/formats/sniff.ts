import type { Decoded } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { cap } from './cap.ts'
import { csv } from './csv.ts'
import type { CsvMapping } from './csv-mapping.ts'
import { type DecodedGroups, oneByOne } from './decoded.ts'
import { intelmq } from './intelmq.ts'
import { misp } from './misp.ts'
import { n6 } from './n6.ts'
import { openioc } from './openioc.ts'
import { puenteArray, puenteNdjson } from './puente.ts'
import { shadowserver } from './shadowserver.ts'
import { formatOfObject, formatOfText } from './sniff-text.ts'
import { stix } from './stix.ts'

export const inputFormats = [
  ...(['puente-json', 'puente-ndjson', 'stix', 'misp', 'csv'] as const),
  ...(['cap', 'shadowserver', 'intelmq', 'n6', 'openioc'] as const),
] as const
export type InputFormat = (typeof inputFormats)[number]

/** What is said beside a body about how to read it. */
export interface DecodeOptions {
  /** Type of a Shadowserver report. */
  readonly report?: string
  /** What the columns of a CSV file are. */
  readonly columns?: CsvMapping
}

const decoders: Readonly<Record<InputFormat, (source: ByteSource, options: DecodeOptions) => DecodedGroups>> = {
  'puente-json': puenteArray,
  'puente-ndjson': puenteNdjson,
  stix,
  misp,
  csv: (source, { columns }) => csv(source, columns),
  cap,
  shadowserver: (source, { report }) => shadowserver(source, report),
  intelmq,
  n6,
  openioc,
}

/**
 * Drafts and faults of a body, in its order, in groups. `stix` and `misp` open the source twice. Memory is bounded whatever the
 * body's length; nothing but a failing source throws.
 */
export const decodeGroups = (format: InputFormat, source: ByteSource, options: DecodeOptions = {}): DecodedGroups =>
  decoders[format](source, options)

/** The same one by one. */
export const decode = (format: InputFormat, source: ByteSource, options?: DecodeOptions): AsyncIterable<Decoded> =>
  oneByOne(decodeGroups(format, source, options))

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
  'application/xml': 'openioc',
  'text/xml': 'openioc',
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
  if (format !== undefined && formatParameter === undefined) return sharper(format, firstBytes)
  if (formatParameter === 'json' || bare === 'application/json') return formatOfJson(firstBytes)
  throw new Fault('unsupported_media_type', `This node does not read "${bare.slice(0, 100)}"`)
}

/** What the beginning tells more exactly than the media type: lines of objects may be events, and text may be a feed's. */
function sharper(format: InputFormat, firstBytes: Buffer): InputFormat {
  const text = firstBytes.subarray(0, sniffBytes).toString('utf8')
  if (format === 'csv') return formatOfText(text) ?? format
  if (format !== 'puente-ndjson') return format
  const found = formatOfObject(text)
  return found === 'intelmq' || found === 'n6' ? found : format
}

const formatOfJson = (firstBytes: Buffer): InputFormat =>
  formatOfObject(firstBytes.subarray(0, sniffBytes).toString('utf8')) ?? 'puente-json'
