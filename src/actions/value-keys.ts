import { createHash } from 'node:crypto'
import { correlationKey } from '../domain/observables/keys.ts'
import type { Observable } from '../domain/observables/observable.ts'

/** The 16 bytes under which the store indexes a correlation key: equal for values that mean the same. */
export const keyBytes = (key: string): Buffer => createHash('sha256').update(key).digest().subarray(0, 16)

export const valueKeyOf = (observable: Observable): Buffer => keyBytes(correlationKey(observable))

/** The same 16 bytes as hex, as rows to be written hold them. */
export const valueKeyHexOf = (observable: Observable): string =>
  createHash('sha256').update(correlationKey(observable)).digest('hex').slice(0, 32)
