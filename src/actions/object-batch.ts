import { createHash, hash } from 'node:crypto'
import type { ObjectDraft } from '../domain/draft.ts'
import type { FaultCode, RecordFault } from '../domain/errors.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { revokedObject, stixOfObject } from '../formats/stix-other-out.ts'
import { type Parts, partsOf } from '../policy/composed.ts'
import { narrows } from '../policy/narrowing.ts'
import { isWritten, type NewObject, type ObjectOutcome, writeObjects } from '../store/objects.ts'
import { touchReceipt } from '../store/receipts.ts'
import type { PushOrigin } from './batch.ts'
import { idsKnown, partsReader } from './object-parts.ts'
import { recognise } from './recognise.ts'
import { record, stillMay } from './verb.ts'

/** An object whose handling is settled: its text as it will be given out, before pruning, and what it is made of. */
export interface PreparedObject {
  readonly draft: ObjectDraft
  readonly handling: Handling
  readonly stix: string
  readonly parts: Parts
  /** SHA-256 as hex. */
  readonly digest: string
}

export function prepareObject(draft: ObjectDraft, handling: Handling): PreparedObject {
  // The source of what is shared anonymously must not stand in the text either.
  const anonymous = handling.attribution === 'anonymous'
  const whole = stixOfObject(draft.received, draft.type, handling.tlp, { anonymous })
  const stix = draft.revoked === true ? revokedObject(whole, draft.type) : whole
  const digest = hash('sha256', JSON.stringify([handlingText(handling), stix]))
  return { draft, handling, stix, parts: partsOf(JSON.parse(stix)), digest }
}

/** What became of the objects of a batch. */
export interface WrittenObjects {
  readonly accepted: number
  readonly unchanged: number
  readonly refused: readonly RecordFault[]
  /** Those that refer to what is not known yet. */
  readonly waiting: readonly PreparedObject[]
}

/** Writes objects of one push, no two of one id: rows and audit leaf in one transaction. What needs something unknown is left out. */
export async function writeObjectBatch(origin: PushOrigin, items: readonly PreparedObject[]): Promise<WrittenObjects> {
  const { context, caller, receipt } = origin
  await stillMay(context, caller, 'publish')
  const { ready, waiting } = await apart(origin, items)
  if (ready.length === 0) return { accepted: 0, unchanged: 0, refused: [], waiting }
  const ids = await context.policy.intern(ready.map(({ handling }) => handling))
  const handlingOf = new Map(ids.map((id, n) => [id, ready[n]?.handling]))
  const standing = await context.policy.current()
  const at = context.clock()
  const narrower = (from: number, to: number): boolean => {
    const [earlier, later] = [from, to].map((id) => standing.visibility.handling(id) ?? handlingOf.get(id))
    return earlier !== undefined && later !== undefined && narrows(earlier, later)
  }
  const rows = ready.map((item, n) => rowOf(item, ids[n] ?? 0))
  const outcomes = await context.database.transaction(async (transaction) => {
    const found = await writeObjects(transaction, caller.reader.organisation?.id ?? '', rows, at, narrower)
    await touchReceipt(transaction, receipt, at)
    const written = ready.filter((_, n) => isWritten(found[n] ?? 'unchanged'))
    if (written.length === 0) return found
    const digest = createHash('sha256')
    for (const { draft, digest: each } of written) digest.update(draft.id).update(each)
    await record(transaction, context, caller, standing, {
      action: 'publish',
      decision: 'permit',
      rules: ['role.publisher'],
      receipt,
      subject: JSON.stringify({ receipt, written: written.length, digest: digest.digest('hex') }),
    })
    return found
  })
  return { ...countOf(ready, outcomes), waiting }
}

/** The row to write. */
export const rowOf = ({ draft, stix, parts, digest }: PreparedObject, handlingId: number): NewObject => ({
  id: draft.id,
  type: draft.type,
  handlingId,
  created: draft.created,
  modified: draft.modified,
  ...parts,
  stix,
  received: draft.received === stix ? undefined : draft.received,
  digest,
  ...(draft.revoked === true ? { revoked: true } : {}),
})

/** Those that have what they need among the batch and what the publisher may know, and the others. What is taken back needs nothing. */
async function apart({ context, caller }: PushOrigin, items: readonly PreparedObject[]) {
  const wanted = new Set(items.flatMap(({ parts }) => [...parts.needs, ...parts.about]))
  const standing = await context.policy.current()
  const known = await recognise(context, standing, caller)
  const there = await idsKnown(context.database, partsReader(context, known, standing), [...wanted])
  let ready = items
  for (;;) {
    const among = new Set(ready.map(({ draft }) => draft.id))
    const has = (id: string): boolean => there.has(id) || among.has(id)
    const left = ready.filter(
      ({ draft, parts: { needs, about } }) =>
        draft.revoked === true || (needs.every(has) && (about.length === 0 || about.some(has))),
    )
    if (left.length === ready.length) break
    ready = left
  }
  const kept = new Set(ready)
  return { ready, waiting: items.filter((item) => !kept.has(item)) }
}

function countOf(items: readonly PreparedObject[], outcomes: readonly ObjectOutcome[]) {
  const refused: RecordFault[] = []
  let [accepted, unchanged] = [0, 0]
  for (const [n, outcome] of outcomes.entries()) {
    const draft = items[n]?.draft
    // Of a record that became an indicator and an object it is the indicator that is counted.
    const counts = draft?.beside === true ? 0 : 1
    if (isWritten(outcome)) accepted += counts
    else if (outcome === 'unchanged') unchanged += counts
    else refused.push({ position: draft?.position ?? {}, ...refusalOf(outcome as keyof typeof refusals) })
  }
  return { accepted, unchanged, refused }
}

const refusalOf = (outcome: keyof typeof refusals): { readonly code: FaultCode; readonly message: string } => ({
  code: outcome === 'not_known' ? 'object_not_kept' : outcome,
  message: refusals[outcome],
})

const refusals = {
  version_conflict: 'It is known with other content, or a narrower handling: raise `modified`.',
  version_outdated: 'A later version is known.',
  already_recalled: 'It was recalled; publish it under a new id.',
  not_known: 'It is revoked, and was never published here.',
} as const
