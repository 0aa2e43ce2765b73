import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import type { Indicator } from '../domain/indicator.ts'
import { sourceOf } from '../policy/release.ts'
import { visibleById } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { absent } from './read.ts'
import { permittedFor, releaseFacts, visibleTo } from './visible.ts'

export interface SourceInput {
  /** STIX id of an indicator that the caller sees. */
  readonly indicator: string
  /** Alias or organisation id, where several published under one STIX id. */
  readonly source?: string
}

/** What is known of an indicator whose source is asked for. */
export interface FoundSource {
  readonly indicator: Indicator
  readonly uuid: string
  readonly handling: Handling
  /** What the caller sees in place of the source; absent where it sees who it is. */
  readonly alias?: string
}

/** The indicator that the caller means, as a reading by its id finds it. @throws {Fault} `not_found` */
export async function findSource(
  context: Context,
  caller: Caller,
  standing: Standing,
  { indicator: id, source }: SourceInput,
): Promise<FoundSource> {
  const uuid = uuidOf(id) ?? '00000000-0000-0000-0000-000000000000'
  const visible = visibleTo(permittedFor(context, caller, standing), standing, caller, 'whole')
  const facts = releaseFacts(context, standing)
  for (const indicator of await visibleById(context.database, visible, uuid)) {
    const handling = standing.visibility.handling(indicator.handlingId)
    if (handling === undefined) throw new Error('an indicator has a handling that is not known')
    const { alias, originator } = sourceOf(handling, caller.reader, facts)
    if (source !== undefined && source !== alias && source !== originator?.id) continue
    return { indicator, uuid, handling, ...(alias === undefined ? {} : { alias }) }
  }
  throw absent()
}
