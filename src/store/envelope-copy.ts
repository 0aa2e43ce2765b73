import type { Transaction } from './database.ts'
import type { EnvelopeRow } from './envelopes.ts'
import { copyLines, textCell } from './staging.ts'

/** An envelope with the id of its seal. */
export type SealedRow = EnvelopeRow & { readonly seal: bigint }

/** Keeps envelopes of indicators of which none is kept yet; one that is there after all fails them all. Half the cost of an upsert. */
export async function copyEnvelopes({ client }: Transaction, envelopes: readonly SealedRow[], at: Date): Promise<void> {
  if (envelopes.length === 0) return
  const instant = at.toISOString()
  const lines = envelopes.map((row) => lineOf(row, instant))
  await copyLines(client, `envelope (${columns})`, [Buffer.from(lines.join(''))])
}

const columns =
  'originator, stix_id, bare, version, recalled, node, epoch, digest, body, seal, leaf, path, hops, received_from, at'

const lineOf = (row: SealedRow, at: string): string =>
  `${row.originator}\t${row.stixId}\t${row.bare}\t${row.version}\t${row.recalled}\t${row.node}\t${row.epoch}\t${bytes(
    row.digest,
  )}\t${textCell(row.body)}\t${row.seal}\t${row.leaf}\t${bytes(Buffer.concat(row.path))}\t${textCell(
    JSON.stringify(row.hops),
  )}\t${row.receivedFrom ?? '\\N'}\t${at}\n`

const bytes = (value: Buffer): string => `\\\\x${value.toString('hex')}`
