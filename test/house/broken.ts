import { isDeepStrictEqual } from 'node:util'

/** Any part of a contract: what is not an object reads as one without members. */
type Part = { readonly [name: string]: unknown }

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const
/** What a client of the earlier contract would stumble over in the later, one sentence each. */
type Found = (where: string, what: string) => void

/**
 * What the later OpenAPI document breaks of the earlier: what clients send must still be taken, and what they read must still be there.
 * New operations, optional parameters, members of answers and words of enumerations in answers break nothing.
 */
export function broken(earlier: unknown, later: unknown): string[] {
  const found: string[] = []
  const note: Found = (where, what) => found.push(`${where}: ${what}`)
  for (const [path, item] of Object.entries(part(part(earlier).paths))) {
    for (const method of methods) {
      const before = part(item)[method]
      const after = part(part(part(later).paths)[path])[method]
      const name = `${method.toUpperCase()} ${path}`
      if (before === undefined) continue
      if (after === undefined) note(name, 'is gone')
      else new Operation(part(earlier), part(later), note).compare(name, part(before), part(after))
    }
  }
  return found
}

class Operation {
  readonly #earlier: Part
  readonly #later: Part
  readonly #note: Found
  readonly #compared = new Set<string>()

  constructor(earlier: Part, later: Part, note: Found) {
    this.#earlier = earlier
    this.#later = later
    this.#note = note
  }

  compare(name: string, before: Part, after: Part): void {
    const [parameters, others] = [this.#named(this.#earlier, before), this.#named(this.#later, after)]
    for (const [key, parameter] of parameters) {
      const other = others.get(key)
      if (other === undefined) this.#note(`${name} ${key}`, 'is gone')
      else this.#schema(`${name} ${key}`, 'sent', parameter.schema, other.schema)
    }
    for (const [key, { required }] of others) {
      if (required === true && parameters.get(key)?.required !== true) this.#note(`${name} ${key}`, 'is required now')
    }
    const [body, otherBody] = [resolved(this.#earlier, before.requestBody), resolved(this.#later, after.requestBody)]
    if (otherBody.required === true && body.required !== true) this.#note(`${name} body`, 'is required now')
    this.#content(`${name} body`, 'sent', body, otherBody)
    for (const [status, answer] of Object.entries(part(before.responses))) {
      if (!/^2/.test(status)) continue
      const other = part(after.responses)[status]
      if (other === undefined) this.#note(`${name} ${status}`, 'is gone')
      else this.#content(`${name} ${status}`, 'read', resolved(this.#earlier, answer), resolved(this.#later, other))
    }
  }

  #named(document: Part, { parameters }: Part): Map<string, Part> {
    const all = (Array.isArray(parameters) ? parameters : []).map((each) => resolved(document, each))
    return new Map(all.map((each) => [`${each.in} ${each.name}`, each]))
  }

  #content(where: string, way: 'sent' | 'read', before: Part, after: Part): void {
    for (const [type, media] of Object.entries(part(before.content))) {
      const other = part(after.content)[type]
      if (other === undefined) this.#note(`${where} ${type}`, 'is gone')
      else this.#schema(`${where} ${type}`, way, part(media).schema, part(other).schema)
    }
  }

  #schema(where: string, way: 'sent' | 'read', from: unknown, to: unknown): void {
    const [before, after] = [resolved(this.#earlier, from), resolved(this.#later, to)]
    const pair = `${way} ${part(from).$ref} ${part(to).$ref}`
    if (part(from).$ref !== undefined) {
      if (this.#compared.has(pair)) return
      this.#compared.add(pair)
    }
    const words = (schema: Part, key: string): unknown[] => (schema[key] === undefined ? [] : [schema[key]].flat())
    const lacks = (key: string, some: Part, all: Part): boolean =>
      words(all, key).length > 0 && !(some[key] !== undefined && within(words(some, key), words(all, key)))
    if (way === 'sent') {
      for (const key of ['type', 'enum', 'const'])
        if (lacks(key, before, after)) this.#note(where, `${key} is narrower`)
      for (const key of tightest) if (isTighter(key, before[key], after[key])) this.#note(where, `${key} is tighter`)
    } else if (lacks('type', after, before)) this.#note(where, 'type is wider')
    this.#members(where, way, before, after)
    for (const key of ['anyOf', 'oneOf', 'allOf']) {
      const [some, others] = [words(before, key), words(after, key)]
      if (way === 'sent' && others.length < some.length && key !== 'allOf') this.#note(where, `${key} has fewer`)
      for (const [n, each] of some.entries()) if (n < others.length) this.#schema(where, way, each, others[n])
    }
    if (before.items !== undefined) this.#schema(`${where}[]`, way, before.items, after.items)
  }

  #members(where: string, way: 'sent' | 'read', before: Part, after: Part): void {
    const [members, others] = [part(before.properties), part(after.properties)]
    const [needed, wanted] = [before.required, after.required].map(
      (names) => new Set(Array.isArray(names) ? names : []),
    )
    for (const [name, member] of Object.entries(members)) {
      if (others[name] === undefined) this.#note(`${where}.${name}`, 'is gone')
      else this.#schema(`${where}.${name}`, way, member, others[name])
    }
    const [fewer, more] = way === 'sent' ? [needed, wanted] : [wanted, needed]
    for (const name of more ?? []) {
      if (fewer?.has(name) !== true)
        this.#note(`${where}.${name}`, way === 'sent' ? 'is required now' : 'may be absent now')
    }
  }
}

/** Bounds of what is sent, and which way is tighter; a pattern that is another one may be. */
const tightest = ['maxLength', 'maxItems', 'maximum', 'minLength', 'minItems', 'minimum', 'pattern'] as const

function isTighter(key: (typeof tightest)[number], before: unknown, after: unknown): boolean {
  if (after === undefined || after === before) return false
  if (key === 'pattern' || before === undefined) return true
  return key.startsWith('max') ? Number(after) < Number(before) : Number(after) > Number(before)
}

const within = (some: readonly unknown[], all: readonly unknown[]): boolean =>
  some.every((each) => all.some((other) => isDeepStrictEqual(each, other)))

/** What a reference stands for, references to references too. */
function resolved(document: Part, value: unknown): Part {
  const { $ref } = part(value)
  if (typeof $ref !== 'string') return part(value)
  const steps = $ref.replace('#/', '').split('/')
  return resolved(
    document,
    steps.reduce<unknown>((at, step) => part(at)[step], document),
  )
}

const part = (value: unknown): Part => (typeof value === 'object' && value !== null ? (value as Part) : {})
