import { type BlocklistFormat, nameTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** A hosts file: the name alone, since it knows no wildcards. */
export const hosts: BlocklistFormat = {
  extension: 'hosts',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'hosts file',
  takes: nameTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) => encodeLines(batches, facts, { comment: '#', line: ({ value }) => `0.0.0.0 ${value}\n` }),
}
