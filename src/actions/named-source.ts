import type { Caller } from '../domain/caller.ts'
import type { Indicator } from '../domain/indicator.ts'
import { sourceOf } from '../policy/release.ts'
import type { Context, Standing } from './context.ts'
import { releaseFacts } from './visible.ts'

/** An indicator to ask about: an id that several may have published under, and as whose the caller knows it. */
export interface ReadInput {
  /** `indicator--<uuid>`. */
  readonly id: string
  /** Organisation id. */
  readonly originator?: string
  /** What stands for a source that stays anonymous. */
  readonly alias?: string
}

/** Whether an indicator is of the source that was asked for, as the caller may know sources. */
export function isSource(
  context: Context,
  caller: Caller,
  standing: Standing,
  { handlingId }: Pick<Indicator, 'handlingId'>,
  { originator, alias }: ReadInput,
): boolean {
  if (originator === undefined && alias === undefined) return true
  const handling = standing.visibility.handling(handlingId)
  if (handling === undefined) return false
  const shown = sourceOf(handling, caller.reader, releaseFacts(context, standing))
  return originator === undefined ? shown.alias === alias : shown.originator?.id === originator
}
