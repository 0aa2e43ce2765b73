import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { parseSighting, type Sighting, type SightingInput } from '../domain/sighting.ts'
import { originatorShown } from '../policy/release.ts'
import type { Transaction } from '../store/database.ts'
import { closeReceipt, openReceipt } from '../store/receipts.ts'
import { addSighting } from '../store/sightings.ts'
import type { Context, Standing } from './context.ts'
import { resolveHandling } from './handling.ts'
import { uuidOf } from './ids.ts'
import type { ReadInput } from './named-source.ts'
import { findVisible } from './read.ts'
import { record, verb } from './verb.ts'
import { permittedFor } from './visible.ts'

export interface SightInput extends ReadInput {
  readonly sighting: SightingInput
  /** Who may know of it, where that is to be less than the indicator's own handling lets know. */
  readonly handling?: HandlingInput
  /** The same key and input count once. */
  readonly idempotencyKey?: string
}

/** A sighting as it was taken. */
export interface Sighted extends Sighting {
  /** STIX id of the indicator. */
  readonly id: string
}

/**
 * Says that the caller's organisation saw an indicator, that it is a false positive, or that it is over. Added to what the
 * organisation said before.
 * @throws {Fault} `not_found`, `invalid_request`, `time_out_of_range`, `too_many_values`, those of `resolveHandling`, and
 * `idempotency_key_reused`
 */
export const sight = verb(
  'sight',
  async (context: Context, caller: Caller, input: SightInput, standing): Promise<Sighted> => {
    const permitted = permittedFor(context, caller, standing)
    const { originator, id, handlingId: of } = await findVisible(context, caller, standing, permitted, input)
    const about = standing.visibility.handling(of)
    // Whoever sights may read what its leaf was about: a source that stays anonymous must not stand there.
    const told = about !== undefined && originatorShown(caller.reader, about)
    const at = context.clock()
    const sighted: Sighted = { id, ...parseSighting(input.sighting, at) }
    const handlingId = await ownHandling(context, caller, standing, input.handling)
    return await context.database.transaction(async (transaction) => {
      const earlier = await openOnce(transaction, caller, input, at)
      if (earlier !== undefined && 'answer' in earlier) return earlier.answer
      const reporter = caller.reader.organisation?.id ?? ''
      const of = { originator, uuid: uuidOf(id) ?? '', reporter, ...(handlingId === undefined ? {} : { handlingId }) }
      if (!(await addSighting(transaction, of, sighted, limits.sightingHandlings))) {
        throw new Fault(
          'too_many_values',
          `Your organisation said something of it under ${limits.sightingHandlings} other handlings already.`,
        )
      }
      await record(transaction, context, caller, standing, {
        action: 'sight',
        decision: 'permit',
        rules: [],
        subject: JSON.stringify({
          ...(told ? { originator } : {}),
          ...sighted,
          ...(handlingId === undefined ? {} : { handling: handlingId }),
        }),
      })
      if (earlier !== undefined) {
        await closeReceipt(transaction, earlier.opened, digestOf(input), 201, JSON.stringify(sighted))
      }
      return sighted
    })
  },
)

/** The reporter's own handling, interned. What it does not say sets no limit: the indicator's handling holds in any case. */
async function ownHandling(
  context: Context,
  caller: Caller,
  { directory }: Standing,
  said: HandlingInput | undefined,
): Promise<number | undefined> {
  if (said === undefined || Object.keys(said).length === 0) return undefined
  // An audience without a label would address nobody in particular.
  const addressed = said.audience !== undefined || said.people !== undefined
  const unlimited: HandlingInput = { lawEnforcement: 'allowed', ...(addressed ? {} : { tlp: 'clear' }) }
  const handling = resolveHandling(
    directory,
    caller,
    { ...unlimited, ...said },
    { personalData: false, maskable: false },
  )
  const [id] = await context.policy.intern([handling])
  return id
}

type Opened = { readonly opened: string } | { readonly answer: Sighted }

/** With a key: the answer given before, or a receipt that commits with the sighting. @throws {Fault} `idempotency_key_reused` */
async function openOnce(
  transaction: Transaction,
  caller: Caller,
  input: SightInput,
  at: Date,
): Promise<Opened | undefined> {
  if (input.idempotencyKey === undefined) return undefined
  const opened = await openReceipt(transaction, caller.reader.account ?? '', at, input.idempotencyKey, abandonedAfterMs)
  if ('opened' in opened) return opened
  const { answer, requestDigest } = opened.earlier
  if (answer === undefined || requestDigest === undefined) {
    throw new Fault('idempotency_in_progress', 'A request with this Idempotency-Key is under way.', {
      retryAfterSeconds: 5,
    })
  }
  if (!requestDigest.equals(digestOf(input))) {
    throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')
  }
  return { answer: JSON.parse(answer) as Sighted }
}

/** Receipts of pushes that died are given up after this. */
const abandonedAfterMs = 5 * 60 * 1000

const digestOf = ({ id, originator, alias, sighting, handling }: SightInput): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(['sight', id, originator, sighting, handling, ...(alias === undefined ? [] : [alias])]))
    .digest()
