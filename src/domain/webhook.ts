import { limits } from './limits.ts'

/** Why nothing is sent to an endpoint at present. */
export const pauseReasons = [
  // its account said so
  'owner',
  // the endpoint answered 410
  'gone',
  // nothing was taken for days
  'failing',
  // the key or token client it was made with was taken back or ended, or the account or its organisation is disabled
  'credential_ended',
  // the account may not follow the feed any more
  'not_permitted',
  // the place where it stood is not known any more: the node was restored, or what it may see changed a month ago
  'cursor_outdated',
  // as many dead letters as are kept
  'dead_letters_full',
] as const
export type PauseReason = (typeof pauseReasons)[number]

/** Which kind of credential a subscription was made with; it is sent under its rights. */
export const credentialKinds = ['key', 'client-key', 'identity'] as const
export type CredentialKind = (typeof credentialKinds)[number]

/** How an endpoint is tried again. */
export interface RetryPlan {
  /** Seconds from each failed attempt to the next; when they are used up the delivery is a dead letter. */
  readonly retrySeconds: readonly number[]
  /** An endpoint that took nothing for so long is paused. */
  readonly failingMs: number
}

/** The schedule that Standard Webhooks 1.0.0 gives as its example: ten attempts in three days. */
export const retryPlan: RetryPlan = {
  retrySeconds: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
  failingMs: limits.webhookFailingHours * 3_600_000,
}

/** What an attempt came to: an answer, or the reason why there is none. */
export type AttemptOutcome =
  | { readonly status: number; readonly retryAfter?: string | undefined }
  | { readonly error: string }

export const isTaken = (outcome: AttemptOutcome): boolean =>
  'status' in outcome && outcome.status >= 200 && outcome.status < 300

/** As lists show it. */
export const outcomeText = (outcome: AttemptOutcome): string =>
  'status' in outcome ? `status ${outcome.status}` : outcome.error.slice(0, 200)

/**
 * When to try again after so many failed attempts: the schedule with up to a fifth more, so that many endpoints that failed together
 * do not come back together; later where the endpoint asks for it (RFC 9110 §10.2.3), a day at most.
 * @param chance from 0 to 1
 * @returns undefined when there is no further attempt
 */
export function nextAttempt(
  { retrySeconds }: RetryPlan,
  attempts: number,
  outcome: AttemptOutcome,
  at: Date,
  chance: number,
): Date | undefined {
  const seconds = retrySeconds[attempts - 1]
  if (seconds === undefined) return undefined
  const asked = 'status' in outcome ? retryAfterSeconds(outcome.retryAfter, at) : 0
  return new Date(at.getTime() + 1000 * Math.max(seconds * (1 + 0.2 * chance), asked))
}

/** `Retry-After` as seconds: a number of them, or a date; 0 for everything else. */
function retryAfterSeconds(text: string | undefined, at: Date): number {
  if (text === undefined) return 0
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - at.getTime()) / 1000
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), limits.webhookRetryAfterSeconds) : 0
}
