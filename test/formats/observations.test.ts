import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { FaultCode } from '../../src/domain/errors.ts'
import { limits } from '../../src/domain/limits.ts'
import { now, type ObservationSink } from '../../src/domain/observations/sink.ts'
import { type ObservationFormat, observationFormatOf, observationScanner } from '../../src/formats/observations.ts'
import { binaryHeader } from '../../src/formats/observations-binary.ts'

t.setTimeout(300_000)

/** Writes down what a format gives, one line a record. */
class Notes implements ObservationSink {
  place = 0
  readonly lines: string[] = []

  text(bytes: Buffer, start: number, end: number, type: string, times: number, hour: number): void {
    this.#note('text', bytes.toString('utf8', start, end), type, times, hour)
  }

  ipv4(address: number, times: number, hour: number): void {
    this.#note('ipv4', address, times, hour)
  }

  ipv6(bytes: Buffer, start: number, times: number, hour: number): void {
    this.#note('ipv6', bytes.toString('hex', start, start + 16), times, hour)
  }

  digest(bytes: Buffer, start: number, end: number, type: string, times: number, hour: number): void {
    this.#note('digest', bytes.toString('hex', start, end), type, times, hour)
  }

  fault(code: FaultCode): void {
    this.#note('fault', code)
  }

  #note(...parts: unknown[]): void {
    this.lines.push([this.place, ...parts.map((part) => (part === now ? 'now' : part))].join(' '))
  }
}

function read(format: ObservationFormat, chunks: readonly Buffer[]): string[] {
  const notes = new Notes()
  const scanner = observationScanner(format, notes)
  for (const chunk of chunks) scanner.push(chunk)
  scanner.end()
  return notes.lines
}

/** The same whatever the cuts: at every byte once, and at all of them. */
function readCut(t: Test, format: ObservationFormat, body: Buffer): string[] {
  const whole = read(format, [body])
  for (let cut = 0; cut <= body.length; cut++) {
    const found = read(format, [body.subarray(0, cut), body.subarray(cut)])
    if (JSON.stringify(found) !== JSON.stringify(whole)) t.strictSame(found, whole, `cut at ${cut}`)
  }
  t.strictSame(
    read(
      format,
      Array.from(body, (byte) => Buffer.from([byte])),
    ),
    whole,
    'byte by byte',
  )
  return whole
}

const hour = Math.floor(Date.parse('2026-06-01T14:00:00Z') / 3_600_000)

t.test('NDJSON: strings and objects, plain or escaped, with faults in their places', async (t) => {
  const body = Buffer.from(
    [
      '\uFEFF"203.0.113.9"',
      '',
      '{"value":"evil.example","type":"domain-name","at":"2026-06-01T14:05:59.123Z","count":12}\r',
      ' { "count" : 3 , "value" : "a b" } ',
      '{"at":"2026-06-01T14:59:59Z","value":"x"}',
      '{"at":"2026-06-01T16:59:59+02:00","value":"x"}',
      '{"value":"b\\u00fccher.example"}',
      '{"value":"bücher.example"}',
      '"hxxp://evil[.]example\\/"',
      '{"value":"x","value":"y"}',
      '{"value":"x","where":"y"}',
      '{"type":"url"}',
      '{"value":7}',
      '{"value":"x","type":""}',
      '{"value":"x","count":0}',
      '{"value":"x","count":1.5}',
      '{"value":"x","count":01}',
      '{"value":"x","count":1e3}',
      '{"value":"x","at":"yesterday"}',
      '{"value":"x","at":"2026-06-01T14:61:00Z"}',
      '{"value":"x","at":"2026-13-01T14:00:00Z"}',
      '{"value":"x"} {"value":"y"}',
      '{"value":"x"',
      '"x',
      'x',
      '[]',
      '{"value":"x","at":"1969-12-31T23:30:00Z"}',
      '{"value":"last"}',
    ].join('\n'),
  )
  t.strictSame(readCut(t, 'ndjson', body), [
    '1 text 203.0.113.9  1 now',
    `3 text evil.example domain-name 12 ${hour}`,
    '4 text a b  3 now',
    `5 text x  1 ${hour}`,
    `6 text x  1 ${hour}`,
    '7 text bücher.example  1 now',
    '8 text bücher.example  1 now',
    '9 text hxxp://evil[.]example/  1 now',
    '10 fault duplicate_key',
    '11 fault invalid_record',
    '12 fault invalid_record',
    '13 fault invalid_record',
    '14 fault unknown_type',
    '15 fault invalid_record',
    '16 fault invalid_record',
    '17 fault invalid_json',
    '18 text x  1000 now',
    '19 fault invalid_record',
    '20 fault invalid_record',
    '21 fault invalid_record',
    '22 fault invalid_json',
    '23 fault invalid_json',
    '24 fault invalid_json',
    '25 fault invalid_json',
    '26 fault invalid_record',
    '27 text x  1 -1',
    '28 text last  1 now',
  ])
})

