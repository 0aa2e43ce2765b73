import { createHash, randomBytes } from 'node:crypto'
import { Fault } from '../domain/errors.ts'
import type { Queries, Transaction } from './database.ts'

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
  /** Legal requests that the decision rested on. */
  readonly requests?: readonly string[]
  readonly policyEpoch: bigint
  /** Version of the program: the rules that decided are its rules. */
  readonly program: string
  /** The push that the act belongs to; an index beside the leaf, and in its subject. */
  readonly receipt?: string | undefined
  /** For readings: how many indicators above CLEAR, and on what the decision rested (hex digests in `audit_basis`). */
  readonly reading?: { readonly count: number; readonly reader: string; readonly world: string }
  readonly subject: string
}

/** A text on which decisions rested, by its digest (SHA-256, hex). */
export interface Basis {
  readonly digest: string
  readonly body: string
}

/**
 * Appends a leaf in the caller's transaction: the act and its record commit together or not at all.
 * @returns the number of the leaf
 */
export async function appendAudit(transaction: Transaction, entry: AuditEntry): Promise<bigint> {
  const [id] = await appendAudits(transaction, [entry])
  if (id === undefined) throw new Error('a leaf was not written')
  return id
}

/**
 * Appends leaves by one statement: all of them or none, in this order. @returns their numbers
 * @throws {Fault} `unavailable` whatever keeps the log from taking them: what cannot be logged is not done, and may be tried again
 */
export async function appendAudits(
  { client }: Queries,
  entries: readonly AuditEntry[],
  bases: readonly Basis[] = [],
): Promise<bigint[]> {
  const salts = randomBytes(16 * entries.length)
  const salt = (i: number) => salts.subarray(16 * i, 16 * (i + 1))
  const leaves = entries.map((entry, i) => leafText(entry, commitmentOf(salt(i), entry.subject)))
  const column = (of: (entry: AuditEntry) => string | undefined) => entries.map((entry) => of(entry) ?? null)
  const values: unknown[] = [
    column(({ at }) => at.toISOString()),
    column(({ action }) => action),
    column(({ actor }) => actor),
    column(({ organisation }) => organisation),
    column(({ decision }) => decision),
    column(({ receipt }) => receipt),
    column(({ requests = [] }) => (requests.length === 0 ? undefined : `{${requests.join(',')}}`)),
    leaves,
    entries.map((_, i) => salt(i)),
    column(({ subject }) => subject),
  ]
  if (bases.length > 0)
    values.push(
      bases.map(({ digest }) => digest),
      bases.map(({ body }) => body),
    )
  const asked = client.query<{ leaf: bigint }>(
    `with ${bases.length === 0 ? '' : withBases}
     given as (
       select * from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[],
         $8::text[], $9::bytea[], $10::text[])
         with ordinality g (at, action, actor, organisation, decision, receipt, requests, leaf, salt, subject, n)
     ),
     written as (
       insert into audit_leaf (at, action, actor, organisation, decision, receipt, requests, leaf)
       select at, action, actor, organisation, decision, receipt, requests::uuid[], leaf from given order by n returning id, leaf
     )
     insert into audit_subject (leaf, salt, subject) select w.id, g.salt, g.subject from written w join given g using (leaf)
     returning leaf`,
    values,
  )
  const { rows } = await asked.catch((cause: unknown) => {
    throw unwritten(cause)
  })
  return rows.map(({ leaf }) => leaf)
}

/** That the log cannot take something just now. */
export const unwritten = (cause?: unknown): Fault =>
  new Fault('unavailable', 'The audit log cannot be written just now, so this is not answered; try again.', {
    cause,
    retryAfterSeconds: 5,
  })

const withBases = `based as (
  insert into audit_basis (digest, body)
  select decode(digest, 'hex'), body from unnest($11::text[], $12::text[]) b (digest, body) on conflict do nothing
),`

/** What a leaf says of its subject: SHA-256 over the salt and the subject, hex. */
export const commitmentOf = (salt: Uint8Array, subject: string): string =>
  createHash('sha256').update(salt).update(subject).digest('hex')

/** The text that the Merkle tree hashes: keys in this order, no spaces. It is kept; nothing is ever computed from columns. */
const leafText = (entry: AuditEntry, commitment: string): string =>
  JSON.stringify({
    at: entry.at.toISOString(),
    action: entry.action,
    actor: entry.actor ?? null,
    organisation: entry.organisation ?? null,
    subject: commitment,
    decision: entry.decision,
    rules: entry.rules,
    agreements: entry.agreements ?? [],
    purpose: entry.purpose,
    requests: entry.requests ?? [],
    policy: String(entry.policyEpoch),
    program: entry.program,
    ...entry.reading,
  })
