import { hash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { Remembered } from '../auth/remembered.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

const minuteMs = 60_000

/**
 * Counts credentials that fail, by address. Past the limit nothing unknown from that address is looked at until the minute is
 * over; what was good before goes on, so that one broken client behind a shared address does not lock out the others.
 */
export class FailedAuthentications {
  readonly #clock: () => Date
  readonly #failures = new Remembered<{ readonly count: number; readonly untilMs: number }>(limits.failingAddresses)
  /** Digests of credentials that were good when last seen. */
  readonly #good = new Remembered<true>(limits.failingAddresses)

  constructor(clock: () => Date) {
    this.#clock = clock
  }

  /**
   * Runs an authentication.
   * @param credential as it was sent; undefined where each is used once
   * @throws {Fault} `rate_limited`, and what `authenticate` throws
   */
  async guard<Result>(
    address: string,
    credential: string | undefined,
    authenticate: () => Promise<Result>,
  ): Promise<Result> {
    const digest = credential === undefined ? '' : hash('sha256', credential, 'base64')
    if (this.#good.get(digest) !== true) this.#refuseAbove(networkOf(address))
    try {
      const result = await authenticate()
      if (credential !== undefined) this.#good.set(digest, true)
      return result
    } catch (error) {
      if (error instanceof Fault && error.kind === 'unauthenticated') {
        this.#good.delete(digest)
        this.#count(networkOf(address))
      }
      throw error
    }
  }

  #refuseAbove(network: string): void {
    const failures = this.#failures.get(network)
    const leftMs = (failures?.untilMs ?? 0) - this.#clock().getTime()
    if (failures === undefined || leftMs <= 0 || failures.count < limits.failedAuthenticationsPerMinute) return
    throw new Fault('rate_limited', 'Too many credentials from this address were not valid.', {
      retryAfterSeconds: Math.ceil(Math.min(leftMs, minuteMs) / 1000),
    })
  }

  #count(network: string): void {
    const now = this.#clock().getTime()
    const before = this.#failures.get(network)
    const counting = before !== undefined && before.untilMs > now ? before : { count: 0, untilMs: now + minuteMs }
    this.#failures.set(network, { ...counting, count: counting.count + 1 })
  }
}

/** Whoever has one IPv6 address has the /64 around it. */
function networkOf(text: string): string {
  if (!ipaddr.isValid(text)) return text
  const address = ipaddr.process(text)
  return address instanceof ipaddr.IPv6 ? `${address.parts.slice(0, 4).join(':')}::/64` : address.toString()
}
