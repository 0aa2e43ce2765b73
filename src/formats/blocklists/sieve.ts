import { rangeOf } from '../../domain/observables/ranges.ts'
import type { Blockable } from '../../domain/released.ts'

/**
 * Lets each value through once. Values come in the order of {@link Batches}, so equal ones stand together, a domain stands before
 * everything under it and a network before everything in it: one value of each kind is all there is to remember.
 */
export class Sieve {
  readonly #collapses: boolean
  readonly #merges: boolean
  #last = ''
  #domain = ''
  #version = 0
  #end = -1n

  constructor(collapses: boolean, merges: boolean) {
    this.#collapses = collapses
    this.#merges = merges
  }

  pass({ type, value }: Blockable): 'new' | 'again' | 'covered' {
    if (value === this.#last) return 'again'
    this.#last = value
    if (this.#collapses && (type === 'domain-name' || type === 'hostname')) return this.#passDomain(value)
    if (this.#merges && type.startsWith('ip')) return this.#passNetwork(value)
    return 'new'
  }

  #passDomain(value: string): 'new' | 'covered' {
    if (this.#domain !== '' && value.endsWith(`.${this.#domain}`)) return 'covered'
    this.#domain = value
    return 'new'
  }

  #passNetwork(value: string): 'new' | 'covered' {
    const { version, last } = rangeOf(value)
    if (version === this.#version && last <= this.#end) return 'covered'
    this.#version = version
    this.#end = last
    return 'new'
  }
}
