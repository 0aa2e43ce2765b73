import { Fault } from '../errors.ts'
import { limits } from '../limits.ts'
import { networkType, parseNetwork } from './ip.ts'
import type { Observable } from './observable.ts'
import { refang } from './refang.ts'
import { isPrivateKey, refusedTypes } from './refused.ts'
import { invalid, type ObservableType } from './type.ts'
import { observableType } from './types.ts'

/**
 * The id to ask for when the input only says that it is an IP address (MISP's `ip-dst`, a CSV column `ip`): what comes
 * back is of one of the four types of address and prefix. It is no type itself, so no observable has it.
 */
export const anyIpAddress = 'ip-address'

/**
 * Reads a value of a type: trims, refangs where the type is one that people defang, and brings it to its canonical
 * form. The type of what comes back may differ where the value says so: `::ffff:192.0.2.1` is an `ipv4-address`.
 * @param text at most `limits.valueCharacters` UTF-16 units, as is the canonical form
 * @throws {Fault} `unknown_type`, `refused_type`, `invalid_text` (control characters, lone surrogates), `invalid_value`
 */
export function parseObservable(type: string, text: string): Observable {
  if (type === last?.type && text === last.text) return last.read
  const read = readObservable(type, text)
  last = { type, text, read }
  return read
}

/** A value that comes from another node stands in its envelope and in its pattern: the second is not read anew. */
let last: { readonly type: string; readonly text: string; readonly read: Observable } | undefined

function readObservable(type: string, text: string): Observable {
  const reason = refusedTypes.get(type)
  if (reason !== undefined) throw new Fault('refused_type', `"${type}" is refused: ${reason}`)
  if (type === anyIpAddress) {
    const network = parseNetwork(refang(readable(text, false)))
    return { type: networkType(network), value: network }
  }
  const facts = observableType(type)
  const trimmed = readable(text, facts.multiline)
  if (isPrivateKey(trimmed)) throw new Fault('refused_type', 'a private key is refused: secrets are not shared')
  return canonical(facts, facts.refangs ? refang(trimmed) : trimmed)
}

function canonical(facts: ObservableType, text: string): Observable {
  const value = facts.parse(text)
  // IDNA, escapes and normal forms can lengthen a value
  if (value.length > limits.valueCharacters) throw invalid(text, 'is too long when written out')
  return { type: facts.becomes?.(value) ?? facts.id, value }
}

/** The text without white space around it, once it is certain that it can be stored and shown. */
function readable(text: string, multiline: boolean): string {
  if (text.length > limits.valueCharacters) {
    throw invalid(text, `has more than ${limits.valueCharacters} characters`)
  }
  const trimmed = text.trim()
  if (trimmed === '') throw new Fault('invalid_value', 'the value is empty')
  if (/^[ -~]*$/.test(trimmed)) return trimmed
  if (/\p{Surrogate}/u.test(trimmed)) throw new Fault('invalid_text', 'the value has half a surrogate pair in it')
  const controls = multiline ? /[^\P{Cc}\t\n\r]/u : /\p{Cc}/u
  if (controls.test(trimmed)) throw new Fault('invalid_text', 'the value has control characters in it')
  return trimmed
}
