import type { Subtree } from '../seal/merkle.ts'
import { hashesIn, keptAt, type PeriodHashes } from '../seal/period-log.ts'
import type { Queries } from '../store/database.ts'
import { keptWith } from '../store/periods.ts'

/** Loads the hashes of these subtrees of this node's log of periods; asking for another one throws. */
export const periodHashes = async (
  queries: Queries,
  epoch: string,
  subtrees: readonly Subtree[],
): Promise<PeriodHashes> =>
  hashesIn(
    await keptWith(
      queries,
      epoch,
      subtrees.map((subtree) => keptAt(subtree).size),
    ),
  )
