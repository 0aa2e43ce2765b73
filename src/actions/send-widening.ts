import { verifyResponse } from '../auth/http-signatures.ts'
import { publicCaller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import type { TakenWidening, WideningMessage } from '../domain/widening.ts'
import { isJsonObject, parseStrict } from '../formats/json-text.ts'
import {
  claimOutgoing,
  closeWidening,
  type KeptWidening,
  lapseWidening,
  postponeWidening,
  toldWidening,
} from '../store/widening.ts'
import { ask, Unusable } from './ask-peer.ts'
import type { Context, Standing } from './context.ts'
import { record } from './verb.ts'

/** What the clock does for requests to widen: what nobody answered lapses, and other nodes are told what waits for them. */
export async function tendWidening(context: Context): Promise<void> {
  await lapse(context)
  const at = context.clock()
  const lease = new Date(at.getTime() + 2 * limits.peerTimeoutMs)
  for (const request of await claimOutgoing(context.database, at, lease, limits.wideningSendings))
    await send(context, request)
}

async function lapse(context: Context): Promise<void> {
  const at = context.clock()
  const before = new Date(at.getTime() - limits.wideningOpenDays * 86_400_000)
  await context.database.transaction(async (transaction) => {
    const lapsed = await lapseWidening(transaction, before, at, limits.batchRecords)
    if (lapsed.length === 0) return
    await record(transaction, context, publicCaller, await context.policy.known(), {
      action: 'refuse-widening',
      decision: 'permit',
      rules: ['widening.lapsed'],
      subject: JSON.stringify({ lapsed }),
    })
  })
}

async function send(context: Context, request: KeptWidening): Promise<void> {
  const standing = await context.policy.current()
  const peer = standing.directory.peers.get(request.sentTo ?? request.receivedFrom ?? '')
  if (peer === undefined || peer.state === 'expelled') return await giveUp(context, request, 'node_expelled')
  if (peer.state === 'suspended') return await postponed(context, request)
  try {
    const { outcome, code = 'invalid' } = await tell(context, standing, peer, messageOf(request))
    if (outcome === 'busy') await postponed(context, request)
    else if (outcome === 'refused') await giveUp(context, request, code)
    else await toldWidening(context.database, request)
  } catch (error) {
    if (!(error instanceof Unusable) && !(error instanceof Fault)) throw error
    await postponed(context, request)
  }
}

/** A request that its node does not take has failed; an answer that is not taken is nobody's any more. */
async function giveUp(context: Context, request: KeptWidening, failure: string): Promise<void> {
  if (request.sentTo === undefined || request.state !== 'open') {
    context.log.warn({ request: request.id, failure }, 'a node does not take what was said of a request to widen')
    return await toldWidening(context.database, request)
  }
  await closeWidening(context.database, request.id, { state: 'failed', at: context.clock(), failure })
}

function postponed(context: Context, request: KeptWidening): Promise<void> {
  const seconds = Math.min(2 ** Math.min(request.sendFailures, 20), limits.peerBackOffSeconds)
  return postponeWidening(context.database, request, new Date(context.clock().getTime() + seconds * 1000))
}

function messageOf(request: KeptWidening): WideningMessage {
  const { id, indicator, originator, version, asker, wanted, reason, state, note, widenedVersion } = request
  if (request.sentTo !== undefined)
    return {
      kind: 'request',
      ...{ id, indicator, originator, version, asker, wanted, reason },
      withdrawn: state !== 'open',
    }
  if (state !== 'accepted' && state !== 'refused' && state !== 'lapsed')
    throw new Error(`a request that is ${state} has no answer`)
  const answer = { kind: 'answer', id, outcome: state, note } as const
  return widenedVersion === undefined ? answer : { ...answer, version: widenedVersion }
}

/** @throws {Unusable}, {Fault} where there is no answer, or none that its node signed */
async function tell(
  context: Context,
  standing: Standing,
  peer: Peer,
  message: WideningMessage,
): Promise<Pick<TakenWidening, 'outcome'> & { readonly code?: string }> {
  const { request, answer } = await ask(context, standing, peer, {
    method: 'POST',
    path: '/federation/v1/widening',
    body: Buffer.from(JSON.stringify(message)),
    timeoutMs: limits.peerTimeoutMs,
  })
  if (answer.status !== 200) throw new Unusable(`status ${answer.status}`)
  const { status, headers: fields, body } = answer
  await verifyResponse({ status, fields, request }, body, {
    keyOf: (thumbprint) => peer.keys.find((key) => key.thumbprint === thumbprint),
    destination: context.node.id,
    at: context.clock(),
  })
  const taken = parseStrict(body)
  const outcome = isJsonObject(taken) && taken.id === message.id ? taken.outcome : undefined
  if (outcome !== 'taken' && outcome !== 'known' && outcome !== 'busy' && outcome !== 'refused')
    throw new Unusable('the answer is none')
  const code =
    isJsonObject(taken) && typeof taken.code === 'string' && /^[a-z_]{1,40}$/.test(taken.code) ? taken.code : undefined
  return code === undefined ? { outcome } : { outcome, code }
}
