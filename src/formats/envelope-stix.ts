import type { IndicatorContent } from '../domain/envelope.ts'
import { type JsonObject, parseObject } from './json-text.ts'

/** Whoever reads, judges and writes an envelope wants its STIX text as an object: it is read once. */
const objects = new WeakMap<IndicatorContent, JsonObject>()

/** The STIX object of an envelope. @throws {Fault} `invalid_stix`, and what strict JSON refuses */
export function stixObjectOf(content: IndicatorContent): JsonObject {
  const known = objects.get(content)
  if (known !== undefined) return known
  const object = parseObject(content.stix, 'invalid_stix', '')
  objects.set(content, object)
  return object
}
