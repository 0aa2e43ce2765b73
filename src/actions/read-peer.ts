import type { Caller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { countHoldings, overdueRecalls } from '../store/peer-holdings.ts'
import { countsOf, peerStateOf } from '../store/peer-states.ts'
import { quarantineSize } from '../store/quarantine.ts'
import type { Context } from './context.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** How it goes with a peer. */
export interface PeerState {
  readonly peer: Peer
  readonly taking: {
    /** Whether it said that it has more than what was taken. */
    readonly more: boolean
    /** Nothing was heard of it for so long that what is here of it may be old. */
    readonly stale: boolean
    readonly lastPageAt?: string
    readonly lastAttemptAt?: string
    readonly lastOutcome?: string
    readonly failures: number
    readonly failingSince?: string
    readonly notBefore?: string
    readonly itemsThisHour: number
    readonly bytesThisHour: number
    /** What became of what it sent, since it was enrolled. */
    readonly outcomes: readonly { readonly outcome: string; readonly code?: string; readonly items: number }[]
    readonly quarantined: number
  }
  readonly giving: {
    readonly pages: number
    /** Pages that it has not said it stored. */
    readonly unconfirmed: number
    readonly lastAskedAt?: string
    /** Indicators that it holds, as far as they were given from here. */
    readonly held: number
    /** Recalls that it should have confirmed and has not. */
    readonly overdueRecalls: number
  }
}

/** @throws {Fault} `not_found` */
export const readPeer = verb(
  'read-peer',
  async (context: Context, _caller: Caller, { id }: { readonly id: string }, { directory }): Promise<PeerState> => {
    const peer = directory.peers.get(id)
    if (peer === undefined) throw absent()
    const { database } = context
    const state = await peerStateOf(database, id)
    const at = context.clock()
    const silent = at.getTime() - (state?.lastPageAt ?? new Date(peer.enrolledAt)).getTime()
    const size = await quarantineSize(database, id)
    return {
      peer,
      taking: {
        more: state?.more ?? false,
        stale: silent > limits.peerStaleSeconds * 1000,
        ...time('lastPageAt', state?.lastPageAt),
        ...time('lastAttemptAt', state?.lastAttemptAt),
        ...(state?.lastOutcome == null ? {} : { lastOutcome: state.lastOutcome }),
        failures: state?.failures ?? 0,
        ...time('failingSince', state?.failingSince),
        ...time('notBefore', state?.notBefore),
        itemsThisHour: state?.hourItems ?? 0,
        bytesThisHour: state?.hourBytes ?? 0,
        outcomes: (await countsOf(database, id)).map(({ outcome, code, items }) => ({
          ...{ outcome, items },
          ...(code === '' ? {} : { code }),
        })),
        quarantined: size.items,
      },
      giving: {
        pages: Number(state?.givenPages ?? 0n),
        unconfirmed: Number((state?.givenPages ?? 0n) - (state?.storedPages ?? 0n)),
        ...time('lastAskedAt', state?.lastAskedAt),
        held: await countHoldings(database, id),
        overdueRecalls: await overdueRecalls(database, id, new Date(at.getTime() - limits.recallOverdueSeconds * 1000)),
      },
    }
  },
)

const time = <Name extends string>(name: Name, at: Date | null | undefined): { [K in Name]?: string } =>
  at == null ? {} : ({ [name]: at.toISOString() } as { [K in Name]?: string })