t.test('NDJSON: a line that is too long is a fault, and what follows is read', async (t) => {
  const long = `"${'x'.repeat(3 * limits.recordBytes)}"`
  const chunks = Buffer.from(`"a"\n${long}\n"b"\n"${'y'.repeat(limits.observationBytes)}"\n"c"`)
  t.strictSame(read('ndjson', [chunks]), [
    '1 text a  1 now',
    '2 fault record_too_large',
    '3 text b  1 now',
    '4 fault record_too_large',
    '5 text c  1 now',
  ])
  const pieces = Array.from({ length: Math.ceil(chunks.length / 1_000) }, (_, n) =>
    chunks.subarray(1_000 * n, 1_000 * n + 1_000),
  )
  t.strictSame(read('ndjson', pieces), read('ndjson', [chunks]))
})

t.test('NDJSON: bytes that are no UTF-8 are a fault', async (t) => {
  t.strictSame(read('ndjson', [Buffer.from([34, 0xff, 34, 10, 34, 97, 34])]), [
    '1 fault invalid_json',
    '2 text a  1 now',
  ])
})

t.test('CSV: with a header in any order, or without one', async (t) => {
  const headed = Buffer.from(
    [
      '# from the proxy',
      'count,VALUE,at,type',
      '2,evil.example,2026-06-01T14:00:00Z,domain-name',
      ' 3 , "a ""b"" c" ,,',
      ',203.0.113.9',
      '0,x',
      'x,x',
      '1,x,never',
      '1,x,,url,more',
      '1,"open',
      '',
      '1,last',
    ].join('\r\n'),
  )
  t.strictSame(readCut(t, 'csv', headed), [
    `3 text evil.example domain-name 2 ${hour}`,
    '4 text a "b" c  3 now',
    '5 text 203.0.113.9  1 now',
    '6 fault invalid_record',
    '7 fault invalid_record',
    '8 fault invalid_record',
    '9 fault invalid_csv',
    '10 fault invalid_csv',
    '12 text last  1 now',
  ])
  t.strictSame(readCut(t, 'csv', Buffer.from('203.0.113.9\nevil.example\thostname\n')), [
    '1 text 203.0.113.9  1 now',
    '2 text evil.example\thostname  1 now',
  ])
  t.strictSame(readCut(t, 'csv', Buffer.from('evil.example;domain-name;2026-06-01 14:30:00;7')), [
    `1 text evil.example domain-name 7 ${hour}`,
  ])
  t.throws(() => read('csv', [Buffer.from('value,colour\n')]), { code: 'invalid_csv' })
  t.throws(() => read('csv', [Buffer.from('\n# of May\nvalue,value\n')]), {
    code: 'invalid_csv',
    detail: { position: { line: 3 } },
  })
})

/** A record of the binary form: its length, its head and what follows. */
const record = (head: number, ...rest: (number[] | string | Buffer)[]): Buffer => {
  const body = Buffer.concat([Buffer.from([head]), ...rest.map((part) => Buffer.from(part as Buffer))])
  if (body.length < 0x80) return Buffer.concat([Buffer.from([body.length]), body])
  return Buffer.concat([Buffer.from([(body.length & 0x7f) | 0x80, body.length >> 7]), body])
}
const time = [0x6a, 0x1d, 0x94, 0x30]

t.test('CSV: a quote anywhere in a line makes its cells quoted ones', async (t) => {
  const body = 'evil.example,,,,"\nevil.example,domain-name,,,5\n"evil.example",,,2\nevil.example,domain-name,,"3"\n'
  t.strictSame(readCut(t, 'csv', Buffer.from(body)), [
    '1 fault invalid_csv',
    '2 fault invalid_csv',
    '3 text evil.example  2 now',
    '4 text evil.example domain-name 3 now',
  ])
})

t.test('CSV: types that look alike, and longer ones than any, are told apart', async (t) => {
  const long = 'x'.repeat(100)
  const types = ['ipv4-address', 'ipv6-address', 'domain-name', 'sha256', 'sha384', 'md5', '', `${long}a`, `${long}b`]
  const asked = Array.from({ length: 200 }, (_, n) => types[(n * n + n) % types.length] ?? '')
  // Names of one length, first, fourth and last letter meet in one place of what is remembered.
  asked.push('abcdez', 'axcdez', 'abcdez', 'axcdez')
  const body = Buffer.from(asked.map((type) => `evil.example,${type}\n`).join(''))
  t.strictSame(
    read('csv', [body]),
    asked.map((type, n) => `${n + 1} text evil.example ${type} 1 now`),
  )
})

