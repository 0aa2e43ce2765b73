import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import { trailOf } from '../policy/duties.ts'
import { formatKey } from '../seal/note.ts'
import { inclusionRanges } from '../seal/proofs.ts'
import { rangeHash, spansOf } from '../seal/stored.ts'
import { leavesOf, type StoredLeaf } from '../store/audit-leaves.ts'
import { readCheckpoint } from '../store/audit-tree.ts'
import { readLegalRequest } from '../store/legal-requests.ts'
import { nodesOf } from './audit-nodes.ts'
import type { Context, Standing } from './context.ts'
import { auditKey } from './integrate-audit.ts'
import { type Leaf, toLeaf, told } from './list-leaves.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

export const trailFormat = 'puente-trail/1'

export interface TrailInput {
  /** UUID of the legal request. */
  readonly id: string
  /** Of the tree in which the leaves are proven; that of the newest checkpoint when absent. */
  readonly size?: number
  /** `next` of the page before. */
  readonly after?: string
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

/** A leaf with its path in the tree (RFC 6962 §2.1.1), hex. */
export type TrailLeaf = Omit<Leaf, 'id' | 'index'> & { readonly index: number; readonly path: readonly string[] }

/**
 * What was done under one legal request, as evidence: the leaves of the log that rest on it, the oldest first, each proven in one signed tree.
 * That nothing of it was changed is shown by it; that nothing was left out only by the whole log (`puente audit verify`).
 */
export interface CaseTrail {
  readonly format: typeof trailFormat
  readonly request: string
  /** The key of the log, `name+id+key`. */
  readonly key: string
  readonly size: number
  /** The signed note of the tree of this size. */
  readonly checkpoint: string
  readonly leaves: readonly TrailLeaf[]
  /** Absent on the last page. */
  readonly next?: string
}

/** @throws {Fault} `not_found` for requests that are not the caller's to know, and where there is no checkpoint of that size */
export const readTrail = verb(
  'read-trail',
  async (context: Context, caller: Caller, input: TrailInput, standing: Standing): Promise<CaseTrail> => {
    const request = await readLegalRequest(context.database, input.id)
    const whose = request === undefined ? undefined : trailOf(caller, request, context.clock())
    const head = whose === undefined ? undefined : await readCheckpoint(context.database, input.size)
    if (request === undefined || whose === undefined || head === undefined) throw absent()
    const { limit = limits.pageRecordsDefault } = input
    const found = await leavesOf(
      context.database,
      {
        request: request.id,
        ...(whose === 'all' ? {} : { by: { organisation: caller.reader.organisation?.id ?? '' } }),
        subjectsOf: caller.reader.account ?? '',
        after: BigInt(input.after ?? 0),
      },
      limit + 1,
    )
    const page = found.slice(0, limit).map((leaf) => told(caller, standing, leaf))
    const next = found.length > limit ? page.at(-1) : undefined
    return {
      format: trailFormat,
      request: request.id,
      key: formatKey(auditKey(context)),
      size: head.size,
      checkpoint: head.note,
      leaves: await proven(context, page, head.size),
      ...(next === undefined ? {} : { next: String(next.id) }),
    }
  },
)

/** Those that are in the tree of this size; what is younger is in the next one, a second later. */
async function proven({ database }: Context, leaves: readonly StoredLeaf[], size: number): Promise<TrailLeaf[]> {
  const placed = leaves.flatMap((leaf) =>
    leaf.index === undefined || leaf.index >= size
      ? []
      : [{ leaf, index: leaf.index, ranges: inclusionRanges(leaf.index, size) }],
  )
  const nodes = await nodesOf(database, spansOf(placed.flatMap(({ ranges }) => ranges)))
  return placed.map(({ leaf, index, ranges }) => {
    const { id: _, ...told } = toLeaf(leaf)
    return { ...told, index, path: ranges.map((range) => rangeHash(range, nodes).toString('hex')) }
  })
}
