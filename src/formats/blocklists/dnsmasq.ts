import { type BlocklistFormat, nameTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** A `conf-file`: the name and all under it are answered from here alone, with NXDOMAIN. */
export const dnsmasq: BlocklistFormat = {
  extension: 'dnsmasq',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'dnsmasq conf-file',
  takes: nameTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) => encodeLines(batches, facts, { comment: '#', line: ({ value }) => `local=/${value}/\n` }),
}
