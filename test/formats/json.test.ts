// alone: it measures how much memory the process takes
import fc from 'fast-check'
import t from 'tap'
import { limits } from '../../src/domain/limits.ts'
import { type JsonPath, jsonParts, jsonPartsOf } from '../../src/formats/json-parts.ts'
import { parseStrict } from '../../src/formats/json-text.ts'
import { HeldBytes, lines, ndjsonLines } from '../../src/formats/records.ts'
import { codeOf, collect, cuts, faultOf, generatedSource, peakBytes, sourceOf } from './sources.ts'

t.test('JSON text is read as JSON.parse reads it', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.boolean(), (value, pretty) => {
      const text = JSON.stringify(value, null, pretty ? 1 : 0)
      if (text.includes('"__proto__"') || /\\ud|\\u0000/.test(text)) return
      t.same(parseStrict(text), JSON.parse(text))
      t.same(parseStrict(Buffer.from(text)), JSON.parse(text))
    }),
    { numRuns: 200 },
  )
})

t.test('what two readers could understand differently is refused', async (t) => {
  const refused: Readonly<Record<string, readonly (string | Buffer)[]>> = {
    invalid_json: ['', '{', '{"a":1,}', "{'a':1}", '[1 2]', 'NaN', '"\n"', Buffer.from([0x22, 0xff, 0x22]), '1 1'],
    invalid_text: ['"\\u0000"', '{"a\\u0000":1}', '["\\ud800"]', '["\\udc00\\ud800"]', '"\ud800"'],
    duplicate_key: ['{"a":1,"a":1}', '{"a":{"b":1,"c":2,"b":3}}', '[{"a":1,"\\u0061":2}]', '{"":0,"":0}'],
    too_deep: ['['.repeat(limits.jsonDepth + 1), '{"a":'.repeat(20_000), '['.repeat(2_000_000)],
    invalid_record: ['{"__proto__":{"tlp":"clear"}}', '[{"a":{"__proto__":1}}]'],
  }
  for (const [code, texts] of Object.entries(refused)) {
    for (const text of texts)
      t.equal(
        codeOf(() => parseStrict(text)),
        code,
        `${code}: ${text.toString().slice(0, 40)}`,
      )
  }
})

t.test('what a value may not be is told where it is', async (t) => {
  const places: readonly (readonly [text: string, pointer: string])[] = [
    ['"\\u0000"', '/0'],
    ['{"a":[1,{"b/c~":"\\ud800"}],"d":"\\u0000"}', '/0/a/1/b~1c~0'],
    ['[[],{"a\\u0000":1}]', '/0/1'],
    ['[{"a":{"__proto__":1}}]', '/0/0/a'],
  ]
  for (const [text, pointer] of places)
    t.match(faultOf(() => parseStrict(text, '/0'))?.detail, { position: { pointer } }, text)
})

t.test('what only looks like it is not refused', async (t) => {
  for (const text of [
    '{"a":"b:c","d":"{\\"e\\":1}"}',
    '"\\\\u0000"',
    '"\\ud83d\\ude00"',
    '{"a":{"b":1},"b":{"a":1}}',
  ]) {
    t.same(parseStrict(text), JSON.parse(text), text)
  }
  const deep = '['.repeat(limits.jsonDepth) + ']'.repeat(limits.jsonDepth)
  t.equal(
    codeOf(() => parseStrict(deep)),
    'none',
  )
})

t.test('a repeated key is named', async (t) => {
  t.throws(() => parseStrict('{"value":1,"tlp":"red","x":{"tlp":1},"tlp":"clear"}'), {
    message: /"tlp" is given twice/,
  })
})

t.test('lines come with their numbers and exact bytes, however the stream is cut', async (t) => {
  const body = '\ufeff{"a":1}\r\n\n  \n{"b":"é"}\n{"c":3}'
  const expected = [
    [1, '{"a":1}'],
    [4, '{"b":"é"}'],
    [5, '{"c":3}'],
  ]
  await fc.assert(
    fc.asyncProperty(cuts, async (sizes) => {
      const found = (await collect(ndjsonLines(sourceOf(body, sizes)))).flat()
      t.same(
        found.map(({ line, bytes }) => [line, bytes?.toString()]),
        expected,
      )
    }),
    { numRuns: 50 },
  )
})

t.test('a line over the limit is a fault of its own, and the next line is read', async (t) => {
  const source = generatedSource(function* () {
    yield 'one\n'
    for (let piece = 0; piece < 40; piece++) yield 'x'.repeat(limits.recordBytes / 16)
    yield '\nthree\n'
  })
  const found = (await collect(lines(source))).flat()
  t.same(
    found.map(({ line, bytes }) => [line, bytes?.toString()]),
    [
      [1, 'one'],
      [2, undefined],
      [3, 'three'],
    ],
  )
})

const paths: readonly JsonPath[] = [['objects', '[]'], ['[]'], ['a', '[]', 'b', '[]'], ['a', '[]']]

