import type { Caller } from '../domain/caller.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { type LookedUp, lookedUp } from '../domain/observables/looked-up.ts'
import type { Released } from '../domain/released.ts'
import { matchKeys } from '../store/lookups.ts'
import type { Context } from './context.ts'
import { keyBytes } from './value-keys.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

export interface LookupValue {
  readonly value: string
  /** Observable type; told from the value when absent. */
  readonly type?: string
}

export interface LookupInput {
  readonly values: readonly LookupValue[]
  /** Indicators listed per value and way of matching; 10 when absent, 100 at most. */
  readonly limitPerValue?: number
}

export type MatchKind = 'exact' | 'containing'

export interface LookupResult {
  readonly value: string
  readonly type?: string
  /** Whether the caller may see anything about it. */
  readonly known: boolean
  readonly matches: readonly { readonly match: MatchKind; readonly indicator: Released }[]
  /** Why the value could not be looked up. */
  readonly fault?: RecordFault
}

/** A key to look for, and the values that ask for it: addresses of one network share most of their prefixes. */
interface Wanted {
  readonly key: string
  readonly values: number[]
}

/**
 * Which values are known to what the caller may see: exactly, in a containing prefix, or under a parent domain. Masked
 * indicators answer to the exact value only: that is the test they are for.
 * @throws {Fault} `too_many_values`
 */
export const lookup = verb(
  'lookup',
  async (context: Context, caller: Caller, input: LookupInput, standing): Promise<LookupResult[]> => {
    if (input.values.length > limits.lookupValues) {
      throw new Fault('too_many_values', `At most ${limits.lookupValues} values in one look-up.`)
    }
    const parsed = input.values.map(parseValue)
    const permitted = permittedFor(context, caller, standing)
    const limit = Math.min(input.limitPerValue ?? 10, 100)
    const found = await Promise.all(
      (['exact', 'containing'] as const).map(async (kind) => {
        const asked = wantedBy(parsed, kind)
        // What contains a value is found through parts of it: not for what is masked.
        const visible = visibleTo(permitted, standing, caller, kind === 'exact' ? 'whole' : 'content')
        const keys = asked.map(({ key }) => keyBytes(key))
        const matches = keys.length === 0 ? [] : await matchKeys(context.database, visible, keys, limit)
        return matches.map(({ key, indicator }) => ({ match: kind, values: asked[key]?.values ?? [], indicator }))
      }),
    )
    const flat = found.flat()
    const indicators = flat.map(({ indicator }) => indicator)
    const released = releaseAll(context, caller, standing, permitted, indicators)
    await recordReading(context, caller, standing, 'lookup', indicators)
    const answered = flat.reduce((total, { values }) => total + values.length, 0)
    if (answered > limits.lookupMatches) {
      throw new Fault(
        'too_many_values',
        `More than ${limits.lookupMatches} matches: ask for fewer values, or fewer of each.`,
      )
    }
    const matchesOf = parsed.map((): { match: MatchKind; indicator: Released }[] => [])
    for (const [i, { match, values }] of flat.entries()) {
      const indicator = released[i]
      if (indicator !== undefined) for (const value of values) matchesOf[value]?.push({ match, indicator })
    }
    return parsed.map((each, i) => result(each, input.values[i]?.value ?? '', matchesOf[i] ?? []))
  },
  { checkedWithRows: true },
)

type Parsed = LookedUp | { readonly fault: RecordFault }

function parseValue({ value, type }: LookupValue, record: number): Parsed {
  try {
    return lookedUp(value, type)
  } catch (error) {
    if (error instanceof Fault) return { fault: error.asRecordFault({ record }) }
    throw error
  }
}

function wantedBy(parsed: readonly Parsed[], kind: MatchKind): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const [value, each] of parsed.entries()) {
    if ('fault' in each) continue
    for (const key of kind === 'exact' ? [each.exact] : each.containing) {
      const known = wanted.get(key)
      if (known === undefined) wanted.set(key, { key, values: [value] })
      else known.values.push(value)
    }
  }
  return [...wanted.values()]
}

function result(parsed: Parsed, value: string, matches: LookupResult['matches']): LookupResult {
  if ('fault' in parsed) return { value, known: false, matches: [], fault: parsed.fault }
  return { value, type: parsed.type, known: matches.length > 0, matches }
}
