import { type BlocklistFormat, nameTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** An `include`: the name and all under it are answered with NXDOMAIN. */
export const unbound: BlocklistFormat = {
  extension: 'unbound',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'Unbound include',
  takes: nameTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) =>
    encodeLines(batches, facts, {
      comment: '#',
      head: 'server:\n',
      line: ({ value }) => `local-zone: "${value}." always_nxdomain\n`,
    }),
}
