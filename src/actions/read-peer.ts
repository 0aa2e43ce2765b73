import type { Caller } from '../domain/caller.ts'
import type { FindingKind } from '../domain/checkpoint.ts'
import { limits } from '../domain/limits.ts'
import type { Peer } from '../domain/peer.ts'
import { type CheckpointRow, newestCheckpoints } from '../store/checkpoints.ts'
import { findingsOf } from '../store/peer-findings.ts'
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
    /** Its newest checkpoint; absent: it gave none yet. */
    readonly checkpoint?: {
      readonly size: number
      readonly auditSize?: number
      readonly issuedAt: string
      readonly expiresAt: string
      /** Whether it has shown that its logs extend what it signed before. */
      readonly proven: boolean
    }
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
    /** Leaves of this node's audit log that the peer has kept a head of, and when that was seen. */
    readonly witnessed?: { readonly auditSize: number; readonly at: string }
  }
  /** What its checkpoints contradict, and what this node's do by what it has kept; the newest first. */
  readonly findings: readonly {
    readonly kind: FindingKind
    readonly detail: string
    readonly at: string
    /** The peer whose answer brought it. */
    readonly seenFrom: string
    readonly settledAt?: string
  }[]
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
    const [checkpoint] = await newestCheckpoints(database, id, 1)
    const expired = checkpoint !== undefined && Date.parse(checkpoint.expiresAt) <= at.getTime()
    return {
      peer,
      taking: {
        more: state?.more ?? false,
        stale: expired || silent > limits.peerStaleSeconds * 1000,
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
        ...(checkpoint === undefined ? {} : { checkpoint: shownCheckpoint(checkpoint) }),
      },
      giving: {
        pages: Number(state?.givenPages ?? 0n),
        unconfirmed: Number((state?.givenPages ?? 0n) - (state?.storedPages ?? 0n)),
        ...time('lastAskedAt', state?.lastAskedAt),
        held: await countHoldings(database, id),
        overdueRecalls: await overdueRecalls(database, id, new Date(at.getTime() - limits.recallOverdueSeconds * 1000)),
        ...(state?.witnessedSize == null || state.witnessedAt === null
          ? {}
          : { witnessed: { auditSize: state.witnessedSize, at: state.witnessedAt.toISOString() } }),
      },
      findings: (await findingsOf(database, id, context.node.id, limits.pageRecordsDefault)).map(
        ({ kind, detail, at: found, seenFrom, settledAt }) => ({
          ...{ kind, detail, at: found.toISOString(), seenFrom },
          ...time('settledAt', settledAt),
        }),
      ),
    }
  },
)

const time = <Name extends string>(name: Name, at: Date | null | undefined): { [K in Name]?: string } =>
  at == null ? {} : ({ [name]: at.toISOString() } as { [K in Name]?: string })

const shownCheckpoint = ({ size, audit, issuedAt, expiresAt, proven }: CheckpointRow) => ({
  ...{ size, issuedAt, expiresAt, proven },
  ...(audit === undefined ? {} : { auditSize: audit.size }),
})
