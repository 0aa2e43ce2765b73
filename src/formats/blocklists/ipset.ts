import { type BlocklistFormat, networkTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** More elements than any list has: a set that is full refuses the rest of the file. */
const mostElements = 4_194_304

/** Two sets of type `hash:net` for `ipset restore`, emptied and filled. They take networks inside others as they are. */
export const ipset: BlocklistFormat = {
  extension: 'ipset',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'ipset restore',
  takes: networkTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) =>
    encodeLines(batches, facts, {
      comment: '#',
      head:
        `create puente4 hash:net family inet maxelem ${mostElements} -exist\nflush puente4\n` +
        `create puente6 hash:net family inet6 maxelem ${mostElements} -exist\nflush puente6\n`,
      line: ({ value }) => `add puente${value.includes(':') ? 6 : 4} ${value} -exist\n`,
    }),
}
