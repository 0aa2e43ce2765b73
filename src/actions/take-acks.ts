import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { takeRefusals } from '../store/peer-holdings.ts'
import type { Context } from './context.ts'
import { uuidOf } from './ids.ts'
import { activePeer } from './serve-feed.ts'
import { record, verb } from './verb.ts'

/** What a peer did not apply of what it was given. What it applied it says by asking on. */
export interface AcksInput {
  readonly refused: readonly {
    readonly originator: string
    readonly id: string
    readonly version: number
    /** As the receiver's checks have them. */
    readonly code: string
  }[]
}

/** @throws {Fault} `peer_signature_invalid`, `invalid_request` */
export const takeAcks = verb(
  'take-acks',
  async (context: Context, caller: Caller, { refused }: AcksInput, standing): Promise<{ readonly taken: number }> => {
    const peer = activePeer(standing, caller)
    const refusals = refused.map(({ originator, id, version, code }, n) => {
      const stixId = uuidOf(id)
      if (stixId === undefined)
        throw new Fault('invalid_request', 'An id is indicator--<uuid>.', { position: { pointer: `/refused/${n}/id` } })
      return { originator, stixId, version, code }
    })
    await context.database.transaction(async (transaction) => {
      await takeRefusals(transaction, peer.id, refusals)
      await record(transaction, context, caller, standing, {
        action: 'take-acks',
        decision: 'permit',
        rules: ['peer.homes'],
        subject: JSON.stringify({ peer: peer.id, refused: refused.length }),
      })
    })
    return { taken: refusals.length }
  },
)
