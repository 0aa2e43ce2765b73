import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'

/** STIX 2.1 §9.2 to §9.6. A word is a keyword, a name or an object type; the parser knows which it wants. */
export type TokenKind = 'word' | 'string' | 'hex' | 'binary' | 'timestamp' | 'number' | 'sign' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** Content without quotes and escapes; of a sign or a number as written. */
  readonly text: string
  /** Character position in the pattern, from 0. */
  readonly at: number
}

/** A refusal that names the character, from 1. */
export const invalidPattern = (at: number, message: string): Fault =>
  new Fault('invalid_pattern', `Character ${at + 1} of the pattern: ${message}`)

/**
 * Cuts a pattern into tokens in one pass; white space and comments are dropped.
 * @throws {Fault} `invalid_pattern`
 */
export function tokensOf(pattern: string): Token[] {
  if (pattern.length > limits.patternCharacters) {
    throw new Fault('invalid_pattern', `A pattern may have ${limits.patternCharacters} characters`)
  }
  const tokens: Token[] = []
  let at = afterBlank(pattern, 0)
  while (at < pattern.length) {
    const [token, next] = tokenAt(pattern, at)
    tokens.push(token)
    at = afterBlank(pattern, next)
  }
  tokens.push({ kind: 'end', text: '', at: pattern.length })
  return tokens
}

/** The longest first, so that `<=` is not read as `<`. */
const signs = ['!=', '==', '<=', '>=', '<>', '[', ']', '(', ')', ',', ':', '.', '*', '=', '<', '>']
const prefixes: Readonly<Record<string, TokenKind>> = { h: 'hex', b: 'binary', t: 'timestamp' }

function tokenAt(pattern: string, at: number): [Token, number] {
  const character = pattern.charAt(at)
  if (character === "'") return quoted(pattern, at, at, 'string')
  const prefix = prefixes[character]
  if (prefix !== undefined && pattern[at + 1] === "'") return quoted(pattern, at, at + 1, prefix)
  if (isWordStart(character)) return run(pattern, at, 'word', isWordPart)
  if (isDigit(character) || ((character === '-' || character === '+') && isDigit(pattern.charAt(at + 1)))) {
    return run(pattern, at, 'number', (next) => isDigit(next) || next === '.')
  }
  const sign = signs.find((candidate) => pattern.startsWith(candidate, at))
  if (sign === undefined) throw invalidPattern(at, 'this belongs to nothing the language knows')
  return [{ kind: 'sign', text: sign, at }, at + sign.length]
}

function run(pattern: string, at: number, kind: TokenKind, belongs: (character: string) => boolean): [Token, number] {
  let end = at + 1
  while (end < pattern.length && belongs(pattern.charAt(end))) end++
  return [{ kind, text: pattern.slice(at, end), at }, end]
}

/** A literal in single quotes that open at `open`; only `\'` and `\\` are escapes (§9.2). */
function quoted(pattern: string, at: number, open: number, kind: TokenKind): [Token, number] {
  let text = ''
  let from = open + 1
  for (let next = from; next < pattern.length; next++) {
    const character = pattern[next]
    if (character === "'") return [{ kind, text: text + pattern.slice(from, next), at }, next + 1]
    if (character !== '\\') continue
    if (pattern[next + 1] !== "'" && pattern[next + 1] !== '\\') {
      throw invalidPattern(next, "a backslash must be followed by ' or another backslash")
    }
    text += pattern.slice(from, next)
    from = ++next
  }
  throw invalidPattern(at, 'this quote is never closed')
}

function afterBlank(pattern: string, start: number): number {
  let at = start
  for (;;) {
    if (isBlank(pattern.charAt(at))) at++
    else if (pattern.startsWith('//', at)) at = endOf(pattern, '\n', at)
    else if (pattern.startsWith('/*', at)) at = endOf(pattern, '*/', at + 2)
    else return at
  }
}

function endOf(pattern: string, mark: string, from: number): number {
  const found = pattern.indexOf(mark, from)
  return found === -1 ? pattern.length : found + mark.length
}

const isBlank = (character: string): boolean => character !== '' && ' \t\r\n\f\v\u0085\u00a0\ufeff'.includes(character)
const isDigit = (character: string): boolean => character >= '0' && character <= '9'
const isWordStart = (character: string): boolean =>
  (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character === '_'
const isWordPart = (character: string): boolean => isWordStart(character) || isDigit(character) || character === '-'
