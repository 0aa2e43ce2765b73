import { createHash } from 'node:crypto'
import type { Blockable } from '../../domain/released.ts'
import { type BlocklistFormat, nameTypes, networkTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** Above everything that public rule sets number, and within 32 bits. */
const firstSid = 1_000_000_000
const sids = 3_000_000_000

/** A rule for each value: DNS queries for a name or anything under it, and packets from or to a network. */
export const suricataRules: BlocklistFormat = {
  extension: 'rules',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'Suricata rules',
  takes: [...nameTypes, ...networkTypes],
  collapses: false,
  merges: false,
  encode: (batches, facts) => {
    const sidOf = sidMaker()
    return encodeLines(batches, facts, { comment: '#', line: (value) => rule(value, sidOf(value.value)) })
  },
}

const rule = ({ type, value }: Blockable, sid: number): string =>
  type.startsWith('ip')
    ? `drop ip ${value} any <> any any (msg:"Puente blocklist, network"; sid:${sid}; rev:1;)\n`
    : `drop dns any any -> any any (msg:"Puente blocklist, ${value}"; dns.query; dotprefix; content:".${value}"; nocase; endswith; sid:${sid}; rev:1;)\n`

/** A value keeps its number from list to list, so that an exception for it stays one; two with one number refuse each other. */
function sidMaker(): (value: string) => number {
  const used = new Set<number>()
  return (value) => {
    let n = createHash('sha256').update(value).digest().readUInt32BE(0) % sids
    while (used.has(n)) n = (n + 1) % sids
    used.add(n)
    return firstSid + n
  }
}
