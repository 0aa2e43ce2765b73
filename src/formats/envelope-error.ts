import type { ValidateFunction } from 'ajv'
import type { RefusalCode } from '../domain/verdict.ts'

/** An envelope that is none, with the code it is refused by. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** @throws {EnvelopeError} `code`, with the place below `at` */
export function check(validate: ValidateFunction, value: unknown, code: RefusalCode, at: string): void {
  if (validate(value)) return
  const [error] = validate.errors ?? []
  throw new EnvelopeError(code, `${at}${error?.instancePath ?? ''} ${error?.message ?? 'is not of its form'}`.trim())
}

/** Whether a time is a day and hour that there are, in its one spelling. @throws {EnvelopeError} `code` */
export function checkInstant(text: string, code: RefusalCode): void {
  const time = Date.parse(text)
  if (Number.isNaN(time) || new Date(time).toISOString() !== text)
    throw new EnvelopeError(code, 'A time is no day and hour that there are.')
}
