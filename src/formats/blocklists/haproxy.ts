import { type BlocklistFormat, nameTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** A file of `acl … -m dom -f`. A list of addresses for `src -f` is the plain one. */
export const haproxy: BlocklistFormat = {
  extension: 'haproxy',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'HAProxy acl, -m dom',
  takes: nameTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) => encodeLines(batches, facts, { comment: '#', line: ({ value }) => `${value}\n` }),
}
