import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishReceipt } from '../../actions/publish.ts'
import { type Answer, problemOf, refusal, send, type Target, Unreachable } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'

/** One request of a push; its body can be made again for another attempt. */
export interface Delivery {
  /** Path and query. */
  readonly path: string
  readonly mediaType: string
  readonly body: () => Uint8Array | ReadableStream
  /** SHA-256 of the body, hexadecimal. */
  readonly digest: string
}

export interface Patience {
  /** How long one part is tried again, in ms. */
  readonly forMs: number
  /** Replaced in tests. */
  readonly wait?: (ms: number) => Promise<unknown>
  /** Told before each wait. */
  readonly onWait?: (reason: string, ms: number) => void
}

/** The node's answer to a part: its receipt, or why it took nothing of it. */
export type Outcome =
  | { readonly receipt: PublishReceipt }
  | { readonly refused: { readonly code: string; readonly message: string } }

/**
 * Sends a part until it is acknowledged. Attempts share an Idempotency-Key, so that one whose answer was lost is counted
 * once. `run` is part of the key: another push of the same bytes is judged anew, by the policy and directory of its time.
 * @throws {CommandError} when the account may not publish; {@link Unreachable} when patience ends
 */
export async function deliver(target: Target, run: string, part: Delivery, patience: Patience): Promise<Outcome> {
  const { forMs, wait = sleep, onWait } = patience
  let waited = 0
  let held = 0
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOnce(target, part, idempotencyKey(run, part, Math.floor(held / attemptsHeld)))
    const again = typeof answer === 'string' ? answer : reasonToTryAgain(answer)
    if (again === undefined) return outcomeOf(target, answer as Answer)
    const pause = Math.max(backOff(attempt), typeof answer === 'string' ? 0 : retryAfterMs(answer))
    if (waited + pause > forMs)
      throw new Unreachable(target.url, new Error(`${again}; gave up after ${attempt} attempts`))
    // a node that was killed leaves the key taken; under another, what it committed is found again as unchanged
    if (again === inProgress) held++
    onWait?.(again, pause)
    await wait(pause)
    waited += pause
  }
}

const inProgress = 'idempotency_in_progress'
/** So often a part whose key an earlier attempt holds is asked for, before it is sent under a new one. */
const attemptsHeld = 3

async function attemptOnce(target: Target, part: Delivery, key: string): Promise<Answer | string> {
  try {
    return await send(target, part.path, {
      method: 'POST',
      raw: part.body(),
      headers: { 'content-type': part.mediaType, 'idempotency-key': key },
    })
  } catch (error) {
    if (error instanceof Unreachable) return error.message
    throw error
  }
}

function idempotencyKey(run: string, { path, mediaType, digest }: Delivery, generation: number): string {
  return createHash('sha256')
    .update(JSON.stringify([run, path, mediaType, digest, generation]))
    .digest('hex')
}

/** Gateways in front of a node answer 502 and 504 for it. */
function reasonToTryAgain(answer: Answer): string | undefined {
  const { code } = problemOf(answer)
  if (answer.status === 409 && code === inProgress) return inProgress
  return [429, 502, 503, 504].includes(answer.status) ? (code ?? `status ${answer.status}`) : undefined
}

/** 0.5 s, 1 s, 2 s, … 15 s. */
const backOff = (attempt: number): number => Math.min(500 * 2 ** (attempt - 1), 15_000)

/** Seconds or a date (RFC 9110 §10.2.3); a minute at most, so that a wrong clock does not stop a push for days. */
function retryAfterMs({ headers }: Answer): number {
  const text = headers.get('retry-after') ?? ''
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), 60_000)
}

function outcomeOf(target: Target, answer: Answer): Outcome {
  const receipt = receiptIn(answer)
  if (receipt !== undefined) return { receipt }
  const { code, detail = code ?? '' } = problemOf(answer)
  if (answer.status === 401 || answer.status === 403 || code === undefined) throw refusal(target, answer)
  if (code === 'internal') throw new CommandError(exitCodes.unreachable, `${target.url}: ${detail}`)
  return { refused: { code, message: detail } }
}

/** 200 and 207 are receipts; 422 is a problem with the receipt in it when every record was refused. */
function receiptIn({ status, text }: Answer): PublishReceipt | undefined {
  if (![200, 207, 422].includes(status)) return undefined
  try {
    const answer = JSON.parse(text) as Partial<PublishReceipt>
    const complete = typeof answer.receipt === 'string' && typeof answer.accepted === 'number'
    return complete && Array.isArray(answer.rejected) ? (answer as PublishReceipt) : undefined
  } catch {
    return undefined
  }
}
