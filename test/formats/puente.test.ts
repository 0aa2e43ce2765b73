import { createReadStream } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { limits } from '../../src/domain/limits.ts'
import { decodeCsv } from '../../src/formats/csv.ts'
import { handlingFromRecord } from '../../src/formats/handling-fields.ts'
import { decodePuenteArray, decodePuenteNdjson } from '../../src/formats/puente.ts'
import { parseTimestamp } from '../../src/formats/timestamp.ts'
import { codeOf, collect, cuts, sharedData, sorted, sourceOf } from './sources.ts'

const one = async (record: unknown) => {
  const [result] = await collect(decodePuenteNdjson(sourceOf(JSON.stringify(record))))
  return result !== undefined && 'draft' in result ? result.draft : undefined
}
const refusal = async (text: string) => {
  const [result] = await collect(decodePuenteNdjson(sourceOf(text)))
  return result !== undefined && 'fault' in result ? result.fault : undefined
}

t.test('a record with everything becomes a draft with everything', async (t) => {
  const record = {
    type: 'domain-name',
    value: 'C2[.]Example.ORG',
    tlp: 'TLP:AMBER',
    pap: 'red',
    audience: ['cert-br', 'community:lac'],
    people: ['ana'],
    releasableTo: ['br', 'CL'],
    notReleasableTo: ['US'],
    lawEnforcement: 'never',
    personalData: true,
    attribution: 'anonymous',
    expiresAt: '2031-01-01T02:00:00+02:00',
    id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
    name: 'c2',
    description: 'seen by a honeypot',
    class: 'malicious-code:c2-server',
    confidence: 80,
    labels: ['botnet'],
    validFrom: '2030-01-01T00:00:00Z',
    validUntil: '2030-02-01T00:00:00.123456Z',
    firstSeen: '2029-12-31T00:00:00Z',
    lastSeen: '2029-12-31T12:00:00Z',
    created: '2029-12-31T13:00:00Z',
    modified: '2029-12-31T14:00:00Z',
  }
  const text = JSON.stringify(record)
  t.same(await one(record), {
    position: { record: 0, line: 1 },
    id: record.id,
    observables: [{ type: 'domain-name', value: 'c2.example.org' }],
    compound: false,
    name: 'c2',
    description: 'seen by a honeypot',
    class: 'c2-server',
    confidence: 80,
    labels: ['botnet'],
    validFrom: '2030-01-01T00:00:00.000Z',
    validUntil: '2030-02-01T00:00:00.123456Z',
    firstSeen: '2029-12-31T00:00:00.000Z',
    lastSeen: '2029-12-31T12:00:00.000Z',
    created: '2029-12-31T13:00:00.000Z',
    modified: '2029-12-31T14:00:00.000Z',
    handling: {
      tlp: 'amber',
      pap: 'red',
      audience: ['cert-br', 'community:lac'],
      people: ['ana'],
      releasableTo: ['BR', 'CL'],
      notReleasableTo: ['US'],
      lawEnforcement: 'never',
      personalData: true,
      attribution: 'anonymous',
      expiresAt: '2031-01-01T00:00:00.000Z',
    },
    received: text,
    format: 'puente',
  })
})

t.test('a record without type is what its value looks like', async (t) => {
  t.same((await one({ value: '198.51.100.7' }))?.observables, [{ type: 'ipv4-address', value: '198.51.100.7' }])
  t.match(await refusal('{"value":"who knows"}'), { code: 'unknown_type', position: { pointer: '/value' } })
  t.same((await one({ value: '198.51.100.7' }))?.handling, {}, 'and says nothing about handling')
})

