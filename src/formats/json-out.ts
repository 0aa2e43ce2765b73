import type { Released } from '../domain/released.ts'

/** An indicator in Puente's own members: those of {@link Released} but for `stix`; absent members are absent. */
export function indicatorJson(indicator: Released): Record<string, unknown> {
  const { stix: _, ...members } = indicator
  return members
}

/** A JSON array as pieces of text, one indicator a line. */
export async function* encodeJson(items: AsyncIterable<Released> | Iterable<Released>): AsyncGenerator<string> {
  let before = '[\n'
  for await (const item of items) {
    yield before + JSON.stringify(indicatorJson(item))
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}

/** NDJSON: one indicator a line. */
export async function* encodeNdjson(
  items: AsyncIterable<Released> | Iterable<Released>,
  json: (indicator: Released) => unknown = indicatorJson,
): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(json(item))}\n`
}
