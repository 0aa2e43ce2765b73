import { Fault, type FaultCode } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { pointerStep } from './json-pointer.ts'
import type { JsonObject } from './json-text.ts'
import { parseTimestamp, type TimestampForm } from './timestamp.ts'

/** Reads the members of one object of the input; every fault names the member by its pointer (RFC 6901). */
export class Fields {
  readonly object: JsonObject
  readonly #pointer: string
  readonly #code: FaultCode
  readonly #times: TimestampForm

  /** `pointer` is where the object lies in its record; `code` what a member of the wrong form is refused with. */
  constructor(object: JsonObject, pointer: string, code: FaultCode, times: TimestampForm = 'rfc3339') {
    this.object = object
    this.#pointer = pointer
    this.#code = code
    this.#times = times
  }

  has(name: string): boolean {
    return Object.hasOwn(this.object, name)
  }

  pointer(name: string): string {
    return this.#pointer + pointerStep(name)
  }

  fault(name: string, message: string, code: FaultCode = this.#code): Fault {
    return new Fault(code, message, { position: { pointer: this.pointer(name) } })
  }

  /** Runs a parser on a member: a fault that names no place gets the member's pointer and, when given, another code. */
  parsed<T>(name: string, parse: () => T, code?: FaultCode): T {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof Fault) || error.detail.position?.pointer !== undefined) throw error
      throw this.fault(name, error.message, code ?? error.code)
    }
  }

  text(name: string, characters: number = limits.textCharacters): string | undefined {
    const value = this.#own(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw this.fault(name, `"${name}" must be a text`)
    if (value.length > characters) throw this.fault(name, `"${name}" may have ${characters} characters`)
    return value
  }

  requiredText(name: string, characters?: number): string {
    const value = this.text(name, characters)
    if (value === undefined || value === '') throw this.fault(name, `"${name}" is required`)
    return value
  }

  /** A list of texts that are not empty. */
  texts(name: string, items: number, characters: number = limits.labelCharacters): readonly string[] | undefined {
    const value = this.#own(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) throw this.fault(name, `"${name}" must be a list of texts`)
    if (value.length > items) throw this.fault(name, `"${name}" may have ${items} items`)
    for (const item of value) {
      if (typeof item !== 'string' || item === '' || item.length > characters) {
        throw this.fault(name, `"${name}" must be a list of texts of 1 to ${characters} characters`)
      }
    }
    return value
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.#own(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw this.fault(name, `"${name}" must be a whole number from ${min} to ${max}`)
    }
    return value
  }

  flag(name: string): boolean | undefined {
    const value = this.#own(name)
    if (value !== undefined && typeof value !== 'boolean') throw this.fault(name, `"${name}" must be true or false`)
    return value
  }

  /** ISO 8601 UTC. */
  time(name: string): string | undefined {
    const value = this.text(name, 100)
    if (value === undefined) return undefined
    const time = parseTimestamp(value, this.#times)
    if (time === undefined) throw this.fault(name, `"${name}" must be a time as RFC 3339 writes it, in UTC`)
    return time
  }

  oneOf<T extends string>(name: string, words: readonly T[]): T | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const known = words.find((word) => word === value)
    if (known === undefined) throw this.fault(name, `"${name}" must be one of: ${words.join(', ')}`)
    return known
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.object, name) ? this.object[name] : undefined
  }
}

/** The object without its undefined members, as exact optional types want it. */
export function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  const present: Partial<T> = {}
  for (const name of Object.keys(value) as (keyof T)[]) {
    const member = value[name]
    if (member !== undefined) present[name] = member
  }
  return present as T
}
