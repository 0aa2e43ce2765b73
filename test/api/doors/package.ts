import { runExports } from '../../../src/actions/index.ts'
import type { LegalGrant } from '../../../src/domain/reader.ts'
import { readZip } from '../../../src/formats/export-zip.ts'
import type { TestNode } from '../../node.ts'
import type { Planted, Seen } from './seen.ts'

/** What a package under one request of the case holds of it. */
export async function underRequest(
  node: TestNode,
  { row, value }: Planted,
  { originators, approvedAt, expiresAt }: LegalGrant,
): Promise<Seen> {
  const { rows } = await node.context.database.client.query<{ id: string }>(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction,
       facts, necessity, scope, named, originators, state, approved_at, expires_at)
     values (gen_random_uuid(), $1, 'domestic-order', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', $2, $3, $3, 'approved', $4, $5) returning id`,
    [row.reader, JSON.stringify({ originators, values: [value] }), originators, approvedAt, expiresAt],
  )
  const started = await node.call(row.reader, { method: 'POST', url: `/v1/legal-requests/${rows[0]?.id}/exports` })
  // Its time is over, or the account is no liaison.
  if (started.status === 409) return 'deny'
  if (started.status === 403) return 'closed'
  if (started.status !== 202) throw new Error(started.text)
  await runExports(node.context)
  const { statusCode, rawPayload } = await node.app.inject({
    method: 'POST',
    url: `/v1/exports/${started.body.id}/download`,
    headers: node.as(row.reader),
  })
  if (statusCode !== 200) throw new Error(rawPayload.toString())
  const files = [...readZip(rawPayload, 1_000_000)].map(([, content]) => Buffer.from(content).toString())
  const { counts, items } = JSON.parse(files[4] ?? '{}')
  await node.context.database.client.query('delete from export')
  if (items.length === 0) return 'deny'
  if (counts.masked === 0) return 'permit'
  // The scope was given by whoever asked, and stands in the manifest.
  if (files.slice(1, 4).join('').includes(value)) throw new Error('a masked package holds the value')
  return 'redact'
}