t.test('every way to be wrong has its code and its place', async (t) => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['{"value":"a.example","colour":1}', 'invalid_record', '/colour'],
    ['{"value":"a.example","a/b~c":1}', 'invalid_record', '/a~1b~0c'],
    ['{"value":"198.51.100.7","retention":1,"critical":["retention"]}', 'critical_unknown', '/retention'],
    ['{"value":"198.51.100.7","critical":["retention"]}', 'critical_unknown', '/retention'],
    ['{"value":"198.51.100.7","originator":"cert-cl"}', 'invalid_handling', '/originator'],
    ['{"value":"198.51.100.7","handling":{"tlp":"red"}}', 'invalid_record', '/handling'],
    ['{"value":"198.51.100.7","tlp":"purple"}', 'marking_unknown', '/tlp'],
    ['{"value":"198.51.100.7","tlp":null}', 'invalid_handling', '/tlp'],
    ['{"value":"198.51.100.7","pap":"amber+strict"}', 'marking_unknown', '/pap'],
    ['{"value":"198.51.100.7","releasableTo":["XX"]}', 'invalid_handling', '/releasableTo'],
    ['{"value":"198.51.100.7","releasableTo":"BR"}', 'invalid_handling', '/releasableTo'],
    ['{"value":"198.51.100.7","audience":[""]}', 'invalid_handling', '/audience'],
    ['{"value":"198.51.100.7","lawEnforcement":"sometimes"}', 'invalid_handling', '/lawEnforcement'],
    ['{"value":"198.51.100.7","personalData":"no"}', 'invalid_handling', '/personalData'],
    ['{"value":"198.51.100.7","expiresAt":"2030-02-30T00:00:00Z"}', 'invalid_handling', '/expiresAt'],
    ['{"value":"198.51.100.7","confidence":101}', 'invalid_record', '/confidence'],
    ['{"value":"198.51.100.7","confidence":1.5}', 'invalid_record', '/confidence'],
    ['{"value":"198.51.100.7","class":"evil"}', 'invalid_record', '/class'],
    ['{"value":"198.51.100.7","validFrom":"2030-01-01"}', 'invalid_record', '/validFrom'],
    ['{"value":"198.51.100.7","id":"indicator--1"}', 'invalid_record', '/id'],
    ['{"value":"198.51.100.7","type":"colour"}', 'unknown_type', '/type'],
    ['{"value":"hunter2","type":"password"}', 'refused_type', '/type'],
    ['{"value":"198.51.100.700","type":"ipv4-address"}', 'invalid_value', '/value'],
    ['{"type":"url"}', 'invalid_record', '/value'],
    ['[1]', 'invalid_record', ''],
    ['{', 'invalid_json', undefined],
    ['{"value":"\\u0000"}', 'invalid_text', '/value'],
    ['{"value":"198.51.100.7","tlp":"red","tlp":"clear"}', 'duplicate_key', undefined],
  ]
  for (const [text, code, pointer] of cases) {
    const fault = await refusal(text)
    t.equal(fault?.code, code, text)
    t.equal(fault?.position.pointer, pointer, text)
    t.equal(fault?.position.line, 1, text)
  }
})

t.test('one bad line never stops the stream', async (t) => {
  const body = '{"value":"198.51.100.1"}\n\nnot json\n{"value":1}\n{"value":"198.51.100.2"}'
  const { drafts, faults } = await sorted(decodePuenteNdjson(sourceOf(body)))
  t.same(
    drafts.map(({ position }) => position),
    [
      { record: 0, line: 1 },
      { record: 3, line: 5 },
    ],
  )
  t.same(
    faults.map(({ position, code }) => [position.record, position.line, code]),
    [
      [1, 3, 'invalid_json'],
      [2, 4, 'invalid_record'],
    ],
  )
})

t.test('a STIX indicator may stand on a line of its own', async (t) => {
  const stix = {
    type: 'indicator',
    spec_version: '2.1',
    id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
    created: '2024-01-01T00:00:00.000Z',
    modified: '2024-01-01T00:00:00.000Z',
    pattern: "[domain-name:value = 'a.example.org']",
    pattern_type: 'stix',
    valid_from: '2024-01-01T00:00:00Z',
    object_marking_refs: ['marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003'],
  }
  const draft = await one(stix)
  t.match(draft, { format: 'stix', handling: { tlp: 'amber+strict' }, observables: [{ value: 'a.example.org' }] })
  const unknown = { ...stix, object_marking_refs: ['marking-definition--00000000-0000-4000-8000-000000000000'] }
  t.equal((await refusal(JSON.stringify(unknown)))?.code, 'marking_unknown')
})

