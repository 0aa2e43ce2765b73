import { parseTimestamp } from './timestamp.ts'

/** A property name as an object path writes it: quoted only where it must be (§9.7). */
export const pathStep = (name: string): string => (isPlainName(name) ? name : stringLiteral(name))

/** A text as a STIX string literal with its quotes. */
export const stringLiteral = (text: string): string =>
  /['\\]/.test(text) ? `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : `'${text}'`

const isPlainName = (text: string): boolean => {
  if (text === '' || (text.charCodeAt(0) >= 48 && text.charCodeAt(0) <= 57)) return false
  for (const character of text) if (!nameCharacters.includes(character)) return false
  return true
}
const nameCharacters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'

const onlyOf =
  (characters: string) =>
  (text: string): boolean => {
    for (const character of text) if (!characters.includes(character)) return false
    return true
  }
const hexDigits = onlyOf('0123456789abcdefABCDEF')
const base64Characters = onlyOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')

/** Whether the text between the quotes is what the kind of literal promises (§9.3). */
export const literalForms = {
  string: () => true,
  hex: (text: string) => text.length % 2 === 0 && hexDigits(text),
  binary: (text: string) => text.length % 4 === 0 && base64Characters(text),
  timestamp: (text: string) => parseTimestamp(text, 'stix') !== undefined,
  number: (text: string) => Number.isFinite(Number(text)) && !text.endsWith('.'),
}
