import type { BlocklistFormat } from './format.ts'
import { encodeLines } from './lines.ts'

/** The first version of ClamAV's engine that takes hashes of files of unknown size (0.98). */
const functionalityLevel = 73

const signatures = (extension: string, takes: readonly string[]): BlocklistFormat => ({
  extension,
  mediaType: 'text/plain; charset=utf-8',
  consumer: `ClamAV, ${takes.join(' and ')} of files`,
  takes,
  collapses: false,
  merges: false,
  // hash:size:name:level; the size is not known
  encode: (batches, facts) =>
    encodeLines(batches, facts, {
      line: ({ type, value }) => `${value}:*:Puente.${type}-${value.slice(0, 12)}:${functionalityLevel}\n`,
    }),
})

/** Signatures of whole files by their hash (ClamAV, "File hash signatures"). */
export const clamav: readonly BlocklistFormat[] = [signatures('hdb', ['md5']), signatures('hsb', ['sha1', 'sha256'])]
