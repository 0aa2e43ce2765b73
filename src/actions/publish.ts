import { setImmediate } from 'node:timers/promises'
import type { Caller } from '../domain/caller.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../domain/handling.ts'
import type { ReleasedEvent } from '../domain/misp-event.ts'
import type { DecodedGroups } from '../formats/decoded.ts'
import { ownEventHandling } from '../store/misp-parts.ts'
import { closeReceipt, dropReceipt, openReceipt } from '../store/receipts.ts'
import type { PushOrigin } from './batch.ts'
import type { Context, Standing } from './context.ts'
import { inputOf } from './handling.ts'
import { profileNamed } from './handling-profiles.ts'
import { Push } from './push.ts'
import { ObjectPush } from './push-objects.ts'
import { readOf } from './read-before.ts'
import { verb } from './verb.ts'

export interface PublishInput {
  /** Drafts and faults as a codec yields them; read once, to the end. */
  readonly decoded: DecodedGroups
  /** Handling for what the input does not say; where both speak, the stricter holds. */
  readonly defaults: HandlingInput
  /** Name of a handling profile of the caller's organisation, which is joined to the defaults. */
  readonly profile?: string
  /** UUID of an event of the caller's organisation that it is added to: nothing of it is handled less strictly than the event. */
  readonly event?: string
  /** Of an edit: the event that it was made from. What changed since is not written over. */
  readonly from?: ReleasedEvent
  readonly idempotencyKey?: string
  /** SHA-256 of the body and of what was asked beside it; called once the body was read. */
  readonly requestDigest: () => Buffer
}

export interface PublishReceipt {
  /** UUID. */
  readonly receipt: string
  /** Indicators and objects that are new, or a new version. */
  readonly accepted: number
  /** Those that were there already, and equal. */
  readonly unchanged: number
  /** The first 10,000 records that were refused; `rejectedTotal` counts all. */
  readonly rejected: readonly RecordFault[]
  readonly rejectedTotal: number
}

/** A push without a batch for this long has died with its process; if not, two of one content do no harm. */
const abandonedAfterMs = 5 * 60 * 1000

/**
 * Publishes a stream of drafts as the caller's organisation, in batches that commit row, feed entry and audit leaf together.
 * What a batch committed stays if the stream breaks later; pushing it again leaves it as it is.
 * @throws {Fault} `idempotency_key_reused`, `idempotency_in_progress`, `unavailable` when too many pushes are under way
 */
export const publish = verb(
  'publish',
  async (context: Context, caller: Caller, input: PublishInput, standing): Promise<PublishReceipt> => {
    const account = caller.reader.account ?? ''
    const leave = context.turns.enter(account)
    try {
      return await admitted(context, caller, account, input, standing)
    } finally {
      leave()
    }
  },
)

async function admitted(
  context: Context,
  caller: Caller,
  account: string,
  input: PublishInput,
  standing: Standing,
): Promise<PublishReceipt> {
  const { database, clock } = context
  const opened = await openReceipt(database, account, clock(), input.idempotencyKey, abandonedAfterMs)
  if ('earlier' in opened) return await replay(opened.earlier, input)
  const receipt = opened.opened
  try {
    const defaults = await defaultsOf(context, caller, input, standing)
    const taken = await take(
      {
        ...{ context, caller, standing, defaults, receipt },
        ...eventOf(input),
        ...(input.from === undefined ? {} : { readBefore: readOf(input.from) }),
      },
      input.decoded,
    )
    count(context, taken)
    const answer = { receipt, ...taken }
    await closeReceipt(database, receipt, input.requestDigest(), 200, JSON.stringify(answer))
    return answer
  } catch (error) {
    await dropReceipt(database, receipt)
    throw error
  }
}

/** The event that all is added to, or that an edit was made from. */
function eventOf({ event, from }: PublishInput): { readonly event?: string } {
  const uuid = event ?? from?.uuid
  return uuid === undefined ? {} : { event: uuid }
}

function count({ meters: { records } }: Context, taken: Omit<PublishReceipt, 'receipt'>): void {
  records.accepted += taken.accepted
  records.unchanged += taken.unchanged
  records.rejected += taken.rejectedTotal
}

/** @throws {Fault} `handling_profile_unknown`, `not_found` where the organisation has no such event */
async function defaultsOf(
  { database }: Context,
  caller: Caller,
  { defaults: said, profile, event }: PublishInput,
  { visibility }: Standing,
): Promise<HandlingInput> {
  const kept = profile === undefined ? {} : await profileNamed(database, caller, profile)
  const defaults = strictestInput(kept, said)
  if (event === undefined) return defaults
  const id = await ownEventHandling(database, caller.reader.organisation?.id ?? '', event)
  const handling = id === undefined ? undefined : visibility.handling(id)
  if (handling === undefined) throw new Fault('not_found', 'There is no such thing here.')
  // To address nobody in particular, as CLEAR and GREEN do, is no limit.
  const { audience = [], people = [], ...limits } = inputOf(handling)
  const addressed = { ...(audience.length === 0 ? {} : { audience }), ...(people.length === 0 ? {} : { people }) }
  return strictestInput({ ...limits, ...addressed }, defaults)
}

async function take(origin: PushOrigin, decoded: DecodedGroups): Promise<Omit<PublishReceipt, 'receipt'>> {
  const push = new Push(origin)
  const objects = new ObjectPush(
    origin,
    () => push.settle(),
    (faults) => push.reject(faults),
  )
  try {
    await addAll(push, objects, decoded)
    const of = await objects.finish()
    const taken = await push.finish()
    return { ...taken, accepted: taken.accepted + of.accepted, unchanged: taken.unchanged + of.unchanged }
  } finally {
    await push.leave()
  }
}

/** Drafts gathered at a stretch, in a quarter of a millisecond: the batch before is being sent meanwhile, and the database waits for it. */
const stretchDrafts = 25

async function addAll(push: Push, objects: ObjectPush, decoded: DecodedGroups): Promise<void> {
  try {
    for await (const group of decoded) {
      for (const [n, each] of group.entries()) {
        if (n % stretchDrafts === stretchDrafts - 1) await setImmediate()
        if ('fault' in each) push.reject([each.fault])
        else if ('kept' in each) {
          const room = push.keep(each.kept)
          if (room !== undefined) await room
        } else {
          // Most drafts need not be waited for, and a promise for each would cost as much as gathering it.
          const room = 'draft' in each ? push.add(each.draft) : objects.add(each.object)
          if (room !== undefined) await room
        }
      }
    }
  } catch (error) {
    // A body that breaks off is a fault at its end: what came before it stands.
    if (!(error instanceof Fault) || error.kind !== 'invalid') throw error
    push.reject([error.asRecordFault({})])
  }
}

/** The answer given before, if the request is the same one. */
async function replay(
  earlier: { readonly requestDigest?: Buffer; readonly answer?: string },
  input: PublishInput,
): Promise<PublishReceipt> {
  if (earlier.answer === undefined || earlier.requestDigest === undefined) {
    throw new Fault('idempotency_in_progress', 'A push with this Idempotency-Key is under way.', {
      retryAfterSeconds: 5,
    })
  }
  for await (const _ of input.decoded) {
    // Read to the end for its digest; nothing is written.
  }
  if (!earlier.requestDigest.equals(input.requestDigest())) {
    throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')
  }
  return JSON.parse(earlier.answer) as PublishReceipt
}
