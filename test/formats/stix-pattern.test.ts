import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/domain/errors.ts'
import { limits } from '../../src/domain/limits.ts'
import { parseObservable } from '../../src/domain/observables/index.ts'
import { parsePattern } from '../../src/formats/stix-pattern.ts'
import { observablesOf } from '../../src/formats/stix-pattern-observables.ts'
import { patternOf } from '../../src/formats/stix-pattern-out.ts'
import { stringLiteral } from '../../src/formats/stix-pattern-words.ts'
import { codeOf } from './sources.ts'

t.test('the patterns of the standard parse', async (t) => {
  const patterns = [
    "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
    "[email-message:from_ref.value MATCHES '.+\\\\@example\\\\.com$' AND email-message:body_multipart[*].body_raw_ref.name MATCHES '^Final Report.+\\\\.exe$']",
    "[file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4'] FOLLOWEDBY [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\foo\\\\bar'] WITHIN 300 SECONDS",
    "[user-account:account_type = 'unix' AND user-account:user_id = '1007' AND user-account:account_login = 'Peter'] AND [user-account:display_name = 'Paul']",
    "[artifact:mime_type = 'application/vnd.tcpdump.pcap' AND artifact:payload_bin MATCHES '\\\\xd4\\\\xc3\\\\xb2\\\\xa1\\\\x02\\\\x00\\\\x04\\\\x00']",
    "[file:name = 'foo.dll' AND file:parent_directory_ref.path = 'C:\\\\Windows\\\\System32']",
    "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
    "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com'] REPEATS 5 TIMES WITHIN 1800 SECONDS",
    "[network-traffic:dst_ref.value ISSUBSET '2001:0db8:dead:beef:0000:0000:0000:0000/64']",
    "([file:name = 'pdf.exe'] OR [file:size = 371712]) AND [file:created = t'2014-01-13T07:03:17Z']",
    "[x509-certificate:issuer NOT LIKE 'CN=WEB%'] START t'2016-01-01T00:00:00Z' STOP t'2017-01-01T00:00:00.5Z'",
    "[network-traffic:extensions.'http-request-ext'.request_value IN ('/a', 'b') AND EXISTS network-traffic:src_ref]",
    "[NOT EXISTS file:name OR (file:is_x = true AND file:y != false) OR a:b <> -1 OR a:c == h'0aF1' OR a:d = b'QQ==' OR a:e[0] >= 1.5]",
    "/* two */ [ a:b = 'c' ] // and no more",
    "[a:b NOT = 'c']",
  ]
  for (const pattern of patterns)
    t.equal(
      codeOf(() => parsePattern(pattern)),
      'none',
      pattern,
    )
})

t.test('what is no pattern is refused at its character', async (t) => {
  const refused: readonly (readonly [string, number])[] = [
    ['', 1],
    ["[file:name = 'x'", 17],
    ["[file:name = 'x]", 14],
    ["[file:name = 'x\\n']", 16],
    ["[file.name = 'x']", 6],
    ['[file:name = x]', 14],
    ['[file:name LIKE 5]', 17],
    ["[file:name = 'x'] AND", 22],
    ["[file:name = 'x'] WITHIN 0 SECONDS", 26],
    ["[file:name = 'x'] REPEATS 1.5 TIMES", 27],
    ["[file:name = 'x'] START t'2016' STOP t'2017-01-01T00:00:00Z'", 25],
    ["[file:name = 'x'] extra", 19],
    ["[file:name IN ('x',)]", 20],
    ["[file:name = h'abc']", 14],
    ["[file:a-b = 'x']", 7],
    ['[unconverted_term:mandiant:observable-1]', 27],
    ["[file:name = 'x' and file:size = 1]", 18],
    ['[file:name = #]', 14],
  ]
  for (const [pattern, character] of refused) {
    t.throws(
      () => parsePattern(pattern),
      { code: 'invalid_pattern', message: new RegExp(`^Character ${character} `) },
      pattern,
    )
  }
})

