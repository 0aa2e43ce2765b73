import type { ReleasedEvent } from '../domain/misp-event.ts'
import { partKey } from '../store/misp-writes.ts'

/** What an edit was made from. What changed since is not written over: the edit is refused, and made anew from what is there now. */
export interface ReadBefore {
  /** Versions of indicators by UUID. */
  readonly indicators: ReadonlyMap<string, number>
  /** Revisions of events by UUID. */
  readonly events: ReadonlyMap<string, string>
  /** Revisions of context by {@link partKey}. */
  readonly parts: ReadonlyMap<string, string>
}

/** All that was read of an event of the caller's own. */
export function readOf({ uuid: event, revision, attributes }: ReleasedEvent): ReadBefore {
  const indicators = new Map<string, number>()
  const parts = new Map<string, string>()
  for (const each of attributes) {
    if ('indicator' in each) indicators.set(each.indicator.id.slice('indicator--'.length), each.indicator.version)
    else parts.set(partKey({ event, kind: 'context', uuid: each.uuid }), each.revision)
  }
  return { indicators, events: new Map([[event, revision]]), parts }
}