t.test('an array, one record alone and lines say the same, however the stream is cut', async (t) => {
  const records = ['{"value":"198.51.100.1"}', '{"value":"é"}', '{"value":"198.51.100.2","tlp":"green"}']
  await fc.assert(
    fc.asyncProperty(cuts, async (sizes) => {
      const array = await sorted(decodePuenteArray(sourceOf(` [${records.join(' , ')}] `, sizes)))
      const ndjson = await sorted(decodePuenteNdjson(sourceOf(records.join('\r\n'), sizes)))
      t.same(
        array.drafts.map(({ received }) => received),
        [records[0], records[2]],
      )
      t.same(
        ndjson.drafts.map(({ received }) => received),
        [records[0], records[2]],
      )
      t.same(
        array.faults.map(({ position }) => position),
        [{ record: 1, pointer: '/1/value' }],
      )
    }),
    { numRuns: 25 },
  )
  const alone = await sorted(decodePuenteArray(sourceOf(records[0] ?? '')))
  t.same(
    alone.drafts.map(({ position, received }) => [position, received]),
    [[{ record: 0 }, records[0]]],
  )
})

t.test('an array that is cut off or goes on after its end is reported', async (t) => {
  for (const [body, codes] of [
    ['[{"value":"198.51.100.1"},{"val', ['invalid_json']],
    ['[{"value":"198.51.100.1"}] and more', ['invalid_json']],
    ['[{"value":"198.51.100.1"},]', ['invalid_json']],
    ['', ['invalid_json']],
    ['[]', []],
    ['"text"', ['invalid_record']],
  ] as const) {
    const { faults } = await sorted(decodePuenteArray(sourceOf(body)))
    t.same(
      faults.map(({ code }) => code),
      codes,
      body,
    )
  }
})

t.test('any bytes at all are drafts or faults', async (t) => {
  const soup = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array)),
    fc
      .array(fc.constantFrom('{', '}', '[', ']', '"value"', ':', ',', '"', '\n', '198.51.100.1', '\\', '#', ';'), {
        maxLength: 30,
      })
      .map((words) => Buffer.from(words.join(''))),
  )
  await fc.assert(
    fc.asyncProperty(soup, async (body) => {
      for (const decoder of [decodePuenteNdjson, decodePuenteArray, decodeCsv]) {
        for (const item of await collect(decoder(sourceOf(body))))
          t.ok(!('fault' in item) || item.fault.code !== 'internal')
      }
    }),
    { numRuns: 300 },
  )
})

t.test('handling is read from any record, at any place', async (t) => {
  t.same(handlingFromRecord({ tlp: 'WHITE', colour: 1 }), { tlp: 'clear' })
  try {
    handlingFromRecord({ tlp: 1 }, '/query')
    t.fail('it must be refused')
  } catch (error) {
    t.match(error, { code: 'invalid_handling', detail: { position: { pointer: '/query/tlp' } } })
  }
})

