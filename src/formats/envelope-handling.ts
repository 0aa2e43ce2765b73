import { Ajv } from 'ajv'
import type { Handling } from '../domain/handling.ts'
import { check, checkInstant, EnvelopeError } from './envelope-error.ts'
import { handlingSchema } from './envelope-schema.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'

const isHandling = new Ajv({ strict: true, allowUnionTypes: true }).compile(handlingSchema)

/** Handlings that were found to be in order, by their text; the long ones are rare, and not remembered. Forgotten together. */
const soundHandlings = new Map<string, Handling>()
const mostSoundHandlings = 1_000
const soundCharacters = 4_096

/**
 * The handling of an envelope. Thousands of envelopes have the same: it is the same object for the same text, so that what is decided,
 * narrowed and quoted of it is remembered by it.
 * @throws {EnvelopeError} `handling_invalid`, `red_travels_not`
 */
export function soundHandling(envelope: JsonObject): Handling | null {
  const { handling } = envelope
  if (handling === null) return null
  if (isJsonObject(handling) && handling.tlp === 'red') {
    throw new EnvelopeError('red_travels_not', 'TLP:RED stays at its node.')
  }
  // Unknown words are never passed over: whoever may see it cannot be known then. Nor is it written before: it may nest deeper than that goes.
  check(isHandling, handling, 'handling_invalid', '/handling')
  const sound = handling as unknown as Handling
  if (sound.originator !== envelope.originator) {
    throw new EnvelopeError('handling_invalid', 'The handling is of another originator than the envelope.')
  }
  const text = JSON.stringify(handling)
  const known = soundHandlings.get(text)
  if (known !== undefined) return known
  checkSpelling(sound)
  if (soundHandlings.size >= mostSoundHandlings) soundHandlings.clear()
  if (text.length <= soundCharacters) soundHandlings.set(text, sound)
  return sound
}

/** What a schema cannot say. */
function checkSpelling(read: Handling): void {
  if (read.expiresAt !== undefined) checkInstant(read.expiresAt, 'handling_invalid')
  const lists = [read.organisations, read.communities, read.releasableTo ?? [], read.notReleasableTo ?? []]
  if (!lists.every(isSorted) || (read.maskable && !read.personalData)) {
    throw new EnvelopeError(
      'handling_invalid',
      'The handling is not in its one spelling: lists are sorted, and nothing is there twice.',
    )
  }
}

/** Ascending by UTF-16 code units, nothing twice: as `canonicalHandling` has it, and digests of handlings rest on. */
const isSorted = (list: readonly string[]): boolean =>
  list.every((item, index) => index === 0 || (list[index - 1] ?? '') < item)
