import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { type CheckpointAnswer, readCheckpoints } from '../formats/checkpoint-answer.ts'
import type { CheckpointRow } from '../store/checkpoints.ts'
import { Unusable } from './ask-peer.ts'
import { askProven } from './ask-proven.ts'
import type { Context, Standing } from './context.ts'

/** A peer's checkpoint and what it has kept, signed by it. @param before what it is to prove that it extends @throws {Unusable}, {Fault} */
export async function checkpointsOf(
  context: Context,
  standing: Standing,
  peer: Peer,
  before: readonly CheckpointRow[],
): Promise<CheckpointAnswer> {
  const sizes = (of: readonly number[]) => [...new Set(of)].slice(0, limits.checkpointProofs).join(',')
  const feed = sizes(before.map(({ size }) => size))
  const audit = sizes(before.flatMap((row) => row.audit?.size ?? []).filter((size) => size > 0))
  const query = new URLSearchParams({ ...(feed === '' ? {} : { feed }), ...(audit === '' ? {} : { audit }) })
  const { status, body } = await askProven(context, standing, peer, {
    method: 'GET',
    path: `/federation/v1/checkpoints${query.size === 0 ? '' : `?${query}`}`,
    timeoutMs: limits.peerTimeoutMs,
  })
  if (status !== 200) throw new Unusable(`status ${status}`)
  const answer = readCheckpoints(body)
  if (answer.from !== peer.id || answer.to !== context.node.id) throw new Unusable('the answer is between other nodes')
  return answer
}
