import { Fault } from '../errors.ts'
import { detectType } from './detect.ts'
import { containingKeys, correlationKey } from './keys.ts'
import { parseObservable } from './parse.ts'

/** What to look for when somebody asks about a value. */
export interface LookedUp {
  readonly type: string
  /** Correlation key of the value itself. */
  readonly exact: string
  /** Correlation keys of what contains it, the nearest first. */
  readonly containing: readonly string[]
}

/**
 * Reads a value that is asked about; its type is told from it when it is not named.
 * @throws {Fault} `invalid_value` when the type cannot be told, and what `parseObservable` throws
 */
export function lookedUp(value: string, type: string | undefined): LookedUp {
  const known = type ?? detectType(value)
  if (known === undefined) throw new Fault('invalid_value', 'What type of value this is cannot be told; name it.')
  const observable = parseObservable(known, value)
  return { type: observable.type, exact: correlationKey(observable), containing: containingKeys(observable) }
}
