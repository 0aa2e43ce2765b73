import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { LegalRequest, LegalStep } from '../domain/legal-request.ts'
import { limits } from '../domain/limits.ts'
import { stepSubjectShown } from '../policy/duties.ts'
import { type LeavesOf, mayListLeaves } from '../policy/knowing.ts'
import { subjectShown } from '../policy/release.ts'
import { hashLeaf } from '../seal/merkle.ts'
import { type LeafFilter, leavesOf, type StoredLeaf } from '../store/audit-leaves.ts'
import type { Context, Standing } from './context.ts'
import type { ReadingSubject } from './reading.ts'
import { record, verb } from './verb.ts'

/** One leaf of the audit log, as its reader may have it. */
export interface Leaf {
  /** A number that only names it. */
  readonly id: string
  /** Exactly what the tree hashes. */
  readonly text: string
  /** SHA-256 over 0x00 and the text, hex. */
  readonly hash: string
  /** Its place in the tree, from 0; absent in the second before it has one. */
  readonly index?: number
  /**
   * What it was about, for whoever did it; absent when it was erased, or names a source that stays anonymous. With the salt (hex) it gives
   * `subject` of the text.
   */
  readonly subject?: string
  readonly salt?: string
}

export interface ListLeavesInput {
  /** `me` when absent. */
  readonly of?: LeavesOf
  readonly action?: ActionName
  /** UUID from the receipt of a push. */
  readonly receipt?: string
  /** ISO 8601: since (inclusive), until (exclusive). */
  readonly since?: string
  readonly until?: string
  /** `next` of the page before. */
  readonly before?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

export interface LeafPage {
  readonly items: readonly Leaf[]
  /** Absent on the last page. */
  readonly next?: string
}

/**
 * Leaves of the audit log, the newest first: one's own, one's organisation's, or all. What a leaf was about is told to whoever
 * did it and to nobody else: a colleague, or the operator, may not see what was read.
 * @throws {Fault} `not_yours`
 */
export const listLeaves = verb(
  'list-leaves',
  async (context: Context, caller: Caller, input: ListLeavesInput, standing: Standing): Promise<LeafPage> => {
    const { of = 'me', limit = limits.pageRecordsDefault } = input
    if (!mayListLeaves(caller, of)) {
      await context.database.transaction((transaction) =>
        record(transaction, context, caller, standing, {
          action: 'list-leaves',
          decision: 'deny',
          rules: [`leaves.${of}`],
          subject: JSON.stringify({ of }),
        }),
      )
      throw new Fault('not_yours', refusals[of], { rule: `leaves.${of}` })
    }
    const { action, receipt, since, until } = input
    const found = await leavesOf(
      context.database,
      {
        ...readableBy(caller, of),
        ...(action === undefined ? {} : { action }),
        ...(receipt === undefined ? {} : { receipt }),
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
        ...(input.before === undefined ? {} : { before: BigInt(input.before) }),
      },
      limit + 1,
    )
    const items = found.slice(0, limit).map((each) => toLeaf(told(caller, standing, each)))
    const last = items.at(-1)
    return { items, ...(found.length > limit && last !== undefined ? { next: last.id } : {}) }
  },
)

/** The leaf with this number, if the caller may have it: of its own, of its organisation or of all, as far as it may list them. */
export async function findLeaf(context: Context, caller: Caller, id: bigint): Promise<Leaf | undefined> {
  if (caller.reader.account === undefined) return undefined
  const widest = (['node', 'organisation'] as const).find((of) => mayListLeaves(caller, of)) ?? 'me'
  const [found] = await leavesOf(context.database, { ...readableBy(caller, widest), id }, 1)
  return found === undefined ? undefined : toLeaf(told(caller, await context.policy.current(), found))
}

/** Without what it was about, where that would say who a source is, or whom else a legal request names. */
export function told({ reader }: Caller, { visibility }: Standing, leaf: StoredLeaf): StoredLeaf {
  const { subject = '', salt: _, ...withheld } = leaf
  if (subject.includes('"side":"originator:')) return isStepShown(subject) ? leaf : withheld
  // Readings alone name handlings; whatever else is logged names no source that stays anonymous.
  if (!subject.includes('"handlings":')) return leaf
  const { handlings = [] } = JSON.parse(subject) as Partial<ReadingSubject>
  return subjectShown(
    reader,
    handlings.map(([id]) => visibility.handling(id)),
  )
    ? leaf
    : withheld
}

function isStepShown(subject: string): boolean {
  const { request, step } = JSON.parse(subject) as Partial<{ request: LegalRequest; step: LegalStep }>
  return stepSubjectShown(step?.side ?? '', request?.scope?.originators ?? [])
}

function readableBy({ reader }: Caller, of: LeavesOf): Pick<LeafFilter, 'by' | 'subjectsOf'> {
  const actor = reader.account ?? ''
  if (of === 'node') return { subjectsOf: actor }
  return { by: of === 'me' ? { actor } : { organisation: reader.organisation?.id ?? '' }, subjectsOf: actor }
}

export const toLeaf = ({ id, text, index, subject, salt }: StoredLeaf): Leaf => ({
  id: String(id),
  text,
  hash: hashLeaf(text).toString('hex'),
  ...(index === undefined ? {} : { index }),
  ...(subject === undefined || salt === undefined ? {} : { subject, salt: salt.toString('hex') }),
})

const refusals: Record<LeavesOf, string> = {
  me: 'This needs an account.',
  organisation: "An organisation's leaves are for its administrators and policy officers, with the scope admin.",
  node: "All leaves are for the operator's policy officers, with the scope admin.",
}
