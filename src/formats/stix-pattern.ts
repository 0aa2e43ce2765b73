import type { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { invalidPattern, type Token, tokensOf } from './stix-pattern-tokens.ts'
import type { Comparison, Condition, Literal, Observation, Operator, Qualifier } from './stix-pattern-tree.ts'
import { literalForms, pathStep } from './stix-pattern-words.ts'

/**
 * Parses a STIX 2.1 pattern in linear time.
 * @throws {Fault} `invalid_pattern` with the character at which it is none
 */
export function parsePattern(pattern: string): Observation {
  return new PatternParser(tokensOf(pattern)).pattern()
}

const comparators: Readonly<Record<string, Operator>> = {
  '=': '=',
  '==': '=',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  IN: 'IN',
  LIKE: 'LIKE',
  MATCHES: 'MATCHES',
  ISSUBSET: 'ISSUBSET',
  ISSUPERSET: 'ISSUPERSET',
}
/** Operators whose right side must be a string (§9.6). */
const wantString: readonly Operator[] = ['LIKE', 'MATCHES', 'ISSUBSET', 'ISSUPERSET']

class PatternParser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  pattern(): Observation {
    const whole = this.#observations()
    if (this.#token.kind !== 'end') throw this.#unexpected('the end of the pattern, AND, OR or FOLLOWEDBY')
    return whole
  }

  // FOLLOWEDBY binds weakest, then OR, then AND; a qualifier binds to what stands before it (§9.5).
  #observations(): Observation {
    return this.#chain('followedby', () => this.#chain('or', () => this.#chain('and', () => this.#qualified())))
  }

  #qualified(): Observation {
    let observation = this.#observation()
    let qualifiers = 0
    for (let qualifier = this.#qualifier(); qualifier !== undefined; qualifier = this.#qualifier()) {
      if (++qualifiers > limits.patternDepth) throw this.#unexpected(`at most ${limits.patternDepth} qualifiers`)
      observation = { kind: 'qualified', of: observation, qualifier }
    }
    return observation
  }

  #observation(): Observation {
    if (this.#take('(')) return this.#nested(')', () => this.#observations())
    if (!this.#take('[')) throw this.#unexpected('[ or (')
    return this.#nested(']', () => ({ kind: 'observation', condition: this.#condition() }))
  }

  #qualifier(): Qualifier | undefined {
    if (this.#take('WITHIN')) {
      const seconds = this.#count()
      this.#expect('SECONDS')
      return { kind: 'within', seconds }
    }
    if (this.#take('REPEATS')) {
      const token = this.#token
      const times = this.#count()
      if (!Number.isInteger(times)) throw invalidPattern(token.at, 'REPEATS wants a whole number')
      this.#expect('TIMES')
      return { kind: 'repeats', times }
    }
    if (!this.#take('START')) return undefined
    const start = this.#literalOf('timestamp').text
    this.#expect('STOP')
    return { kind: 'start-stop', start, stop: this.#literalOf('timestamp').text }
  }

  #condition(): Condition {
    return this.#chain('or', () => this.#chain('and', () => this.#test()))
  }

  #test(): Condition {
    if (this.#take('(')) return this.#nested(')', () => this.#condition())
    const negatedTest = this.#take('NOT')
    if (this.#take('EXISTS')) return { kind: 'exists', path: this.#path(), negated: negatedTest }
    if (negatedTest) throw this.#unexpected('EXISTS (NOT stands after the object path otherwise)')
    const path = this.#path()
    const negated = this.#take('NOT')
    if (this.#take('!=') || this.#take('<>')) return this.#comparison(path, '=', !negated)
    const operator =
      this.#token.kind === 'word' || this.#token.kind === 'sign' ? comparators[this.#token.text] : undefined
    if (operator === undefined) throw this.#unexpected('a comparison operator')
    this.#next++
    return this.#comparison(path, operator, negated)
  }

  #comparison(path: string, operator: Operator, negated: boolean): Comparison {
    const literals = operator === 'IN' ? this.#set() : [this.#literal(wantString.includes(operator))]
    return { kind: 'comparison', path, operator, negated, literals }
  }

  #set(): Literal[] {
    this.#expect('(')
    const literals = [this.#literal(false)]
    while (this.#take(',')) literals.push(this.#literal(false))
    this.#expect(')')
    return literals
  }

  #literal(onlyString: boolean): Literal {
    const { kind, text } = this.#token
    if (kind === 'word' && (text === 'true' || text === 'false') && !onlyString) {
      this.#next++
      return { kind: 'boolean', text }
    }
    if (kind === 'word' || kind === 'sign' || kind === 'end' || (onlyString && kind !== 'string')) {
      throw this.#unexpected(onlyString ? 'a string in single quotes' : 'a value')
    }
    return this.#literalOf(kind)
  }

  #literalOf(kind: Exclude<Literal['kind'], 'boolean'>): Literal {
    const token = this.#token
    if (token.kind !== kind) throw this.#unexpected(`a ${kind}`)
    if (!literalForms[kind](token.text)) throw invalidPattern(token.at, `this is not a ${kind}`)
    this.#next++
    return { kind, text: token.text }
  }

  #count(): number {
    const token = this.#token
    const count = Number(this.#literalOf('number').text)
    if (!(count > 0)) throw invalidPattern(token.at, 'this number must be over zero')
    return count
  }

  #path(): string {
    let path = this.#word('an object type')
    this.#expect(':')
    path += `:${this.#step()}`
    for (;;) {
      if (this.#take('.')) path += `.${this.#step()}`
      else if (this.#take('[')) path += `[${this.#index()}]`
      else return path
    }
  }

  /** A property name; one that is no plain name is quoted, and stays quoted only if it needs to be. */
  #step(): string {
    const token = this.#token
    if (token.kind !== 'string') {
      const name = this.#word('a property name')
      if (name.includes('-')) throw invalidPattern(token.at, 'a name with a hyphen must be quoted here')
      return name
    }
    this.#next++
    return pathStep(token.text)
  }

  #index(): string {
    if (this.#take('*')) {
      this.#expect(']')
      return '*'
    }
    const { text, at } = this.#token
    if (!Number.isInteger(Number(this.#literalOf('number').text)))
      throw invalidPattern(at, 'an index is a whole number')
    this.#expect(']')
    return text
  }

  #chain<T, K extends string>(kind: K, part: () => T): T | { readonly kind: K; readonly parts: readonly T[] } {
    const first = part()
    const keyword = kind.toUpperCase()
    if (!this.#isAt(keyword)) return first
    const parts = [first]
    while (this.#take(keyword)) parts.push(part())
    return { kind, parts }
  }

  #nested<T>(close: string, inside: () => T): T {
    this.#depth++
    if (this.#depth > limits.patternDepth) {
      throw invalidPattern(this.#token.at, `brackets may nest ${limits.patternDepth} deep`)
    }
    const value = inside()
    this.#expect(close)
    this.#depth--
    return value
  }

  get #token(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: 0 }
  }

  #isAt(text: string): boolean {
    const token = this.#token
    return (token.kind === 'word' || token.kind === 'sign') && token.text === text
  }

  #take(text: string): boolean {
    if (!this.#isAt(text)) return false
    this.#next++
    return true
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(text)
  }

  #word(what: string): string {
    const token = this.#token
    if (token.kind !== 'word') throw this.#unexpected(what)
    this.#next++
    return token.text
  }

  #unexpected(wanted: string): Fault {
    const token = this.#token
    return invalidPattern(token.at, `expected ${wanted}${token.kind === 'end' ? ', but the pattern ends' : ''}`)
  }
}
