import type { Caller } from '../domain/caller.ts'
import type { Draft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import { type Handling, type HandlingInput, strictestInput } from '../domain/handling.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Released } from '../domain/released.ts'
import { amendStix } from '../formats/stix-out.ts'
import { narrows } from '../policy/narrowing.ts'
import type { Transaction } from '../store/database.ts'
import { lockFeed } from '../store/feed.ts'
import { mergeIndicators } from '../store/merge.ts'
import { ownById } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import { inputOf, resolveHandling } from './handling.ts'
import { identify } from './identify.ts'
import { uuidOf } from './ids.ts'
import { findOwn } from './own.ts'
import { prepare } from './prepare.ts'
import { typeFactsOf } from './type-facts.ts'
import { record, verb } from './verb.ts'
import { permittedFor, releaseAll } from './visible.ts'

/** What a revision may change. Absent: left as it is. */
export interface Revision {
  readonly name?: string
  readonly description?: string
  readonly class?: NonNullable<Draft['class']>
  readonly confidence?: number
  readonly labels?: readonly string[]
  readonly validFrom?: string
  readonly validUntil?: string
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly handling: HandlingInput
}

export interface ReviseInput {
  readonly id: string
  readonly revision: Revision
  /** The version the revision is based on; refused when another has come between. */
  readonly ifVersion?: number
  /** True: what is said of handling is joined to what holds, the stricter of each member, and not put in its place. */
  readonly stricter?: true
}

/**
 * A new version of one's own indicator: other content, or a wider or narrower handling. The observable stays: another value
 * is another indicator.
 * @throws {Fault} `not_found`, `originator_only`, `already_recalled`, `version_conflict`, and what handling may lack
 */
export const revise = verb(
  'revise',
  async (context: Context, caller: Caller, input: ReviseInput, standing): Promise<Released> => {
    const known = await findOwn(context, caller, standing, input.id, 'revise')
    if (known.recalled) throw new Fault('already_recalled', 'It was recalled; publish it under a new id.')
    if (input.ifVersion !== undefined && input.ifVersion !== known.version) {
      throw new Fault('version_conflict', `The present version is ${known.version}.`)
    }
    const before = standing.visibility.handling(known.handlingId)
    if (before === undefined) throw new Error('an indicator has a handling that is not known')
    const { revision, stricter } = input
    const handling = stricter === true ? strictestInput(inputOf(before), revision.handling) : revision.handling
    await writeRevision(context, caller, standing, known, before, { ...revision, handling })
    return await released(context, caller, known)
  },
)

/**
 * Writes a new version of an indicator of the caller's organisation.
 * @param more what is done in the same transaction, before anything of it can be seen; may refuse by the new handling
 * @returns the number of the version
 */
export async function writeRevision(
  context: Context,
  caller: Caller,
  standing: Standing,
  known: Indicator,
  before: Handling,
  revision: Revision,
  more: (transaction: Transaction, after: Handling, version: number) => Promise<void> = async () => {},
): Promise<number> {
  const at = new Date(Math.max(context.clock().getTime(), Date.parse(known.modified) + 1))
  const draft = draftOf(known, revision, at)
  const said = { ...inputOf(before), ...revision.handling }
  const after = resolveHandling(standing.directory, caller, said, typeFactsOf(draft), before.communities)
  const [handlingId = 0] = await context.policy.intern([after])
  const version = known.version + 1
  const item = { ...identify(draft, after, context.node.idKey), uuid: known.id.slice('indicator--'.length) }
  const row = {
    ...prepare(item, handlingId, at.toISOString(), known.created, context.networks),
    stix: amendStix(known.stix, {
      modified: at.toISOString(),
      tlp: after.tlp,
      anonymous: after.attribution === 'anonymous',
      ...(revision.name === undefined ? {} : { name: revision.name }),
      ...(revision.description === undefined ? {} : { description: revision.description }),
      ...(revision.confidence === undefined ? {} : { confidence: revision.confidence }),
      ...(revision.class === undefined ? {} : { class: revision.class }),
      ...(revision.labels === undefined ? {} : { labels: revision.labels }),
      ...(revision.validFrom === undefined ? {} : { valid_from: revision.validFrom }),
      ...(revision.validUntil === undefined ? {} : { valid_until: revision.validUntil }),
    }),
  }
  await context.database.transaction(async (transaction) => {
    // Under the feed's lock nobody else writes: what this revision was made from must still be what is there.
    await lockFeed(transaction)
    const present = await ownById(transaction, known.originator, uuidOf(known.id) ?? '')
    if (present?.version !== known.version || present.recalled) {
      throw new Fault('version_conflict', 'It changed meanwhile; read it and revise again.')
    }
    const { outcomes, written } = await mergeIndicators(transaction, known.originator, [row], at, () =>
      narrows(before, after),
    )
    if (written === 0) throw new Fault('version_conflict', `It changed meanwhile (${outcomes[0] ?? 'unknown'}).`)
    await record(transaction, context, caller, standing, {
      action: 'revise',
      decision: 'permit',
      rules: ['own'],
      subject: JSON.stringify({ id: known.id, change: outcomes[0], version }),
    })
    await more(transaction, after, version)
  })
  return version
}

/** The new version as its originator sees it, whatever scope the credential has for reading others. */
async function released(context: Context, caller: Caller, { id, originator }: Indicator): Promise<Released> {
  const standing = await context.policy.current()
  const now = await ownById(context.database, originator, uuidOf(id) ?? '')
  const [own] =
    now === undefined ? [] : releaseAll(context, caller, standing, permittedFor(context, caller, standing), [now])
  if (own === undefined) throw new Error('a revised indicator is gone')
  return own
}

function draftOf(known: Indicator, { handling, ...changes }: Revision, at: Date): Draft {
  const [main, ...others] = known.observables
  if (main === undefined) throw new Error('an indicator has no observable')
  const { name, description, class: type, confidence, validUntil, firstSeen, lastSeen } = known
  const kept = { name, description, class: type, confidence, validUntil, firstSeen, lastSeen }
  return {
    position: {},
    id: known.id,
    created: known.created,
    modified: at.toISOString(),
    observables: [main, ...others],
    compound: known.compound,
    labels: known.labels,
    validFrom: known.validFrom,
    ...(Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as Partial<Draft>),
    ...changes,
    handling,
    received: JSON.stringify(changes),
    format: 'puente',
  }
}
