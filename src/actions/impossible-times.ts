import type { Draft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'

/** Clocks of publishers may be ahead by this much; a version from later could never be followed by another. */
const aheadMs = 24 * 60 * 60 * 1000

/** @throws {Fault} `invalid_record` at this pointer */
export function refuseFuture(modified: string | undefined, pointer: string, clock: () => Date): void {
  if (modified !== undefined && Date.parse(modified) > clock().getTime() + aheadMs)
    throw impossible(pointer, 'It was modified in the future.')
}

/** @throws {Fault} `invalid_record` */
export function refuseImpossibleTimes(
  { created, modified, validFrom, validUntil }: Pick<Draft, 'created' | 'modified' | 'validFrom' | 'validUntil'>,
  clock: () => Date,
): void {
  refuseFuture(modified, '/modified', clock)
  if (isBefore(modified, created)) throw impossible('/modified', 'It was modified before it was created.')
  if (isBefore(validUntil, validFrom)) throw impossible('/validUntil', 'It ends before it begins.')
}

const isBefore = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && Date.parse(a) < Date.parse(b)

const impossible = (pointer: string, sentence: string): Fault =>
  new Fault('invalid_record', sentence, { position: { pointer } })
