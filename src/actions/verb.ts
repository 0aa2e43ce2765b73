import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import { readerOfAccount } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { refusalOf } from '../policy/permissions.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import { keyIsUsable, readKey } from '../store/keys.ts'
import { PolicyMoved } from '../store/visible.ts'
import type { Context, Standing } from './context.ts'

/** One verb, as the doors call it. */
export type Action<Input, Output> = (context: Context, caller: Caller, input: Input) => Promise<Output>

/** How often an answer is decided anew because the policy changed under it. */
const attempts = 5

interface VerbOptions<Input> {
  /** The organisation whose things the input is about, where the permission asks for it. */
  readonly organisation?: (input: Input, standing: Standing) => string | undefined
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
  return async (context, caller, input) => {
    refuseBrokenText(input, 0)
    for (let attempt = 1; ; attempt++) {
      const standing = await context.policy.current()
      const known = recognise(standing, caller)
      const refusal = refusalOf(known, name, options.organisation?.(input, standing))
      if (refusal !== undefined) {
        await recordRefusal(context, known, name, refusal.rule, standing)
        throw new Fault(refusal.code, refusal.sentence, { rule: refusal.rule })
      }
      try {
        return await run(context, known, input, standing)
      } catch (error) {
        if (!(error instanceof PolicyMoved)) throw error
        if (attempt === attempts)
          throw new Fault('unavailable', 'The policy is changing; try again.', { retryAfterSeconds: 1 })
      }
    }
  }
}

/**
 * Asks again, in the middle of something long: the account, its organisation and the key may have been disabled since.
 * @throws {Fault} `credentials_invalid`, `role_required`
 */
export async function stillMay(context: Context, caller: Caller, name: ActionName): Promise<void> {
  const key = caller.key === undefined ? undefined : await readKey(context.database, caller.key)
  if (caller.key !== undefined && !keyIsUsable(key, context.clock())) {
    throw new Fault('credentials_invalid', 'This credential is not valid.')
  }
  const refusal = refusalOf(recognise(await context.policy.current(), caller), name)
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

/** The caller with its reader facts as of this standing: roles and memberships may have changed since the door. */
export function recognise({ directory }: Standing, caller: Caller): Caller {
  const { account } = caller.reader
  if (account === undefined) return caller
  const reader = readerOfAccount(directory, account)
  if (reader === undefined) throw new Fault('credentials_invalid', 'This credential is not valid.')
  return { ...caller, reader, operator: directory.operator === reader.organisation?.id }
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
    readonly subject: string
  },
): Promise<void> {
  await appendAudit(transaction, {
    at: context.clock(),
    actor: caller.reader.account,
    organisation: caller.reader.organisation?.id,
    purpose: caller.purpose,
    policyEpoch: standing.directory.epoch,
    ...act,
  })
}
