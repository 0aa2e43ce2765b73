import { Fault } from '../domain/errors.ts'
import type { ObservationScanner, ObservationSink } from '../domain/observations/sink.ts'
import { ObservationBinary } from './observations-binary.ts'
import { ObservationCsv } from './observations-csv.ts'
import { ObservationNdjson } from './observations-ndjson.ts'

export const observationFormats = ['ndjson', 'csv', 'binary'] as const
export type ObservationFormat = (typeof observationFormats)[number]

/** Media type of the binary form. */
export const binaryMediaType = 'application/vnd.puente.observations'

const formatOfMediaType: Readonly<Record<string, ObservationFormat | undefined>> = {
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'text/csv': 'csv',
  'text/plain': 'csv',
  'text/tab-separated-values': 'csv',
  [binaryMediaType]: 'binary',
}

/** @throws {Fault} `unsupported_media_type` */
export function observationFormatOf(mediaType: string | undefined): ObservationFormat {
  const bare = mediaType?.split(';')[0]?.trim().toLowerCase() ?? ''
  const format = Object.hasOwn(formatOfMediaType, bare) ? formatOfMediaType[bare] : undefined
  if (format === undefined) {
    throw new Fault('unsupported_media_type', `Send application/x-ndjson, text/csv or ${binaryMediaType}.`)
  }
  return format
}

/** Whether a format counts places in lines or in bytes. */
export const placeNameOf = (format: ObservationFormat): 'line' | 'offset' => (format === 'binary' ? 'offset' : 'line')

export function observationScanner(format: ObservationFormat, sink: ObservationSink): ObservationScanner {
  switch (format) {
    case 'ndjson':
      return new ObservationNdjson(sink)
    case 'csv':
      return new ObservationCsv(sink)
    case 'binary':
      return new ObservationBinary(sink)
  }
}
