import { isAscii, isUtf8 } from 'node:buffer'
import { Fault, type FaultCode } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { pointerStep } from './json-pointer.ts'

export type JsonObject = { readonly [name: string]: unknown }

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text; nothing for anything else. `String()` calls what an object of the input names `toString`, and throws. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** @throws {Fault} `invalid_json` for bytes that are not UTF-8 */
export function utf8Text(bytes: Buffer): string {
  // Most of what comes is ASCII, which need not be decoded.
  if (isAscii(bytes)) return bytes.toString('latin1')
  if (!isUtf8(bytes)) throw new Fault('invalid_json', 'The text is not UTF-8')
  return bytes.toString('utf8')
}

/**
 * `JSON.parse` without its surprises: what two readers could understand differently is refused.
 * @throws {Fault} `invalid_json`, `invalid_text` (NUL, lone surrogate), `too_deep` (over `limits.jsonDepth`),
 *   `duplicate_key`, `invalid_record` (a `__proto__` member)
 * @param pointer where the text lies in what was sent: faults of a value say where in that it is
 */
export function parseStrict(input: string | Buffer, pointer = ''): unknown {
  const text = typeof input === 'string' ? input : utf8Text(input)
  // The scan comes first: JSON.parse recurses, and 20,000 brackets are a stack overflow.
  const seen = scan(typeof input === 'string' ? bytesOf(input) : input)
  const value = parse(text)
  const census = { members: 0, checkStrings: seen.unusual }
  try {
    inspect(value, census)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault(error.code, error.message, { position: { pointer: pointer + (placeOfFault(value) ?? '') } })
  }
  // Each member has one colon outside strings; a repeated key leaves a colon over.
  if (census.members !== seen.colons) throw new Fault('duplicate_key', `The key ${repeatedKey(text)} is given twice`)
  return value
}

/**
 * The same where an object is wanted; anything else is refused with `code` at `pointer`.
 * @throws {Fault} `code`, and what {@link parseStrict} throws
 */
export function parseObject(input: string | Buffer, code: FaultCode, pointer: string): JsonObject {
  const value = parseStrict(input, pointer)
  if (isJsonObject(value)) return value
  throw new Fault(code, 'It must be a JSON object', { position: { pointer } })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // The engine's message quotes the input; the position alone is safe to show.
    throw new Fault('invalid_json', 'The text is not JSON (RFC 8259)', { cause })
  }
}

interface Scanned {
  colons: number
  /** True when a string may hold NUL or a surrogate: it has `\u` escapes or characters above U+CFFF. */
  unusual: boolean
}

const scratch = Buffer.allocUnsafeSlow(65_536)

/** The UTF-8 of a text, until the next call. Half a surrogate pair becomes U+FFFD. */
function bytesOf(text: string): Buffer {
  return 3 * text.length > scratch.length ? Buffer.from(text) : scratch.subarray(0, scratch.write(text))
}

/** Over bytes: going through the characters of a string takes two to four times as long. */
function scan(bytes: Buffer): Scanned {
  let depth = 0
  let colons = 0
  let unusual = false
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at]
    if (code === 34) {
      for (at++; at < bytes.length; at++) {
        const inside = bytes[at] ?? 0
        if (inside === 34) break
        if (inside === 92) {
          at++
          if (bytes[at] === 117) unusual = true
        } else if (inside >= 0xed) unusual = true
      }
    } else if (code === 58) colons++
    else if (code === 123 || code === 91) {
      depth++
      if (depth > limits.jsonDepth) throw new Fault('too_deep', `JSON may nest ${limits.jsonDepth} deep, not deeper`)
    } else if (code === 125 || code === 93) depth--
  }
  return { colons, unusual }
}

/** Counts members and checks what the scan left open. The recursion is bounded by `limits.jsonDepth`. */
function inspect(value: unknown, census: { members: number; checkStrings: boolean }): void {
  if (typeof value === 'string') {
    if (census.checkStrings) checkText(value)
  } else if (Array.isArray(value)) {
    for (const item of value) inspect(item, census)
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      census.members++
      if (key === '__proto__') throw new Fault('invalid_record', 'A member may not be named __proto__')
      if (census.checkStrings) checkText(key)
      inspect(value[key], census)
    }
  }
}

/** Where the first of what {@link inspect} refuses is; a name that is refused is placed at its object. Asked for only where there is one. */
function placeOfFault(value: unknown): string | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : ''
  if (typeof value !== 'object' || value === null) return undefined
  const members = Array.isArray(value) ? value.entries() : Object.entries(value)
  for (const [name, member] of members) {
    if (name === '__proto__' || (typeof name === 'string' && !isStorable(name))) return ''
    const inside = placeOfFault(member)
    if (inside !== undefined) return pointerStep(name) + inside
  }
  return undefined
}

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** PostgreSQL keeps neither NUL nor half a surrogate pair: one such value would fail the batch it is in. */
function checkText(text: string): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0) throw new Fault('invalid_text', 'A text holds the character NUL')
    if (code < 0xd800 || code > 0xdfff) continue
    const next = text.charCodeAt(at + 1)
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) {
      throw new Fault('invalid_text', 'A text holds half a surrogate pair')
    }
    at++
  }
}

/** Names the first repeated key of a text known to be JSON; quoted, and cut at 60 characters. */
function repeatedKey(text: string): string {
  const open: Set<string>[] = []
  let last = ''
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) {
      const start = at
      for (at++; text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92) at++
      last = text.slice(start, at + 1)
    } else if (code === 58) {
      const key = String(JSON.parse(last))
      const keys = open.at(-1)
      if (keys?.has(key)) break
      keys?.add(key)
    } else if (code === 123 || code === 91) open.push(new Set())
    else if (code === 125 || code === 93) open.pop()
  }
  return last.slice(0, 60)
}
