import { setTimeout } from 'node:timers/promises'
import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { permissions, refusalOf } from '../policy/permissions.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'
import { proveAgain, recognise } from './recognise.ts'

/** One verb, as the doors call it. */
export type Action<Input, Output> = (context: Context, caller: Caller, input: Input) => Promise<Output>

/** How often an answer is decided anew because the policy changed under it: with longer and longer pauses, a quarter of a second in all. */
const attempts = 8

interface VerbOptions<Input> {
  /** The organisation whose things the input is about, where the permission asks for it. */
  readonly organisation?: (input: Input, standing: Standing) => string | undefined
  /**
   * True where every answer comes from rows that are read together with the policy epoch: the policy as last known is then good
   * enough to begin with, and what it got wrong is decided again. Others ask for the present epoch first.
   */
  readonly checkedWithRows?: true
}

/**
 * Makes an action: the caller is asked for its permission before anything is read, a refusal is put on the audit log and
 * then thrown, and an answer that the policy overtook is decided again with the caller as now known.
 */
export function verb<Input, Output>(
  name: ActionName,
  run: (context: Context, caller: Caller, input: Input, standing: Standing) => Promise<Output>,
  options: VerbOptions<Input> = {},
): Action<Input, Output> {
  return (context, caller, input) => context.underWay.run(() => asked(context, caller, input))

  async function asked(context: Context, caller: Caller, input: Input): Promise<Output> {
    refuseBrokenText(input, 0)
    for (let attempt = 1; ; attempt++) {
      const trusting = options.checkedWithRows === true && attempt === 1
      try {
        const standing = trusting ? await context.policy.known() : await context.policy.current()
        return await once(context, caller, input, standing, trusting)
      } catch (error) {
        if (!(error instanceof PolicyMoved)) throw error
        if (attempt === attempts)
          throw new Fault('unavailable', 'The policy is changing; try again.', { retryAfterSeconds: 1 })
        // Many who publish under new handlings at once must not turn a reader away. The first attempt only trusted what was known.
        if (attempt > 1) await setTimeout(2 ** attempt)
      }
    }
  }

  async function once(context: Context, caller: Caller, input: Input, standing: Standing, trusting: boolean) {
    const known = await recognise(context, standing, caller).catch((error: unknown) => {
      throw trusting && error instanceof Fault ? new PolicyMoved('not recognised, as far as is known') : error
    })
    const refusal = refusalOf(known, name, options.organisation?.(input, standing))
    if (refusal !== undefined) {
      // Nobody is refused by a policy that may not hold any more.
      if (trusting) throw new PolicyMoved('refused, as far as is known')
      await recordRefusal(context, known, name, refusal.rule, standing)
      throw new Fault(refusal.code, refusal.sentence, { rule: refusal.rule })
    }
    const output = await run(context, known, input, standing)
    // What this process itself changed it knows at once.
    if (permissions[name].scope === 'admin') context.policy.suspect()
    return output
  }
}

/**
 * Asks again, in the middle of something long: the account, its organisation, the key or the token may have been taken back.
 * @throws {Fault} `credentials_invalid`, `role_required`
 */
export async function stillMay(context: Context, caller: Caller, name: ActionName): Promise<void> {
  await proveAgain(context, caller)
  const standing = await context.policy.current()
  const refusal = refusalOf(await recognise(context, standing, caller), name)
  if (refusal !== undefined) throw new Fault(refusal.code, refusal.sentence, { rule: refusal.rule })
}

/** Inputs are objects of a few levels; what is deeper or not plain (streams) parses its own texts. */
const inputDepth = 6

/** NUL and lone surrogates have no place in the database, whichever door let them in. @throws {Fault} `invalid_text` */
function refuseBrokenText(input: unknown, depth: number): void {
  if (typeof input === 'string') {
    if (input.includes('\0') || !input.isWellFormed()) {
      throw new Fault('invalid_text', 'A text holds NUL or half a character.')
    }
    return
  }
  if (typeof input !== 'object' || input === null || depth === inputDepth || Symbol.asyncIterator in input) return
  for (const [key, value] of Object.entries(input)) {
    refuseBrokenText(key, depth + 1)
    refuseBrokenText(value, depth + 1)
  }
}

async function recordRefusal(context: Context, caller: Caller, name: ActionName, rule: string, standing: Standing) {
  // The public is not recorded: anybody could fill the log.
  if (caller.reader.account === undefined) return
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, { action: name, decision: 'deny', rules: [rule], subject: '' }),
  )
}

/** Puts an act of this caller on the audit log, in the transaction of the act. */
export async function record(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  act: {
    readonly action: ActionName
    readonly decision: 'permit' | 'redact' | 'deny'
    readonly rules: readonly string[]
    readonly agreements?: readonly string[]
    /** Id of the push it belongs to. */
    readonly receipt?: string
    /** Legal requests that it is of: it stands in their trails. */
    readonly requests?: readonly string[]
    readonly subject: string
  },
): Promise<void> {
  await appendAudit(transaction, {
    at: context.clock(),
    actor: caller.reader.account,
    organisation: caller.reader.organisation?.id,
    purpose: caller.purpose,
    policyEpoch: standing.directory.epoch,
    program: context.version,
    ...act,
  })
}
