import type { NodeSource, Span } from '../seal/stored.ts'
import { readNodes } from '../store/audit-tree.ts'
import type { Queries } from '../store/database.ts'

/** Loads the kept nodes of these spans; asking the source for one that is not there throws. */
export async function nodesOf(queries: Queries, spans: readonly Span[]): Promise<NodeSource> {
  const nodes = new Map<string, Uint8Array>()
  for (const { level, index, hash } of await readNodes(queries, spans)) nodes.set(`${level}/${index}`, hash)
  return ({ level, index }) => {
    const hash = nodes.get(`${level}/${index}`)
    if (hash === undefined) throw new Error(`the node ${level}/${index} of the audit tree is missing`)
    return hash
  }
}
