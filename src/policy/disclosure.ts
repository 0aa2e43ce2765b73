import type { Handling } from '../domain/handling.ts'
import type { Reader } from '../domain/reader.ts'
import { originatorShown } from './release.ts'

/**
 * Whether something may be in a package at all: RED reaches the people it names and leaves in no file, whatever a request says; and a scope
 * names originators, not sources that stay anonymous to the liaison.
 */
export const mayLeaveInFiles = (reader: Reader, handling: Handling): boolean =>
  handling.tlp !== 'red' && originatorShown(reader, handling)

/**
 * Whether an originator is waited for because of this: it could be given to the liaison, with consent. That one is waited for tells that there
 * may be such a thing, and must tell no more.
 */
export const awaitsConsent = (reader: Reader, handling: Handling, at: Date): boolean =>
  handling.lawEnforcement === 'on-request' &&
  mayLeaveInFiles(reader, handling) &&
  (handling.expiresAt === undefined || Date.parse(handling.expiresAt) > at.getTime())
