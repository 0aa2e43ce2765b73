import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Range } from '../seal/merkle.ts'
import { formatKey } from '../seal/note.ts'
import { consistencyRanges, inclusionRanges } from '../seal/proofs.ts'
import { rangeHash, spansOf } from '../seal/stored.ts'
import { indexOfHash } from '../store/audit-leaves.ts'
import { checkpointsAfter, readCheckpoint, treeSize } from '../store/audit-tree.ts'
import { nodesOf } from './audit-nodes.ts'
import type { Context } from './context.ts'
import { auditKey } from './integrate-audit.ts'
import { findLeaf, type Leaf } from './list-leaves.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** A signed head of the audit log. */
export interface SignedHead {
  readonly size: number
  /** Hex. */
  readonly root: string
  readonly at: string
  /** The signed note (C2SP tlog-checkpoint): all that is needed to check it, with the key. */
  readonly note: string
}

/** The newest signed head, and the key that signs. @throws {Fault} `not_found` before the first one */
export const readHead = verb(
  'read-checkpoint',
  async (context: Context, _caller: Caller, _input: undefined): Promise<SignedHead & { readonly key: string }> => {
    const newest = await readCheckpoint(context.database)
    if (newest === undefined) throw absent()
    return { ...headOf(newest), key: formatKey(auditKey(context)) }
  },
)

/** Signed heads of trees larger than `after`, by size. */
export const listCheckpoints = verb(
  'list-checkpoints',
  async (
    context: Context,
    _caller: Caller,
    { after = 0, limit = limits.pageRecordsDefault }: { readonly after?: number; readonly limit?: number },
  ): Promise<{ readonly items: readonly SignedHead[]; readonly next?: number }> => {
    const found = await checkpointsAfter(context.database, after, limit + 1)
    const items = found.slice(0, limit).map(headOf)
    const last = items.at(-1)
    return { items, ...(found.length > limit && last !== undefined ? { next: last.size } : {}) }
  },
)

export interface InclusionInput {
  /** Number of a leaf that the caller may list … */
  readonly leaf?: string
  /** … or the hash of any leaf, hex: who has the hash has the leaf. */
  readonly hash?: string
  /** Of the tree; that of the newest checkpoint when absent. */
  readonly size?: number
}

/** That a leaf is in the log, for whoever has the key: RFC 6962 §2.1.1. Hashes are hex. */
export interface Inclusion {
  /** The leaf itself, where it was asked for by its number. */
  readonly leaf?: Leaf
  readonly hash: string
  readonly index: number
  readonly size: number
  readonly path: readonly string[]
  /** The signed note of exactly this size, if there is one. */
  readonly checkpoint?: string
}

/** @throws {Fault} `not_found` alike for leaves that are not there and those of others; `invalid_request` */
export const proveInclusion = verb(
  'prove-inclusion',
  async (context: Context, caller: Caller, input: InclusionInput): Promise<Inclusion> => {
    if ((input.leaf === undefined) === (input.hash === undefined)) {
      throw invalid('/leaf', 'Name a leaf by its number or by its hash, and not by both.')
    }
    const leaf = input.leaf === undefined ? undefined : await findLeaf(context, caller, BigInt(input.leaf))
    const hash = leaf?.hash ?? input.hash
    if (hash === undefined) throw absent()
    const index = leaf?.index ?? (await indexOfHash(context.database, Buffer.from(hash, 'hex')))
    const checkpoint = await readCheckpoint(context.database, input.size)
    const size = input.size ?? checkpoint?.size ?? 0
    if (index === undefined || index >= size || size > (await treeSize(context.database))) throw absent()
    return {
      ...(leaf === undefined ? {} : { leaf }),
      hash,
      index,
      size,
      path: await pathOf(context, inclusionRanges(index, size)),
      ...(checkpoint === undefined ? {} : { checkpoint: checkpoint.note }),
    }
  },
)

/** That the tree of `to` leaves begins with that of `from`: RFC 6962 §2.1.2. Hashes are hex. */
export interface Consistency {
  readonly from: number
  readonly to: number
  readonly path: readonly string[]
}

/** @throws {Fault} `not_found` where the tree is not that large, `invalid_request` */
export const proveConsistency = verb(
  'prove-consistency',
  async (
    context: Context,
    _caller: Caller,
    input: { readonly from: number; readonly to?: number },
  ): Promise<Consistency> => {
    const newest = await readCheckpoint(context.database)
    const { from, to = newest?.size ?? 0 } = input
    if (to > (await treeSize(context.database))) throw absent()
    if (from < 1 || from > to) throw invalid('/from', 'A tree extends one that is smaller, of at least one leaf.')
    return { from, to, path: await pathOf(context, consistencyRanges(from, to)) }
  },
)

const pathOf = async (context: Context, ranges: readonly Range[]): Promise<string[]> =>
  (await hashesOf(context, ranges)).map((hash) => hash.toString('hex'))

async function hashesOf({ database }: Pick<Context, 'database'>, ranges: readonly Range[]): Promise<Buffer[]> {
  const nodes = await nodesOf(database, spansOf(ranges))
  return ranges.map((range) => rangeHash(range, nodes))
}

/** That the tree of `newer` leaves begins with that of `older`, which must be there: RFC 6962 §2.1.2. */
export const consistencyPath = (context: Context, older: number, newer: number): Promise<Buffer[]> =>
  hashesOf(context, consistencyRanges(older, newer))

/** The root of the first `size` leaves, at least one; they must be there. */
export async function auditRootAt(context: Context, size: number): Promise<Buffer | undefined> {
  const [root] = await hashesOf(context, [{ from: 0, to: size }])
  return root
}

const headOf = ({ size, root, note, at }: { size: number; root: Buffer; note: string; at: Date }): SignedHead => ({
  ...{ size, note },
  root: root.toString('hex'),
  at: at.toISOString(),
})

const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
