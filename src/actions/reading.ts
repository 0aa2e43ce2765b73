import { createHash } from 'node:crypto'
import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import type { Effect } from '../domain/decision.ts'
import { type Directory, worldOf } from '../domain/directory.ts'
import { handlingText } from '../domain/handling.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { World } from '../domain/reader.ts'
import { decide } from '../policy/decide.ts'
import { auditBeforeAnswer } from '../policy/knowing.ts'
import { originatorShown } from '../policy/release.ts'
import type { Permitted } from '../policy/visibility.ts'
import type { Basis } from '../store/audit.ts'
import type { Reading } from './audit-queue.ts'
import type { Context, Standing } from './context.ts'

/** What was given to a reader, as `audit_subject` keeps it: enough to ask the policy again. */
export interface ReadingSubject {
  /**
   * Originator, STIX id, version, handling id: of every indicator above CLEAR in the answer, and once more for each handling above CLEAR that
   * reporters gave to what they say of it.
   */
  readonly items: readonly (readonly [originator: string, id: string, version: number, handling: number])[]
  /** Each handling once: its id, what was decided, SHA-256 of its text (hex). */
  readonly handlings: readonly (readonly [id: number, effect: Effect, digest: string])[]
}

/** What a reading is about. */
export interface Read extends Pick<Indicator, 'originator' | 'id' | 'version' | 'handlingId'> {
  /** Ids of further handlings that something of the answer stands under: of reports that have one of their own. */
  readonly own?: ReadonlySet<number>
}

/** One decision of a reader class about a handling, as the leaf tells it. */
interface Judged {
  readonly effect: Effect
  readonly rules: readonly string[]
  readonly agreements: readonly string[]
  readonly requests: readonly string[]
  readonly digest: string
  /** Whether the log must have it before the reader has it. */
  readonly first: boolean
  readonly clear: boolean
  /** Whether the reader knows the source by name. */
  readonly told: boolean
}

/**
 * By what a reader class may have, which lives as long as its decisions hold: a page of known handlings costs a look for each
 * indicator, and no decision.
 */
const judged = new WeakMap<Permitted, Map<number, Judged>>()

interface KnownWorld {
  readonly world: World
  readonly basis: Basis
}
const worlds = new WeakMap<Directory, KnownWorld>()

/**
 * The leaf of an answer that holds something above CLEAR; undefined when it holds nothing of the kind.
 * @returns `first`: whether the answer must wait until the leaf is durable
 */
export function readingOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  action: ActionName,
  indicators: readonly Read[],
): (Reading & { readonly first: boolean }) | undefined {
  let [items, count] = ['', 0]
  const found = new Map<number, Judged>()
  const unnamed = new Set<number>()
  const add = ({ originator, id, version }: Read, handlingId: number): boolean => {
    const one = found.get(handlingId) ?? judge(context, caller, standing, permitted, handlingId)
    if (one.clear) return false
    found.set(handlingId, one)
    // Ids are slugs and UUIDs: nothing in them is to be escaped, and written so a page costs less than half.
    items += `${count === 0 ? '' : ','}["${originator}","${id}",${version},${handlingId}]`
    count++
    return true
  }
  for (const each of indicators) {
    add(each, each.handlingId)
    if (each.own === undefined) continue
    const above = [...each.own].filter((own) => add(each, own))
    if (above.length === 0) continue
    // Where it keeps its source anonymous, so it does those who speak of it: it stands beside them, though it be CLEAR.
    const of = judge(context, caller, standing, permitted, each.handlingId)
    found.set(each.handlingId, of)
    if (!of.told) for (const own of above) unnamed.add(own)
  }
  if (count === 0) return undefined
  const { basis: world } = knownWorld(standing)
  const all = [...found].map(([id, one]) => (unnamed.has(id) ? { ...one, agreements: [] } : one))
  const reader = basisOf(JSON.stringify(caller.reader))
  const handlings: ReadingSubject['handlings'] = [...found].map(([id, { effect, digest }]) => [id, effect, digest])
  return {
    first: all.some(({ first }) => first),
    bases: [reader, world],
    entry: {
      at: context.clock(),
      action,
      actor: caller.reader.account,
      organisation: caller.reader.organisation?.id,
      decision: all.some(({ effect }) => effect === 'redact') ? 'redact' : 'permit',
      rules: union(all, 'rules'),
      agreements: union(all, 'agreements'),
      requests: union(all, 'requests'),
      purpose: caller.purpose,
      policyEpoch: standing.directory.epoch,
      program: context.version,
      reading: { count, reader: reader.digest, world: world.digest },
      subject: `{"items":[${items}],"handlings":${JSON.stringify(handlings)}}`,
    },
  }
}

function judge(context: Context, caller: Caller, standing: Standing, permitted: Permitted, handlingId: number): Judged {
  let known = judged.get(permitted)
  if (known === undefined) {
    known = new Map()
    judged.set(permitted, known)
  }
  let one = known.get(handlingId)
  if (one === undefined) {
    one = judgeAnew(context, caller, standing, handlingId)
    known.set(handlingId, one)
  }
  return one
}

function judgeAnew(context: Context, caller: Caller, standing: Standing, handlingId: number): Judged {
  const handling = standing.visibility.handling(handlingId)
  if (handling === undefined) throw new Error('an indicator has a handling that is not known')
  const { world } = knownWorld(standing)
  const { effect, rules } = decide(caller.reader, handling, caller.purpose, context.clock(), world)
  // The text of a leaf is its reader's to have: an agreement would say where a source is that stays anonymous.
  const told = originatorShown(caller.reader, handling)
  const named = (which: 'agreement' | 'request') =>
    rules.flatMap((finding) => (finding[which] === undefined ? [] : [finding[which]]))
  return {
    effect,
    rules: rules.map(({ id }) => id),
    agreements: told ? named('agreement') : [],
    requests: named('request'),
    digest: sha256(handlingText(handling)),
    first: auditBeforeAnswer(caller, handling.tlp),
    clear: handling.tlp === 'clear',
    told,
  }
}

/** What decisions about this caller rest on beside the handling, by digest: as the log keeps it. */
export const basesOfDecisions = (
  caller: Caller,
  standing: Standing,
): { readonly reader: string; readonly world: string } => ({
  reader: basisOf(JSON.stringify(caller.reader)).digest,
  world: knownWorld(standing).basis.digest,
})

/** The agreements and jurisdictions of a directory, once for each. */
function knownWorld({ directory }: Standing): KnownWorld {
  const known = worlds.get(directory)
  if (known !== undefined) return known
  const world = worldOf(directory)
  const jurisdictions = Object.fromEntries([...world.jurisdictions].sort(([a], [b]) => (a < b ? -1 : 1)))
  const made = { world, basis: basisOf(JSON.stringify({ agreements: world.agreements, jurisdictions })) }
  worlds.set(directory, made)
  return made
}

const basisOf = (body: string): Basis => ({ digest: sha256(body), body })
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function union(all: readonly Judged[], member: 'rules' | 'agreements' | 'requests'): readonly string[] {
  const [first] = all
  if (first !== undefined && all.length === 1) return first[member]
  const joined = new Set<string>()
  for (const one of all) for (const item of one[member]) joined.add(item)
  return [...joined]
}
