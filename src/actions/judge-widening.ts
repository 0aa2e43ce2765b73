import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { TakenWidening, Wanted, WideningAnswered, WideningAsked, WideningRequest } from '../domain/widening.ts'
import type { JsonObject } from '../formats/json-text.ts'
import { readWanted } from '../formats/widening.ts'
import { checkReason } from './widening-reason.ts'

/** What is known here of a request that another node speaks of. */
export interface AskedFacts {
  /** The node that says so. */
  readonly peer: string
  /** The node at which its asker is at home, by our own word. */
  readonly askerHome: string | undefined
  /** Whether its asker may see what it asks for, by our own word: what it may not see is not there. */
  readonly mayAsk: boolean
  /** Requests of that node that are not answered. */
  readonly open: number
  /** Requests of that node in the name of this asker that were withdrawn within a day. */
  readonly withdrawn: number
  readonly known: Pick<WideningRequest, 'receivedFrom' | 'state'> | undefined
}

type Refused = { readonly outcome: 'refused'; readonly code: NonNullable<TakenWidening['code']> }

/** What becomes of a request that another node tells of; `said` is what is to be kept. */
export type AskedVerdict =
  | Refused
  | { readonly outcome: 'known' | 'busy' }
  | { readonly outcome: 'taken'; readonly withdraws: true }
  | { readonly outcome: 'taken'; readonly said: { readonly wanted: Wanted; readonly reason: string } }

/**
 * Judges what another node says that one of its organisations asks, in this order: who asks, what for, how much. Pure; told twice it counts
 * once.
 */
export function judgeAsked(
  message: WideningAsked,
  { peer, askerHome, mayAsk, open, withdrawn, known }: AskedFacts,
): AskedVerdict {
  if (known !== undefined) {
    if (known.receivedFrom !== peer) return refused('invalid')
    return message.withdrawn && known.state === 'open' ? { outcome: 'taken', withdraws: true } : { outcome: 'known' }
  }
  if (askerHome !== peer) return refused('asker_not_homed')
  if (!mayAsk) return refused('unknown')
  const said = saidBy(message)
  if (said === undefined) return refused('invalid')
  // Told as withdrawn at once, requests would come without end; at home an asker has no more in a day.
  const isTooMuch = open >= limits.wideningOpenPerPeer || withdrawn >= limits.wideningPerDay
  return isTooMuch ? { outcome: 'busy' } : { outcome: 'taken', said }
}

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
export function judgeAnswered(
  { outcome }: Pick<WideningAnswered, 'outcome'>,
  peer: string,
  known: Pick<WideningRequest, 'sentTo' | 'state'> | undefined,
): Refused | { readonly outcome: 'known' | 'taken' } {
  if (known === undefined || known.sentTo !== peer) return refused('unknown')
  if (known.state !== 'open' && known.state !== 'lapsed') return { outcome: 'known' }
  return { outcome: known.state === outcome ? 'known' : 'taken' }
}

const refused = (code: Refused['code']): Refused => ({ outcome: 'refused', code })