t.test('binary: every kind, counts and times', async (t) => {
  t.equal(Math.floor(Buffer.from(time).readUInt32BE() / 3_600), hour)
  const body = Buffer.concat([
    binaryHeader,
    record(1, [203, 0, 113, 9]),
    record(2, Buffer.from('20010db8000000000000000000000001', 'hex')),
    record(3, 'evil.example'),
    record(4, 'whatever'.repeat(40)),
    record(5, [8], 'hostname', 'c2'),
    record(6, Buffer.alloc(16, 1)),
    record(7, Buffer.alloc(20, 2)),
    record(8, Buffer.alloc(32, 3)),
    record(9, 'http://evil.example/'),
    record(1 | 0x40, [0xac, 0x02], [1, 2, 3, 4]),
    record(1 | 0x80, time, [1, 2, 3, 4]),
    record(3 | 0xc0, [5], time, 'a.example'),
  ])
  t.strictSame(
    readCut(t, 'binary', body).map((line) => line.replace(/^\d+ /, '')),
    [
      'ipv4 3405803785 1 now',
      'ipv6 20010db8000000000000000000000001 1 now',
      'text evil.example domain-name 1 now',
      `text ${'whatever'.repeat(40)}  1 now`,
      'text c2 hostname 1 now',
      `digest ${'01'.repeat(16)} md5 1 now`,
      `digest ${'02'.repeat(20)} sha1 1 now`,
      `digest ${'03'.repeat(32)} sha256 1 now`,
      'text http://evil.example/ url 1 now',
      'ipv4 16909060 300 now',
      `ipv4 16909060 1 ${hour}`,
      `text a.example domain-name 5 ${hour}`,
    ],
  )
})

t.test('binary: what is wrong is a fault at its byte, and the next record is read', async (t) => {
  const records = [
    record(1, [1, 2, 3]),
    record(1, [1, 2, 3, 4, 5]),
    record(0, 'x'),
    record(31, 'x'),
    record(1 | 0x20, [1, 2, 3, 4]),
    record(1 | 0x40, [0], [1, 2, 3, 4]),
    record(1 | 0x40, [0xff, 0xff, 0xff, 0xff, 0x7f], [1, 2, 3, 4]),
    record(1 | 0x80, [1, 2]),
    record(5, [9], 'hostname'),
    record(5),
    record(6, Buffer.alloc(15)),
    Buffer.from([0]),
    record(1, [1, 2, 3, 4]),
  ]
  const starts = records.map((_, n) => records.slice(0, n).reduce((total, { length }) => total + length, 8))
  const found = readCut(t, 'binary', Buffer.concat([binaryHeader, ...records]))
  t.strictSame(
    found.map((line) => Number(line.split(' ')[0])),
    starts,
  )
  t.equal(found.filter((line) => / fault invalid_(binary|record)$/.test(line)).length, records.length - 1)
  t.equal(found.at(-1), `${starts.at(-1)} ipv4 16909060 1 now`)
})

t.test('binary: a record that is too long is passed over without being kept', async (t) => {
  const long = Buffer.concat([Buffer.from([0x80, 0x80, 0x40]), Buffer.alloc(2 ** 20)])
  const body = Buffer.concat([binaryHeader, long, record(1, [1, 2, 3, 4])])
  const expected = ['8 fault record_too_large', `${8 + long.length} ipv4 16909060 1 now`]
  t.strictSame(read('binary', [body]), expected)
  const pieces = Array.from({ length: Math.ceil(body.length / 1_000) }, (_, n) =>
    body.subarray(1_000 * n, 1_000 * n + 1_000),
  )
  t.strictSame(read('binary', pieces), expected)
})

t.test('binary: a length that cannot be read ends it, and so does an end within a record', async (t) => {
  const good = record(1, [1, 2, 3, 4])
  const lost = Buffer.concat([binaryHeader, good, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 1]), good])
  t.strictSame(readCut(t, 'binary', lost), ['8 ipv4 16909060 1 now', '14 fault invalid_binary'])
  t.strictSame(readCut(t, 'binary', Buffer.concat([binaryHeader, good, good.subarray(0, 4)])), [
    '8 ipv4 16909060 1 now',
    '14 fault invalid_binary',
  ])
})

t.test('binary: without the header of this version nothing is read', async (t) => {
  for (const body of ['', 'PUENTE', 'PUENTEO\x02.....', '{"value":"x"}\n']) {
    t.throws(() => read('binary', [Buffer.from(body, 'latin1')]), { code: 'invalid_binary' }, JSON.stringify(body))
  }
})

t.test('the format is what the media type says', async (t) => {
  t.equal(observationFormatOf('application/x-ndjson; charset=utf-8'), 'ndjson')
  t.equal(observationFormatOf('Text/CSV'), 'csv')
  t.equal(observationFormatOf('application/vnd.puente.observations'), 'binary')
  for (const other of [undefined, '', 'application/json', 'constructor', 'application/octet-stream']) {
    t.throws(() => observationFormatOf(other), { code: 'unsupported_media_type' }, String(other))
  }
})

t.test('the page of the binary form shows the bytes that are read', async (t) => {
  const example = /^```hex\n([\s\S]*?)^```/m.exec(readFileSync('docs/observations.md', 'utf8'))?.[1] ?? ''
  const bytes = Buffer.from(example.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex')
  t.strictSame(
    read('binary', [bytes]).map((line) => line.replace(/^\d+ /, '')),
    ['ipv4 3405803785 1 now', `text evil.example domain-name 5 ${hour}`],
  )
})
