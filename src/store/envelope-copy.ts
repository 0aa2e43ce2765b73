import { BinaryRows } from './binary-rows.ts'
import { copyBinary } from './copy-binary.ts'
import type { Transaction } from './database.ts'
import type { EnvelopeRow } from './envelopes.ts'

/** An envelope with the id of its seal. */
export type SealedRow = EnvelopeRow & { readonly seal: bigint }

/** Keeps envelopes of indicators of which none is kept yet; one that is there after all fails them all. Half the cost of an upsert. */
export async function copyEnvelopes({ client }: Transaction, envelopes: readonly SealedRow[], at: Date): Promise<void> {
  if (envelopes.length === 0) return
  const instant = at.toISOString()
  const out = new BinaryRows(columns.length)
  for (const row of envelopes) writeCells(out, row, instant)
  await copyBinary(client, `envelope (${columns.join(', ')})`, out.end())
}

/** {@link writeCells} fills them in this order. */
const columns = [
  'originator',
  'stix_id',
  'bare',
  'version',
  'recalled',
  'node',
  'epoch',
  'digest',
  'body',
  'seal',
  'leaf',
  'path',
  'hops',
  'received_from',
  'at',
]

function writeCells(out: BinaryRows, row: SealedRow, at: string): void {
  out.row()
  out.text(row.originator)
  out.uuid(row.stixId)
  out.flag(row.bare)
  out.integer(row.version)
  out.flag(row.recalled)
  out.uuid(row.node)
  out.uuid(row.epoch)
  out.bytes(row.digest)
  out.text(row.body)
  out.bigint(row.seal)
  out.integer(row.leaf)
  out.bytes(Buffer.concat(row.path))
  out.text(JSON.stringify(row.hops))
  out.uuid(row.receivedFrom)
  out.time(at)
}
