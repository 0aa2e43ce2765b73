import { createHash, randomBytes } from 'node:crypto'
import type { Transaction } from './database.ts'

/** One act, as the log keeps it. `subject` is what it was about: kept apart under a salt, so that it can be erased. */
export interface AuditEntry {
  readonly at: Date
  readonly action: string
  readonly actor?: string | undefined
  readonly organisation?: string | undefined
  readonly decision: 'permit' | 'redact' | 'deny'
  readonly rules: readonly string[]
  readonly agreements?: readonly string[]
  readonly purpose: string
  readonly request?: string
  readonly policyEpoch: bigint
  readonly subject: string
}

/**
 * Appends a leaf in the caller's transaction: the act and its record commit together or not at all.
 * The leaf's text is what the Merkle tree hashes: keys in this order, no spaces.
 */
export async function appendAudit({ client }: Transaction, entry: AuditEntry): Promise<void> {
  const salt = randomBytes(16)
  const leaf = JSON.stringify({
    at: entry.at.toISOString(),
    action: entry.action,
    actor: entry.actor ?? null,
    organisation: entry.organisation ?? null,
    subject: createHash('sha256').update(salt).update(entry.subject).digest('hex'),
    decision: entry.decision,
    rules: entry.rules,
    agreements: entry.agreements ?? [],
    purpose: entry.purpose,
    request: entry.request ?? null,
    policy: String(entry.policyEpoch),
  })
  await client.query(
    `with written as (
       insert into audit_leaf (at, action, actor, organisation, decision, leaf) values ($1, $2, $3, $4, $5, $6) returning id
     )
     insert into audit_subject (leaf, salt, subject) select id, $7, $8 from written`,
    [
      entry.at.toISOString(),
      entry.action,
      entry.actor ?? null,
      entry.organisation ?? null,
      entry.decision,
      leaf,
      salt,
      entry.subject,
    ],
  )
}
