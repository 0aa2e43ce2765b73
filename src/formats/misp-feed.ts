import type { ReleasedEvent } from '../domain/misp-event.ts'
import { mispEvent } from './misp-out.ts'

/** The files of a MISP feed, of what one reader may have. */

interface Written {
  readonly uuid: string
  readonly info: string
  readonly date: string
  readonly analysis: string
  readonly threat_level_id: string
  readonly timestamp: string
  readonly Orgc: object
  readonly Tag: readonly object[]
  readonly Attribute?: readonly { readonly type: string; readonly value: string }[]
  readonly Object?: readonly { readonly Attribute: readonly { readonly type: string; readonly value: string }[] }[]
}

/** `<uuid>.json`, without its wrapper. */
export const feedEvent = (event: ReleasedEvent): object => mispEvent(event)

type Events = AsyncGenerator<ReleasedEvent>
type First = IteratorResult<ReleasedEvent>

/** `manifest.json`: the head of each event under its UUID. */
export async function* manifestOf(first: First, events: Events): AsyncGenerator<string> {
  yield '{'
  for (let [next, comma] = [first, '']; next.done !== true; next = await events.next(), comma = ',') {
    const { uuid, info, date, analysis, threat_level_id, timestamp, Orgc, Tag } = mispEvent(next.value, true) as Written
    const head = { Orgc, Tag, info, date, analysis, threat_level_id, timestamp }
    yield `${comma}${JSON.stringify(uuid)}:${JSON.stringify(head)}`
  }
  yield '}'
}

/** `hashes.csv`: the MD5 of each value, or of each part of it, and the event it is in. */
export async function* feedHashes(
  first: First,
  events: Events,
  md5: (value: string) => string,
): AsyncGenerator<string> {
  for (let next = first; next.done !== true; next = await events.next()) {
    const { uuid, Attribute: alone = [], Object: objects = [] } = mispEvent(next.value) as Written
    const all = [...alone, ...objects.flatMap(({ Attribute }) => Attribute)]
    const lines = new Set(all.flatMap(({ type, value }) => (type.includes('|') ? value.split('|') : [value])).map(md5))
    yield [...lines].map((digest) => `${digest},${uuid}\n`).join('')
  }
}