t.test('the parts of a document and its envelope are the same, however the stream is cut', async (t) => {
  const bodies = [
    ['{"type":"bundle", "objects": [ {"x":"]}\\"\\\\"} ,2, "s,]" ],"id":1}', ['{"x":"]}\\"\\\\"}', '2', '"s,]"']],
    ['[{"a":[1]},[2,3],"\\\\"]', ['{"a":[1]}', '[2,3]', '"\\\\"']],
    ['{"obj\\u0065cts":[1],"other":{"objects":[2]}}', ['1']],
    ['{"a":[{"b":[1,2],"c":3},{"d":[4]}]}', ['1', '2', '{"b":[],"c":3}', '{"d":[4]}']],
    ['{"objects":[]}', []],
    ['{"objects":{"0":1}}', []],
    ['[1,]', ['1', '']],
    ['[,1]', ['', '1']],
  ] as const
  for (const [body, parts] of bodies) {
    await fc.assert(
      fc.asyncProperty(cuts, async (sizes) => {
        const found = (await collect(jsonParts(sourceOf(body, sizes), paths))).flat()
        t.same(
          found.slice(0, -1).map(({ bytes }) => bytes?.toString()),
          parts,
          body,
        )
        t.same(found.at(-1)?.path, [], 'the envelope comes last')
      }),
      { numRuns: 20 },
    )
  }
})

t.test('parts know where they lie', async (t) => {
  const found = jsonPartsOf(Buffer.from('{"a":[{"b":[1,2]},{"b":[3]}],"objects":[4]}'), paths)
  t.same(
    found.map(({ pointer }) => pointer),
    ['/a/0/b/0', '/a/0/b/1', '/a/0', '/a/1/b/0', '/a/1', '/objects/0', ''],
  )
  t.equal(found.at(-1)?.bytes?.toString(), '{"a":[],"objects":[]}', 'the envelope keeps the empty lists')
})

t.test('what stood before the structure was lost is found, however the stream is cut', async (t) => {
  const broken = '{"objects": [{"a": 1}, {"a": 2}, {"a": 3}]]'
  for (const size of [1, 7, 1_000]) {
    const found: string[] = []
    const reading = async () => {
      for await (const parts of jsonParts(sourceOf(broken, [size]), [['objects', '[]']])) {
        for (const { pointer } of parts) found.push(pointer)
      }
    }
    await t.rejects(reading, { code: 'invalid_json' })
    t.strictSame(found, ['/objects/0', '/objects/1', '/objects/2'], `in pieces of ${size}`)
  }
})

t.test('a member that is cut out is null in what remains', async (t) => {
  const found = jsonPartsOf(Buffer.from('{"e":{"x":1},"f":2}'), [['e']])
  t.same(
    found.map(({ bytes }) => bytes?.toString()),
    ['{"x":1}', '{"e":null,"f":2}'],
  )
})

t.test('a document whose structure is lost is refused', async (t) => {
  for (const body of ['{"objects":[{}', '{"objects":[}', '[1]]', '{"a', '{"objects":[{"x":"', '[{]']) {
    t.equal(
      codeOf(() => jsonPartsOf(Buffer.from(body), paths)),
      'invalid_json',
      body,
    )
  }
})

t.test('an element over the limit is left out, and the next one is read', async (t) => {
  const source = generatedSource(function* () {
    yield '{"objects":[{"n":1},"'
    for (let piece = 0; piece < 40; piece++) yield 'x'.repeat(limits.recordBytes / 16)
    yield '",{"n":3}]}'
  })
  const found = (await collect(jsonParts(source, paths))).flat()
  t.same(
    found.map(({ pointer, bytes }) => [pointer, bytes?.toString()]),
    [
      ['/objects/0', '{"n":1}'],
      ['/objects/1', undefined],
      ['/objects/2', '{"n":3}'],
      ['', '{"objects":[]}'],
    ],
  )
})

t.test('any bytes at all are parts or a fault', async (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
    fc.string({ unit: fc.constantFrom(...'{}[]",:\\ a1'), maxLength: 40 }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(bytes, (body) => {
      t.match(
        codeOf(() => jsonPartsOf(body, paths)),
        /^none$|^invalid_json$/,
      )
    }),
    { numRuns: 500 },
  )
})

t.test('a document of 100 MB passes in a few MB', async (t) => {
  const element = `{"value":"${'v'.repeat(180)}"},`.repeat(300)
  const source = generatedSource(function* () {
    yield '{"objects":['
    for (let bytes = 0; bytes < 100_000_000; bytes += element.length) yield element
    yield '{}]}'
  })
  const started = process.hrtime.bigint()
  const { items, peak } = await peakBytes(jsonParts(source, paths), 100)
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  t.ok(items > 1_000, `${items} groups of parts`)
  t.ok(peak < 10_000_000, `${Math.round(peak / 1e6)} MB at most`)
  t.comment(`${Math.round(100 / seconds)} MB/s`)
})

t.test('a record that arrives byte by byte is copied a few times and no more', async (t) => {
  const held = new HeldBytes()
  const byte = Buffer.from('x')
  for (let at = 0; at < limits.recordBytes; at++) held.add(byte)
  t.equal(held.take()?.length, limits.recordBytes)
  t.equal(held.empty, true, 'what was taken is gone')
  for (let at = 0; at <= limits.recordBytes; at++) held.add(byte)
  t.equal(held.take(), undefined, 'one byte more is too much')
})
