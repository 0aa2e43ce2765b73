import type { Caller } from '../domain/caller.ts'
import { homeOf, readerOfOrganisation, worldOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import type { Peer } from '../domain/peer.ts'
import type { TakenWidening, WideningAnswered, WideningAsked, WideningMessage } from '../domain/widening.ts'
import { mayAskFor } from '../policy/widening.ts'
import type { Transaction } from '../store/database.ts'
import { addCounts, ensurePeerState } from '../store/peer-states.ts'
import { ownById } from '../store/reads.ts'
import {
  closeWidening,
  insertWidening,
  lockWidening,
  openFromPeer,
  wideningById,
  withdrawnFromPeer,
} from '../store/widening.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { judgeAnswered, judgeAsked } from './judge-widening.ts'
import { noteHolder } from './shown-holders.ts'
import { record, verb } from './verb.ts'

type Outcome = Omit<TakenWidening, 'id'>

/** What is withdrawn counts for so long. */
const dayMs = 24 * 60 * 60 * 1000

/**
 * What another node says of a request to widen: that one of its organisations asks here, or what was answered to one of ours. Told twice
 * it counts once. What is not believed is counted and on the audit log. @throws {Fault} `peer_signature_invalid`
 */
export const takeWidening = verb(
  'take-widening',
  async (context: Context, caller: Caller, message: WideningMessage, standing): Promise<TakenWidening> => {
    const peer = standing.directory.peers.get(caller.peer ?? '')
    if (peer?.state !== 'active') throw new Fault('peer_signature_invalid', 'Nothing is taken from this node.')
    await ensurePeerState(context.database, peer.id)
    return await context.database.transaction(async (transaction) => {
      await lockWidening(transaction, peer.id)
      const outcome =
        message.kind === 'request'
          ? await takeAsked(context, transaction, standing, peer, message)
          : await takeAnswered(context, transaction, peer, message)
      if (outcome.code !== undefined) {
        const tally = { outcome: 'refused', code: `widening_${outcome.code}`, items: 1 } as const
        await addCounts(transaction, peer.id, [tally], context.clock())
      }
      await record(transaction, context, caller, standing, {
        action: 'take-widening',
        decision: outcome.code === undefined ? 'permit' : 'deny',
        rules: ['peer.homes'],
        subject: JSON.stringify({ peer: peer.id, message, outcome }),
      })
      return { id: message.id, ...outcome }
    })
  },
)

/** What its asker may not see by our own word is answered as what is not there. */
async function takeAsked(
  context: Context,
  transaction: Transaction,
  standing: Standing,
  peer: Peer,
  message: WideningAsked,
): Promise<Outcome> {
  const { id, asker, originator, indicator, version, withdrawn } = message
  const at = context.clock()
  const verdict = judgeAsked(message, {
    peer: peer.id,
    askerHome: homeOf(standing.directory, asker)?.id,
    mayAsk: await mayAsk(context, transaction, standing, message),
    open: await openFromPeer(transaction, peer.id),
    withdrawn: await withdrawnFromPeer(transaction, peer.id, asker, new Date(at.getTime() - dayMs)),
    known: await wideningById(transaction, id, true),
  })
  if (verdict.outcome !== 'taken') return verdict
  if ('withdraws' in verdict) {
    await closeWidening(transaction, id, { state: 'withdrawn', at })
    return { outcome: 'taken' }
  }
  const fresh = await insertWidening(transaction, {
    ...{ id, asker, receivedFrom: peer.id, originator, indicator, version, sourceShown: true },
    ...{ ...verdict.said, note: '', waiting: false, askedAt: at.toISOString() },
    // It may be told here only now that it was asked, and that it is no more.
    ...(withdrawn ? { state: 'withdrawn', closedAt: at.toISOString() } : { state: 'open' }),
  })
  if (!fresh) return { outcome: 'busy' }
  await noteHolder(context, transaction, standing, peer.id, { originator, stixId: uuidOf(indicator) ?? nobody })
  return { outcome: 'taken' }
}

async function mayAsk(
  context: Context,
  transaction: Transaction,
  { directory, visibility }: Standing,
  { asker, originator, indicator }: WideningAsked,
): Promise<boolean> {
  // Asked even for an id that cannot exist, so that both take the same way.
  const found = await ownById(transaction, originator, uuidOf(indicator) ?? nobody)
  const handling = found && visibility.handling(found.handlingId)
  if (found === undefined || handling === undefined || found.recalled) return false
  if (homeOf(directory, originator) !== undefined) return false
  return mayAskFor(readerOfOrganisation(directory, asker), handling, context.clock(), worldOf(directory))
}

const nobody = '00000000-0000-0000-0000-000000000000'

async function takeAnswered(
  context: Context,
  transaction: Transaction,
  peer: Peer,
  message: WideningAnswered,
): Promise<Outcome> {
  const { id, outcome, note, version } = message
  const verdict = judgeAnswered(message, peer.id, await wideningById(transaction, id, true))
  if (verdict.outcome !== 'taken') return verdict
  await closeWidening(transaction, id, {
    ...{ state: outcome, at: context.clock(), note },
    ...(outcome !== 'accepted' || version === undefined ? {} : { widenedVersion: version }),
  })
  return verdict
}
