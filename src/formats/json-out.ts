import type { Released } from '../domain/released.ts'

/**
 * An indicator in Puente's own members: those of {@link Released} but for `stix`; absent members are absent.
 * @param more further members
 */
export function indicatorJson(indicator: Released, more?: object): Record<string, unknown> {
  const { stix: _, ...members } = indicator
  return more === undefined ? members : Object.assign(members, more)
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

/** NDJSON: one indicator a line. @param more further members of each, by its place */
export async function* encodeNdjson(
  items: AsyncIterable<Released> | Iterable<Released>,
  more: readonly object[] = [],
): AsyncGenerator<string> {
  let n = 0
  for await (const item of items) yield `${JSON.stringify(indicatorJson(item, more[n++]))}\n`
}
