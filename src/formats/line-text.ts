import { Fault } from '../domain/errors.ts'

/** The text of a line of a format that has no escapes. @throws {Fault} `invalid_text` for NUL and what is not UTF-8 */
export function lineText(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  // Bytes that are not UTF-8 become the replacement character; nobody means that one in an indicator.
  if (text.includes('\ufffd')) throw new Fault('invalid_text', 'The line is not UTF-8')
  if (text.includes('\0')) throw new Fault('invalid_text', 'The line holds the character NUL')
  return text
}
