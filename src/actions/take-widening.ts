import type { Caller } from '../domain/caller.ts'
import { homeOf, readerOfOrganisation, worldOf } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { TakenWidening, Wanted, WideningAnswered, WideningAsked, WideningMessage } from '../domain/widening.ts'
import type { JsonObject } from '../formats/json-text.ts'
import { readWanted } from '../formats/widening.ts'
import { mayAskFor } from '../policy/widening.ts'
import type { Transaction } from '../store/database.ts'
import { addCounts, ensurePeerState } from '../store/peer-states.ts'
import { ownById } from '../store/reads.ts'
import { closeWidening, insertWidening, lockWidening, openFromPeer, wideningById } from '../store/widening.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { record, verb } from './verb.ts'
import { checkReason } from './widening.ts'

type Outcome = Omit<TakenWidening, 'id'>

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

/** In this order: who asks, what for, how much. What its asker may not see by our own word is answered as what is not there. */
async function takeAsked(
  context: Context,
  transaction: Transaction,
  standing: Standing,
  peer: Peer,
  message: WideningAsked,
): Promise<Outcome> {
  const { id, asker, originator, indicator, version, withdrawn } = message
  const at = context.clock()
  const known = await wideningById(transaction, id, true)
  if (known !== undefined) {
    if (known.receivedFrom !== peer.id) return refused('invalid')
    if (!withdrawn || known.state !== 'open') return { outcome: 'known' }
    await closeWidening(transaction, id, { state: 'withdrawn', at })
    return { outcome: 'taken' }
  }
  if (homeOf(standing.directory, asker)?.id !== peer.id) return refused('asker_not_homed')
  if (!(await mayAsk(context, transaction, standing, message))) return refused('unknown')
  const said = saidBy(message)
  if (said === undefined) return refused('invalid')
  if ((await openFromPeer(transaction, peer.id)) >= limits.wideningOpenPerPeer) return { outcome: 'busy' }
  const fresh = await insertWidening(transaction, {
    ...{ id, asker, receivedFrom: peer.id, originator, indicator, version, sourceShown: true },
    ...{ ...said, note: '', waiting: false, askedAt: at.toISOString() },
    // It may be told here only now that it was asked, and that it is no more.
    ...(withdrawn ? { state: 'withdrawn', closedAt: at.toISOString() } : { state: 'open' }),
  })
  return fresh ? { outcome: 'taken' } : { outcome: 'busy' }
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

/** As an asker here would have to say it. */
function saidBy({ wanted, reason }: WideningAsked): { readonly wanted: Wanted; readonly reason: string } | undefined {
  try {
    return { wanted: readWanted(wanted as JsonObject), reason: checkReason(reason) }
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/** Only the node that was asked answers; what was answered stays so, but for what lapsed here while the answer was on its way. */
async function takeAnswered(
  context: Context,
  transaction: Transaction,
  peer: Peer,
  { id, outcome, note, version }: WideningAnswered,
): Promise<Outcome> {
  const known = await wideningById(transaction, id, true)
  if (known === undefined || known.sentTo !== peer.id) return refused('unknown')
  if (known.state !== 'open' && known.state !== 'lapsed') return { outcome: 'known' }
  if (known.state === outcome) return { outcome: 'known' }
  await closeWidening(transaction, id, {
    ...{ state: outcome, at: context.clock(), note },
    ...(outcome !== 'accepted' || version === undefined ? {} : { widenedVersion: version }),
  })
  return { outcome: 'taken' }
}

const refused = (code: NonNullable<Outcome['code']>): Outcome => ({ outcome: 'refused', code })
