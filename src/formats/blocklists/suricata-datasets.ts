import type { Blockable } from '../../domain/released.ts'
import { type BlocklistFormat, nameTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** A file for `dataset:isset`: one value a line, of one type of dataset, nothing else (Suricata, "Datasets"). */
const dataset = (
  extension: string,
  consumer: string,
  takes: readonly string[],
  written: (value: string) => string,
): BlocklistFormat => ({
  extension,
  mediaType: 'text/plain; charset=utf-8',
  consumer,
  takes,
  collapses: false,
  merges: false,
  encode: (batches, facts) => encodeLines(batches, facts, { line: ({ value }: Blockable) => `${written(value)}\n` }),
})

const asItIs = (value: string): string => value

export const suricataDatasets: readonly BlocklistFormat[] = [
  // Strings of a dataset are in base 64.
  dataset('strings', 'Suricata dataset of type string, for dns.query and tls.sni', nameTypes, (value) =>
    Buffer.from(value).toString('base64'),
  ),
  dataset('ips', 'Suricata dataset of type ip', ['ipv4-address', 'ipv6-address'], asItIs),
  dataset('md5', 'Suricata dataset of type md5, for filemd5', ['md5'], asItIs),
  dataset('sha256', 'Suricata dataset of type sha256, for filesha256', ['sha256'], asItIs),
]
