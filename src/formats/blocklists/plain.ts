import { type BlocklistFormat, blockableTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** One value a line and nothing else: not every reader of such files knows comments. */
export const plain: BlocklistFormat = {
  extension: 'txt',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'one value a line',
  takes: blockableTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) => encodeLines(batches, facts, { line: ({ value }) => `${value}\n` }),
}
