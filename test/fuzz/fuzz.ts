import fc from 'fast-check'

/**
 * How long to fuzz and from where: `FUZZ_TIMES` multiplies the runs, `FUZZ_SEED` begins elsewhere. The same seed is the same run;
 * fast-check names it, and the smallest input, when something is found.
 */
export const fuzz = (runs: number): fc.Parameters<unknown> & { readonly seed: number } => ({
  numRuns: runs * Number(process.env.FUZZ_TIMES ?? 1),
  seed: Number(process.env.FUZZ_SEED ?? 20_260_601),
})

/** Texts that somebody always forgets. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '\udc00x',
    '\u202e',
    '\ufeff',
    '\r\n',
    '\u0085',
    '__proto__',
    'constructor',
    'toString',
    'null',
    'undefined',
    'NaN',
    '-0',
    '1e999',
    '9007199254740993',
    '99999999999999999999',
    '../../etc/passwd',
    "'; drop table indicator; --",
    '{{7*7}}',
    '%00',
    '%',
    '*',
    '=1+1',
    '<script>alert(1)</script>',
    '{"a":1}',
    '[]',
    'true',
    'İ',
    'ﬃ',
    'ß',
    '0000-00-00',
    '9999-12-31T23:59:59.999999999Z',
    '2026-02-30',
    '2016-12-31T23:59:60Z',
    '-000001-01-01',
  ),
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc
    .constantFrom('a', '.', '1', '[', '\\', '%41', 'é', ' ')
    .chain((unit) => fc.constantFrom(100, 255, 1_000, 9_000).map((times) => unit.repeat(times))),
)

/** Values of JSON of all kinds, some of them too large or too deep. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { depthSize: 'small' },
  hostileText,
  fc.jsonValue(),
  fc.constantFrom(null, true, -1, 0.5, 1e308, Number.MAX_SAFE_INTEGER, -2_147_483_649, 4_294_967_296, [], {}, [null]),
  fc.constantFrom(10, 63, 70, 200).map((depth) => nested(depth)),
  fc.array(hostileText, { maxLength: 6 }),
  fc.dictionary(hostileText, fc.jsonValue(), { maxKeys: 4 }),
)

function nested(depth: number): unknown {
  let value: unknown = 'deep'
  for (let n = 0; n < depth; n++) value = n % 2 === 0 ? [value] : { a: value }
  return value
}

/** A text of JSON, sometimes not quite: what hand-written clients and attackers send. */
export const spoilt = (json: string): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(Buffer.from(json)) },
    fc.nat(json.length).map((at) => Buffer.from(json.slice(0, at))),
    fc.nat(json.length).map((at) => Buffer.from(`${json.slice(0, at)}\0${json.slice(at)}`)),
    fc.constant(Buffer.from(json.replace('{', '{"id":"twice","id":"again",'))),
    fc.constant(Buffer.from(json.replace('{', '{"__proto__":{"tlp":"clear"},'))),
    fc.constant(Buffer.from(json.replace(/"([^"]*)"/, '"\\ud800$1"'))),
    fc.constant(Buffer.from(json.replace(/\d+/, '1e99999'))),
    fc.constant(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(json)])),
    fc.constant(Buffer.concat([Buffer.from(json), Buffer.from([0xff, 0xfe])])),
    fc.constant(Buffer.from(json, 'utf16le')),
    fc.constant(Buffer.from('['.repeat(20_000))),
    fc.constant(Buffer.from('{"a":'.repeat(5_000))),
    fc.constant(Buffer.from(`${json}${json}`)),
    fc.constant(Buffer.from('null')),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  )
