import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/** @throws {Fault} `invalid_request` */
export function checkReason(text: string, pointer = '/reason'): string {
  const reason = text.normalize('NFC').trim()
  if (reason === '' || reason.length > limits.wideningReasonCharacters)
    throw new Fault('invalid_request', `A reason has 1 to ${limits.wideningReasonCharacters} characters.`, {
      position: { pointer },
    })
  return reason
}