t.test('times are read as RFC 3339 writes them', async (t) => {
  const cases: readonly (readonly [string, string | undefined, string | undefined, string | undefined])[] = [
    ['2024-02-29T23:59:59Z', ...all('2024-02-29T23:59:59.000Z')],
    ['2024-02-29T23:59:59.1234567Z', ...all('2024-02-29T23:59:59.123456Z')],
    ['2023-02-29T00:00:00Z', ...all(undefined)],
    ['2024-13-01T00:00:00Z', ...all(undefined)],
    ['2024-01-00T00:00:00Z', ...all(undefined)],
    ['2024-01-01T24:00:00Z', ...all(undefined)],
    ['0000-01-01T00:00:00Z', ...all(undefined)],
    ['2024-01-01T00:00:00.Z', ...all(undefined)],
    ['2024-01-01T00:00:00.0000000000Z', ...all(undefined)],
    ['2024-01-01T00:00:00+00:60', ...all(undefined)],
    ['2024-1-1T00:00:00Z', ...all(undefined)],
    ['2024-01-01T00:00:00+02:30', undefined, '2023-12-31T21:30:00.000Z', '2023-12-31T21:30:00.000Z'],
    ['9999-12-31T23:59:59-00:01', ...all(undefined)],
    ['2024-01-01 00:00:00z', undefined, '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z'],
    ['2024-01-01 00:00:00', undefined, undefined, '2024-01-01T00:00:00.000Z'],
    ['2024-01-01', undefined, undefined, '2024-01-01T00:00:00.000Z'],
    ['yesterday, at noon', ...all(undefined)],
  ]
  for (const [text, stix, rfc3339, loose] of cases) {
    t.same(
      ['stix', 'rfc3339', 'loose'].map((form) => parseTimestamp(text, form as 'stix')),
      [stix, rfc3339, loose],
      text,
    )
  }
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }), (date) => {
      t.equal(parseTimestamp(date.toISOString(), 'stix'), date.toISOString())
    }),
    { numRuns: 100 },
  )
})

function all(time: string | undefined): [string | undefined, string | undefined, string | undefined] {
  return [time, time, time]
}

t.test('a CSV header may be in any words, order and delimiter', async (t) => {
  const bodies = [
    'type,value,tlp,class,confidence,comment,tags,first_seen\ndomain-name,a.example.org,green,phishing,70,"seen, twice",x|y,2024-01-01 10:00:00\n',
    '\ufeffTLP;IOC;IOC Type;Classification.Type;Confidence;Description;Labels;First Seen\r\nTLP:GREEN;a[.]example.org;domain;phishing;70;seen, twice;x|y;2024-01-01T10:00:00Z\r\n',
    '# a comment\n\nvalue\ttlp\tclass\tconfidence\tnotes\ttag\tfirst_seen_utc\tcolour\n\na.example.org\tgreen\tphishing\t70\tseen, twice\tx|y\t2024-01-01 10:00:00\tblue\n',
    'first_seen,domain,tlp,class,confidence,comment,labels\n2024-01-01T10:00:00Z,a.example.org,green,phishing,70,"seen, twice",x;y',
  ]
  for (const body of bodies) {
    const { drafts, faults } = await sorted(decodeCsv(sourceOf(body)))
    t.same(faults, [], body)
    t.match(drafts, [
      {
        observables: [{ type: 'domain-name', value: 'a.example.org' }],
        handling: { tlp: 'green' },
        class: 'phishing',
        confidence: 70,
        description: 'seen, twice',
        labels: ['x', 'y'],
        firstSeen: '2024-01-01T10:00:00.000Z',
        format: 'csv',
      },
    ])
    t.equal(drafts.length, 1)
  }
})

t.test('columns named after a type hold values of it', async (t) => {
  const body = 'ip,md5,url\n198.51.100.7,,\n,d41d8cd98f00b204e9800998ecf8427e,\n,,http://a.example.org/\n,,\n'
  const { drafts, faults } = await sorted(decodeCsv(sourceOf(body)))
  t.same(
    drafts.map(({ observables }) => observables[0].type),
    ['ipv4-address', 'md5', 'url'],
  )
  t.same(
    faults.map(({ code, position }) => [code, position.line]),
    [['invalid_record', 5]],
  )
})

t.test('people name types in their own words', async (t) => {
  const body =
    'type,value\nip:port,198.51.100.7:443\nFileHash-SHA1,da39a3ee5e6b4b0d3255bfef95601890afd80709\nIPv4,198.51.100.7\nip-dst,198.51.100.8\nhash,d41d8cd98f00b204e9800998ecf8427e\nregkey,HKLM\\Software\\x\ncolour,blue\n'
  const { drafts, faults } = await sorted(decodeCsv(sourceOf(body)))
  t.same(
    drafts.map(({ observables }) => observables[0].type),
    ['ip-port', 'sha1', 'ipv4-address', 'ipv4-address', 'md5', 'registry-key'],
  )
  t.same(
    faults.map(({ code }) => code),
    ['unknown_type'],
  )
})

