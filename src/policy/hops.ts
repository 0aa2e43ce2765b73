import type { Hop } from '../domain/envelope.ts'
import { limits } from '../domain/limits.ts'
import { type Refused, refused } from '../domain/verdict.ts'

/**
 * Whether the relays that something says it passed lead from the node that sealed it to the one that sends it, and not through this
 * one. Only the sender's own record is vouched for, by its signature; the others are what it was told.
 */
export function judgeHops(
  hops: readonly Hop[],
  way: { readonly origin: string; readonly sender: string; readonly self: string },
): Refused | undefined {
  if (way.origin === way.self || hops.some(({ node, from }) => node === way.self || from === way.self)) {
    return refused('loop', 'It was at this node already.')
  }
  if (hops.length > limits.peerHops) return refused('hops_invalid', `It passed more than ${limits.peerHops} relays.`)
  const nodes = [way.origin, ...hops.map(({ node }) => node)]
  const chained = hops.every(({ from }, index) => from === nodes[index])
  if (!chained || nodes.at(-1) !== way.sender || new Set(nodes).size !== nodes.length) {
    return refused('hops_invalid', 'Its hops do not lead from the node that sealed it to the one that sends it.')
  }
  return undefined
}
