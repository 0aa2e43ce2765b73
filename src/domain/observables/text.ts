import { invalid } from './type.ts'

/** One line of text in Unicode normal form C, so that two spellings of `é` are one value. */
export const line = (text: string): string => text.normalize('NFC').trim()

/** Text of several lines, exact but for the line ends. */
export const block = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').trim()

/** A parser of hexadecimal text of one of the given lengths (in digits); the canonical form is lower case. */
export function hexadecimal(what: string, ...digits: readonly number[]): (text: string) => string {
  const lengths = digits.join(' or ')
  return (text) => {
    if (!digits.includes(text.length) || !/^[0-9a-f]+$/i.test(text)) {
      throw invalid(text, `is not ${what}: ${lengths} hexadecimal digits`)
    }
    return text.toLowerCase()
  }
}

/** The same for values that people also write with colons, dashes or spaces between the octets. */
export function octets(what: string, ...digits: readonly number[]): (text: string) => string {
  const parse = hexadecimal(what, ...digits)
  return (text) => parse(text.replace(/[:\s-]/g, ''))
}

/** A parser of whatever matches `grammar`, after `spelling` has made it canonical. */
export function matching(
  grammar: RegExp,
  what: string,
  spelling: (text: string) => string = (text) => text,
): (text: string) => string {
  return (text) => {
    const value = spelling(text)
    if (!grammar.test(value)) throw invalid(text, `is not ${what}`)
    return value
  }
}
