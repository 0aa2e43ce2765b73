import { hash } from 'node:crypto'
import { correlationKey } from '../domain/observables/keys.ts'
import type { Observable } from '../domain/observables/observable.ts'

/** The 16 bytes under which the store indexes a correlation key: equal for values that mean the same. */
export const keyBytes = (key: string): Buffer => hash('sha256', key, 'buffer').subarray(0, 16)

export const valueKeyOf = (observable: Observable): Buffer => keyBytes(correlationKey(observable))

/** The 16 bytes of a correlation key as hex, as rows to be written hold them. */
export const keyHex = (key: string): string => hash('sha256', key).slice(0, 32)