t.test('operators bind as the standard says: AND before OR before FOLLOWEDBY', async (t) => {
  const pattern = parsePattern('[a:b=1] FOLLOWEDBY [a:b=2] OR [a:b=3] AND [a:b=4 OR a:b=5 AND a:b=6] WITHIN 5 SECONDS')
  t.match(pattern, {
    kind: 'followedby',
    parts: [
      { kind: 'observation' },
      {
        kind: 'or',
        parts: [
          { kind: 'observation' },
          {
            kind: 'and',
            parts: [
              { kind: 'observation' },
              {
                kind: 'qualified',
                qualifier: { kind: 'within', seconds: 5 },
                of: { kind: 'observation', condition: { kind: 'or', parts: [{}, { kind: 'and' }] } },
              },
            ],
          },
        ],
      },
    ],
  })
})

t.test('any text survives being written as a literal and read again', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 20 }), (text, name) => {
      const pattern = parsePattern(`[file:${stringLiteral(name)} = ${stringLiteral(text)}]`)
      t.match(pattern, { condition: { literals: [{ kind: 'string', text }] } })
    }),
    { numRuns: 300 },
  )
})

t.test('no text makes the parser throw anything but a fault', async (t) => {
  const word = fc.constantFrom(
    ...[
      '[',
      ']',
      '(',
      ')',
      "'",
      '\\',
      ',',
      ':',
      '.',
      '*',
      '=',
      '!',
      '<',
      '>',
      ' ',
      '/',
      '/*',
      "'x'",
      'a:b',
      'a',
      '1',
      '-1',
    ],
    ...['AND', 'OR', 'NOT', 'IN', 'LIKE', 'EXISTS', 'FOLLOWEDBY', 'WITHIN', 'SECONDS', 'REPEATS', "t'", "h'", '[0]'],
  )
  const soup = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word, { maxLength: 30 }).map((words) => words.join(' ')),
  )
  fc.assert(
    fc.property(soup, (text) => {
      t.match(
        codeOf(() => observablesOf(parsePattern(text))),
        /^(none|invalid_pattern|invalid_value|invalid_text)$/,
      )
    }),
    { numRuns: 1_000 },
  )
})

t.test('brackets nest as deep as the limit, and no deeper', async (t) => {
  const nested = (depth: number) => `[${'('.repeat(depth)}a:b=1${')'.repeat(depth)}]`
  t.equal(
    codeOf(() => parsePattern(nested(limits.patternDepth - 1))),
    'none',
  )
  t.equal(
    codeOf(() => parsePattern(nested(limits.patternDepth))),
    'invalid_pattern',
  )
  t.equal(
    codeOf(() => parsePattern('('.repeat(100_000))),
    'invalid_pattern',
  )
  t.equal(
    codeOf(() => parsePattern('['.repeat(100_000))),
    'invalid_pattern',
  )
  t.equal(
    codeOf(() => parsePattern(`[a:b='${'x'.repeat(limits.patternCharacters)}']`)),
    'invalid_pattern',
  )
})

t.test('the time to parse grows with the length and no faster', async (t) => {
  const bodies: readonly ((count: number) => string)[] = [
    (count) => `[${Array(count).fill("file:name = 'x'").join(' OR ')}]`,
    (count) => `[a:b = '${"\\'".repeat(count * 4)}']`,
    (count) => `[a:b${'[*]'.repeat(count * 4)} = 1]`,
    (count) => `${' '.repeat(count * 12)}[`,
    (count) => `${'/*'.repeat(count * 5)}`,
  ]
  for (const body of bodies) {
    const millisecondsOf = (count: number) => {
      const text = body(count)
      const started = process.hrtime.bigint()
      for (let round = 0; round < 5; round++) codeOf(() => parsePattern(text))
      return Number(process.hrtime.bigint() - started) / 1e6
    }
    // The fastest of several: what else the machine does only ever adds.
    const fastestOf = (count: number) => Math.min(...Array.from({ length: 6 }, () => millisecondsOf(count)))
    const small = fastestOf(1_000)
    // Ten times the text: a quadratic parser would need a hundred times as long.
    const bound = 40 * Math.max(small, 0.5)
    let large = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 5 && large >= bound; tries++) large = Math.min(large, fastestOf(10_000))
    t.ok(large < bound, `${small.toFixed(1)} ms, then ${large.toFixed(1)} ms`)
  }
})