t.test('a plain list is one value a line; comments, counts and blank lines are left out', async (t) => {
  const body = '# list\n198.51.100.7\t9\n\n198.51.100.8,3\nhxxp://a[.]example.org/x\n"203.0.113.9","x"\n'
  const { drafts, faults } = await sorted(decodeCsv(sourceOf(body)))
  t.same(faults, [])
  t.same(
    drafts.map(({ observables, position }) => [observables[0].value, position.line]),
    [
      ['198.51.100.7', 2],
      ['198.51.100.8', 4],
      ['http://a.example.org/x', 5],
      ['203.0.113.9', 6],
    ],
  )
})

t.test('a URL with a comma is not cut in silence', async (t) => {
  const { drafts, faults } = await sorted(decodeCsv(sourceOf('198.51.100.7\nhttp://a.example.org/x,y\n')))
  t.equal(drafts.length, 1)
  t.match(faults, [{ code: 'invalid_csv', position: { line: 2 } }])
})

t.test('a quoted cell may span lines; a quote that nothing closes costs its own line alone', async (t) => {
  const good = 'value,comment\n198.51.100.1,"two\nlines"\n198.51.100.2,"say ""hi"""\n'
  const spanning = await sorted(decodeCsv(sourceOf(good)))
  t.same(
    spanning.drafts.map(({ description, position }) => [description, position.line]),
    [
      ['two\nlines', 2],
      ['say "hi"', 4],
    ],
  )
  const after = Array.from({ length: 9_000 }, (_, at) => `198.51.${at % 200}.${at % 250},x\n`).join('')
  const { drafts, faults } = await sorted(decodeCsv(sourceOf(`value,comment\n198.51.100.1,"never closed\n${after}`)))
  t.equal(drafts.length, 9_000)
  t.match(faults, [{ code: 'invalid_csv', position: { line: 2 } }])
  t.equal(faults.length, 1)
})

t.test('bad lines of CSV are named, and the others kept', async (t) => {
  const body = Buffer.concat([
    Buffer.from('value,tlp,personal_data,audience\n198.51.100.1,green,no,cert-br|cert-cl\n198.51.100.2,"gr"een,,\n'),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from(`x${'y'.repeat(limits.recordBytes)}\n198.51.100.3,purple,,\n198.51.100.4,,perhaps,\n`),
  ])
  const { drafts, faults } = await sorted(decodeCsv(sourceOf(body)))
  t.match(drafts, [{ handling: { tlp: 'green', personalData: false, audience: ['cert-br', 'cert-cl'] } }])
  t.same(
    faults.map(({ code, position }) => [position.line, code]),
    [
      [3, 'invalid_csv'],
      [4, 'invalid_text'],
      [5, 'record_too_large'],
      [6, 'marking_unknown'],
      [7, 'invalid_handling'],
    ],
  )
})

const ipsum = sharedData('ipsum')
t.test(
  'every address of the ipsum list is a draft',
  { skip: ipsum === undefined && 'no real data here' },
  async (t) => {
    const source = {
      open: () => createReadStream(path.join(ipsum ?? '', 'ipsum.txt'), { end: 400_000 }) as AsyncIterable<Buffer>,
    }
    const { drafts, faults } = await sorted(decodeCsv(source))
    t.ok(drafts.length > 20_000, `${drafts.length} drafts`)
    t.ok(drafts.every(({ observables }) => observables[0].type === 'ipv4-address'))
    t.ok(faults.length <= 1, 'only the line that was cut off may be wrong')
  },
)

t.test('the handling of a record says only what the record says', async (t) => {
  t.equal(
    codeOf(() => handlingFromRecord({})),
    'none',
  )
  t.same(handlingFromRecord({ value: 'x' }), {})
})
