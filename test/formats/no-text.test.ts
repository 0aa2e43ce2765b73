import t from 'tap'
import { isJsonObject } from '../../src/formats/json-text.ts'
import { decode, type InputFormat } from '../../src/formats/sniff.ts'
import { propertiesOf } from '../../src/formats/stix-properties.ts'
import { samples } from '../fuzz/samples.ts'
import { collect, sourceOf } from './sources.ts'

/** An object that cannot be made a text or a number stands in turn for every member of the input: nothing of it throws. */

const odd = { toString: 1, valueOf: 1 }

function* spoilt(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [n, item] of value.entries()) {
      yield value.with(n, odd)
      for (const each of spoilt(item)) yield value.with(n, each)
    }
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      yield { ...value, [name]: odd }
      for (const each of spoilt(member)) yield { ...value, [name]: each }
    }
  }
}

const common = {
  spec_version: '2.1',
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-02T00:00:00.000Z',
  created_by_ref: 'identity--00000000-0000-4000-8000-000000000002',
}
const stixObjects = [...propertiesOf].map(([type, properties]) => ({
  type,
  id: `${type}--00000000-0000-4000-8000-000000000001`,
  ...common,
  ...Object.fromEntries([...properties.keys()].map((name) => [name, 'x'])),
}))

const documents: readonly [InputFormat, unknown][] = samples.documents.flatMap((text) => {
  try {
    const value: unknown = JSON.parse(text)
    const formats = ['puente-json', 'stix', 'misp', 'intelmq', 'n6'] as const
    return formats.map((format): [InputFormat, unknown] => [format, value])
  } catch {
    return []
  }
})

t.test('what is no text is refused in every place', async (t) => {
  const seen = new Set<string>()
  let tried = 0
  for (const [format, value] of [
    ...documents,
    ...stixObjects.map((each): [InputFormat, unknown] => [
      'stix',
      { type: 'bundle', id: common.created_by_ref, objects: [each] },
    ]),
  ])
    for (const each of spoilt(value)) {
      const bytes = Buffer.from(JSON.stringify(each))
      try {
        await collect(decode(format, sourceOf(bytes)))
        tried++
      } catch (error) {
        const where = `${format} ${String((error as Error).stack)
          .split('\n')
          .slice(0, 3)
          .join(' ')}`
        if (!seen.has(where)) t.fail(`${where} ${JSON.stringify(each).slice(0, 300)}`)
        seen.add(where)
      }
    }
  t.ok(tried > 500, `${tried} documents`)
})