t.test('the observables of a pattern are those it looks for', async (t) => {
  const cases: readonly (readonly [string, readonly string[], boolean])[] = [
    ["[ipv4-addr:value = '198.51.100.7']", ['ipv4-address 198.51.100.7'], true],
    ["[ipv4-addr:value IN ('198.51.100.7')]", ['ipv4-address 198.51.100.7'], true],
    ["[ipv4-addr:value ISSUBSET '198.51.100.0/24']", ['ipv4-prefix 198.51.100.0/24'], true],
    [
      "[url:value IN ('http://a.example/', 'http://b.example/')]",
      ['url http://a.example/', 'url http://b.example/'],
      false,
    ],
    [
      "[file:hashes.'SHA-1' = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709']",
      ['sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709'],
      true,
    ],
    ["[mutex:name = 'a' OR mutex:name = 'a']", ['mutex a'], false],
    ["[mutex:name = 'a'] WITHIN 5 SECONDS", ['mutex a'], false],
    ["[mutex:name != 'a']", [], false],
    ["[mutex:name NOT IN ('a')]", [], false],
    ["[mutex:name LIKE 'a%']", [], false],
    ["[file:x_custom = 'a']", [], true],
    ["[mutex:name = 'a' AND mutex:name != 'b'] FOLLOWEDBY ([mutex:name = 'c'])", ['mutex a', 'mutex c'], false],
    ['[autonomous-system:number = 64500]', ['autonomous-system AS64500'], true],
    [
      "[network-traffic:dst_ref.value = '2001:DB8::1' AND network-traffic:dst_port = 443]",
      ['ip-port [2001:db8::1]:443'],
      true,
    ],
    [
      "[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = 'c2.example.org' AND mutex:name = 'a']",
      ['host-port c2.example.org:443', 'mutex a'],
      false,
    ],
    [
      "[network-traffic:dst_ref.value = '198.51.100.7' OR network-traffic:dst_port = 443]",
      ['ipv4-address 198.51.100.7', 'port 443'],
      false,
    ],
    [
      "[network-traffic:dst_ref.value = '198.51.100.0/24' AND network-traffic:dst_port = 443]",
      ['ipv4-prefix 198.51.100.0/24', 'port 443'],
      false,
    ],
    [
      "[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 80 AND network-traffic:dst_port != 443]",
      ['ipv4-address 198.51.100.7', 'port 80'],
      false,
    ],
  ]
  for (const [pattern, expected, plain] of cases) {
    const found = observablesOf(parsePattern(pattern))
    t.same(
      found.observables.map(({ type, value }) => `${type} ${value}`),
      expected,
      pattern,
    )
    t.equal(found.plain, plain, pattern)
  }
})

t.test('a value that is none of its type is refused, and so are too many values', async (t) => {
  t.equal(
    codeOf(() => observablesOf(parsePattern("[ipv4-addr:value = '198.51.100.700']"))),
    'invalid_value',
  )
  const names = Array.from({ length: limits.observablesPerIndicator + 1 }, (_, at) => `'m${at}'`).join(',')
  t.equal(
    codeOf(() => observablesOf(parsePattern(`[mutex:name IN (${names})]`))),
    'too_many_values',
  )
})

t.test('observables survive being written as a pattern and read again', async (t) => {
  const sets: readonly (readonly (readonly [string, string])[])[] = [
    [['ipv4-address', '198.51.100.7']],
    [['ipv6-prefix', '2001:db8::/32']],
    [['mutex', "it's a \\ test"]],
    [['registry-key', 'HKEY_LOCAL_MACHINE\\Software\\x']],
    [['autonomous-system', 'AS64500']],
    [['ip-port', '[2001:db8::1]:443']],
    [['host-port', 'c2.example.org:8080']],
    [['iban', 'DE89370400440532013000']],
    [
      ['domain-name', 'a.example.org'],
      ['ipv4-address', '198.51.100.7'],
    ],
    [
      ['sha256', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      ['filename', "o'clock.exe"],
      ['filename', 'b.exe'],
    ],
  ]
  for (const set of sets) {
    const observables = set.map(([type, value]) => parseObservable(type, value))
    const pattern = patternOf(observables)
    t.same(observablesOf(parsePattern(pattern)).observables, observables, pattern)
  }
})

t.test('a fault of a pattern never repeats the pattern', async (t) => {
  try {
    parsePattern("[a:b = 'secret' secret")
    t.fail('it must be refused')
  } catch (error) {
    t.ok(error instanceof Fault && !error.message.includes('secret'))
  }
})
