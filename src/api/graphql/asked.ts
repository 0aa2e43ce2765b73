import { actions, type Context } from '../../actions/index.ts'
import type { Caller } from '../../domain/caller.ts'
import { Fault } from '../../domain/errors.ts'
import type { Community, Organisation } from '../../domain/organisation.ts'

/** What every resolver is given: who asks, the node that is asked, and what this request has learnt already. */
export interface Asked {
  readonly context: Context
  readonly caller: Caller
  readonly known: Known
  /** The operation the client named; there is one in a document, so another name is a mistake. */
  readonly operationName?: string | undefined
}

/** What one request has read of the directory: asked once, however many fields want it, and forgotten when it changes something. */
export class Known {
  readonly #context: Context
  readonly #caller: Caller
  #organisations: Promise<ReadonlyMap<string, Organisation>> | undefined
  #communities: Promise<ReadonlyMap<string, Community>> | undefined

  constructor(context: Context, caller: Caller) {
    this.#context = context
    this.#caller = caller
  }

  /** By slug. @throws {Fault} as `list-organisations` */
  organisations(): Promise<ReadonlyMap<string, Organisation>> {
    this.#organisations ??= actions['list-organisations'](this.#context, this.#caller, undefined).then(byId)
    return this.#organisations
  }

  /** By slug. @throws {Fault} as `list-communities` */
  communities(): Promise<ReadonlyMap<string, Community>> {
    this.#communities ??= actions['list-communities'](this.#context, this.#caller, undefined).then(byId)
    return this.#communities
  }

  forget(): void {
    this.#organisations = undefined
    this.#communities = undefined
  }
}

/** A field of `Query`, or one that reads: an explicit null is an absent argument. */
export const reading =
  <Args extends object, Result>(run: (asked: Asked, args: Args) => Promise<Result>) =>
  (_root: unknown, args: Args, asked: Asked): Promise<Result> =>
    run(asked, withoutNulls(args))

/** A field of `Mutation`: what was known before is asked anew after it. */
export const changing =
  <Args extends object, Result>(run: (asked: Asked, args: Args) => Promise<Result>) =>
  async (_root: unknown, args: Args, asked: Asked): Promise<Result> => {
    try {
      return await run(asked, withoutNulls(args))
    } finally {
      asked.known.forget()
    }
  }

/** Reading what is not there, or not for this reader, is null: the same for both. Every other refusal stays an error. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_found') return null
    throw error
  }
}

/** GraphQL lets whatever is optional be null; the actions know absent members only. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([, item]) => item !== null)
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutNulls(item)])) as T
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.id, item]))
