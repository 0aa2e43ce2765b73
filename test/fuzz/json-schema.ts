import fc from 'fast-check'
import { hostileText, hostileValue } from './fuzz.ts'

/** A JSON schema, of the keywords that `openapi.yaml` uses in requests; its references are put in place. */
export interface JsonSchema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** Texts that mean something here, so that what is generated reaches beyond the first check. */
export type Words = readonly string[]

/** Values that fit the schema. @param words for texts that the schema leaves free */
export function fitting(schema: JsonSchema, words: Words): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => fitting(each, words)))
  switch (schema.type) {
    case 'string':
      return fittingText(schema, words)
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 4_294_967_295 })
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'array': {
      const { items = {}, minItems = 0, maxItems = 4 } = schema
      return fc.array(fitting(items, words), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) })
    }
    case 'object':
      return fittingObject(schema, words)
    default:
      return fc.oneof(fc.constantFrom(...words), fc.jsonValue({ maxDepth: 2 }))
  }
}

function fittingText({ pattern, format, minLength = 0, maxLength = 200 }: JsonSchema, words: Words) {
  if (format === 'date-time') {
    const [min, max] = [new Date('1990-01-01'), new Date('2090-01-01')]
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString())
  }
  if (format === 'uuid') return fc.uuid()
  const shape = pattern === undefined ? undefined : new RegExp(pattern)
  const known = words.filter(
    (word) => word.length >= minLength && word.length <= maxLength && (shape === undefined || shape.test(word)),
  )
  const free =
    shape === undefined ? fc.string({ minLength, maxLength: Math.min(maxLength, 60) }) : fc.stringMatching(shape)
  return known.length === 0 ? free : fc.oneof(fc.constantFrom(...known), free)
}

function fittingObject({ properties = {}, required = [] }: JsonSchema, words: Words) {
  const members = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, fitting(each, words)]))
  return fc.record(members, { requiredKeys: [...required] })
}

/** Values that fit, or are wrong in one place or altogether. */
export function bent(schema: JsonSchema, words: Words): fc.Arbitrary<unknown> {
  const fits = fitting(schema, words)
  const names = Object.keys(schema.properties ?? {})
  const spoiltMember = fc
    .tuple(fits, fc.oneof(hostileText, ...(names.length === 0 ? [] : [fc.constantFrom(...names)])), hostileValue)
    .map(([value, name, wrong]) => (isObject(value) ? { ...value, [name]: wrong } : wrong))
  const missing = fc.tuple(fits, fc.nat(20)).map(([value, n]) => {
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).filter((_, at) => at !== n))
  })
  return fc.oneof(
    { weight: 5, arbitrary: fits },
    { weight: 4, arbitrary: spoiltMember },
    { weight: 1, arbitrary: missing },
    { weight: 1, arbitrary: hostileValue },
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
