import { type BlocklistFormat, nameTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** A file of `acl … dstdomain`: each name with all under it. Squid refuses a name under another one, so those are left out. */
export const squid: BlocklistFormat = {
  extension: 'squid',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'Squid acl dstdomain',
  takes: nameTypes,
  collapses: true,
  merges: false,
  encode: (batches, facts) =>
    encodeLines(batches, facts, { comment: '#', collapses: true, line: ({ value }) => `.${value}\n` }),
}
