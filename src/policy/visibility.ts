import { readingRoles } from '../domain/account.ts'
import type { Purpose } from '../domain/agreement.ts'
import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { Bitset } from './bitset.ts'
import { decide } from './decide.ts'

/** Which handlings one class of readers may have, as two disjoint sets of handling ids. */
export interface Permitted {
  readonly permit: Bitset
  readonly redact: Bitset
}

interface Cached extends Permitted {
  /** Handlings judged so far: ids below this. */
  known: number
  /** Epoch milliseconds from which time alone may change a decision. */
  freshUntil: number
}

/** Reader classes kept; the least recently made goes first. */
const classesKept = 4_096

/**
 * Decisions by (reader class, handling), taken once per policy epoch. A new world means a new Visibility;
 * an interned handling extends the sets; an instant at which something begins or ends makes them anew.
 */
export class Visibility {
  readonly #world: World
  readonly #handlings: Handling[] = []
  readonly #named = new Set<string>()
  readonly #classes = new Map<string, Cached>()
  /** Keys of classes by reader, as long as nobody else is named. */
  #keys = new WeakMap<Reader, Map<Purpose, string>>()

  constructor(world: World) {
    this.#world = world
  }

  /** Adds an interned handling; ids are dense and come in order. A change of who is named makes classes anew. */
  add(id: number, handling: Handling): void {
    this.#handlings[id] = handling
    for (const account of handling.people) {
      if (this.#named.has(account)) continue
      this.#named.add(account)
      this.#keys = new WeakMap()
    }
  }

  handling(id: number): Handling | undefined {
    return this.#handlings[id]
  }

  /** One more than the largest handling id known. */
  get size(): number {
    return this.#handlings.length
  }

  /**
   * The class of a reader, as a text: readers of one class may have the same, and have it in the same form, since neither a rule nor
   * the release can tell them apart. It may change when a handling is added.
   */
  classOf(reader: Reader, purpose: Purpose): string {
    return this.#keyOf(reader, purpose)
  }

  permitted(reader: Reader, purpose: Purpose, at: Date): Permitted {
    const key = this.#keyOf(reader, purpose)
    let cached = this.#classes.get(key)
    if (cached === undefined || cached.freshUntil <= at.getTime()) {
      cached = { permit: new Bitset(this.size), redact: new Bitset(), known: 0, freshUntil: Number.POSITIVE_INFINITY }
      this.#keep(key, cached)
    }
    this.#extend(cached, reader, purpose, at)
    return cached
  }

  #extend(cached: Cached, reader: Reader, purpose: Purpose, at: Date): void {
    for (; cached.known < this.#handlings.length; cached.known++) {
      const handling = this.#handlings[cached.known]
      if (handling === undefined) continue
      const { effect, expiresAt } = decide(reader, handling, purpose, at, this.#world)
      if (effect === 'permit') cached.permit.add(cached.known)
      if (effect === 'redact') cached.redact.add(cached.known)
      if (expiresAt !== undefined) cached.freshUntil = Math.min(cached.freshUntil, Date.parse(expiresAt))
    }
  }

  #keyOf(reader: Reader, purpose: Purpose): string {
    const known = this.#keys.get(reader) ?? new Map<Purpose, string>()
    this.#keys.set(reader, known)
    const key = known.get(purpose) ?? this.#textOf(reader, purpose)
    known.set(purpose, key)
    return key
  }

  /** Readers whom no rule can tell apart share a class. RED names accounts, so a named account is its own class. */
  #textOf(reader: Reader, purpose: Purpose): string {
    const { account, organisation, roles, communities, providers, greenMember, grants } = reader
    const reads = roles.some((role) => readingRoles.includes(role))
    const named = account !== undefined && this.#named.has(account) ? account : null
    return JSON.stringify([organisation, reads, named, communities, providers, greenMember, grants, purpose])
  }

  #keep(key: string, cached: Cached): void {
    if (this.#classes.size >= classesKept) {
      const oldest = this.#classes.keys().next().value
      if (oldest !== undefined) this.#classes.delete(oldest)
    }
    this.#classes.set(key, cached)
  }
}
