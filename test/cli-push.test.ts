import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { openInputs, type PushFormat, sourceOf } from '../src/cli/push/input.ts'
import { type Part, partsOfCsv, partsOfLines } from '../src/cli/push/parts.ts'
import { pushFiles, type Refusal } from '../src/cli/push/push.ts'
import { apiKey, fakeNode, folderWith, judge, problem, receipt } from './cli-fake-node.ts'
import { capNew, capOld, intelmqEvent, n6Events, openDns, openioc10, openioc11 } from './formats/cert-samples.ts'

interface PushSettings {
  readonly records?: number
  readonly forMs?: number
  readonly format?: PushFormat
}

/** Pushes files to a fake node without ever waiting. */
async function pushTo(t: Test, url: string, files: Readonly<Record<string, string>>, settings: PushSettings = {}) {
  const { records = 2, forMs = 60_000, format } = settings
  const folder = folderWith(t, files)
  const names = Object.keys(files).map((name) => path.join(folder, name))
  const { inputs } = await openInputs(names, format, Readable.from([]))
  const refusals: Refusal[] = []
  const waits: number[] = []
  const wait = async (ms: number) => waits.push(ms)
  const options = { query: { tlp: 'green' }, size: { records, bytes: 1e6 }, patience: { forMs, wait } }
  let bytes = 0
  const observer = {
    refused: (refusal: Refusal) => void refusals.push({ ...refusal, file: path.basename(refusal.file) }),
    acknowledged: (more: number) => {
      bytes += more
    },
  }
  const summary = await pushFiles({ url, apiKey }, inputs, options, observer)
  return { summary, refusals, waits, bytes }
}

const partsOf = async (cut: typeof partsOfCsv, text: string, records: number): Promise<Part[]> => {
  const parts: Part[] = []
  const source = { open: () => Readable.from([Buffer.from(text)]) as AsyncIterable<Buffer> }
  for await (const part of cut(source, { records, bytes: 1e6 })) parts.push(part)
  return parts
}

t.test('CSV is cut at records, with the header in each part and the lines of the file', async (t) => {
  const text = '# a comment\nvalue,description\n192.0.2.1,one\n\n192.0.2.2,"two\nlines"\n192.0.2.3,three\r\n# end\n'
  const parts = await partsOf(partsOfCsv, text, 2)
  t.same(
    parts.map(({ bytes, records, lines }) => ({ text: bytes.toString(), records, lines })),
    [
      { text: 'value,description\n192.0.2.1,one\n192.0.2.2,"two\nlines"\n', records: 2, lines: [2, 3, 5, 6] },
      { text: 'value,description\n192.0.2.3,three\n', records: 1, lines: [2, 7] },
    ],
  )
})

t.test('a plain list has no header, and a quote that nothing closes is a fault of its own line', async (t) => {
  const [list] = await partsOf(partsOfCsv, '192.0.2.1\t3\n192.0.2.2\t2\n', 10)
  t.same(list?.lines, [1, 2])
  const [broken] = await partsOf(partsOfCsv, 'value,name\n192.0.2.1,"open\n192.0.2.2,closed\n', 10)
  t.match(broken?.faults, [{ position: { line: 2 }, code: 'invalid_csv' }])
  t.equal(broken?.bytes.toString(), 'value,name\n192.0.2.2,closed\n')
})

t.test('a line longer than a record is refused here and the lines around it are sent', async (t) => {
  const [part] = await partsOf(partsOfLines, `{"value":1}\n"${'x'.repeat(1024 * 1024)}"\n{"value":2}\n`, 10)
  t.match(part, { records: 2, lines: [1, 3], faults: [{ position: { line: 2 }, code: 'record_too_large' }] })
})

t.test('whatever the lines and the size, the parts hold every record once and name its line', async (t) => {
  const line = fc.constantFrom('{"value":"192.0.2.1"}', '{"value":"192.0.2.2"}', '', '   ', '{}')
  const property = fc.asyncProperty(
    fc.array(line, { maxLength: 30 }),
    fc.integer({ min: 1, max: 7 }),
    async (all, size) => {
      const parts = await partsOf(partsOfLines, all.join('\n'), size)
      const sent = parts.flatMap(({ bytes, lines }) => {
        const texts = bytes.toString().split('\n').slice(0, -1)
        return texts.map((text, i) => [lines[i], text] as const)
      })
      const wanted = all.flatMap((text, i) => (text.trim() === '' ? [] : [[i + 1, text] as const]))
      return JSON.stringify(sent) === JSON.stringify(wanted) && parts.every(({ records }) => records <= size)
    },
  )
  await t.resolves(fc.assert(property, { numRuns: 200 }))
})

t.test('refusals are reported at the lines of the file, whatever part they went in', async (t) => {
  const { url, requests } = await fakeNode(t, judge)
  const csv = 'value\n192.0.2.1\n# note\nbad-1\n192.0.2.3\n192.0.2.4\nbad-2\nbad-3\n'
  const { summary, refusals, bytes } = await pushTo(t, url, { 'list.csv': csv, 'more.ndjson': '{"a":1}\n\n"bad"\n' })
  // the fake node counts the repeated header as a record
  t.same(summary, { files: 2, accepted: 3 + 3 + 1, unchanged: 0, rejected: 4 })
  t.same(
    refusals.map(({ file, position, message }) => [file, position.line, message]),
    [
      ['list.csv', 4, 'bad-1'],
      ['list.csv', 7, 'bad-2'],
      ['list.csv', 8, 'bad-3'],
      ['more.ndjson', 3, '"bad"'],
    ],
  )
  t.equal(requests.length, 4)
  t.equal(bytes, csv.length + 15, 'progress reaches the end of the files')
  for (const request of requests) {
    t.match(request, {
      method: 'POST',
      url: '/v1/indicators?tlp=green',
      headers: { authorization: `Bearer ${apiKey}` },
    })
  }
})

t.test('a part whose answer was lost is sent again under the same key, and no part before it', async (t) => {
  const { url, requests } = await fakeNode(t, (request, nth) => (nth === 2 || nth === 3 ? 'break' : judge(request)))
  const { summary, waits } = await pushTo(t, url, { 'a.ndjson': '1\n2\n3\n4\n5\n' })
  t.match(summary, { accepted: 5, rejected: 0 })
  t.same(
    requests.map(({ body }) => body),
    ['1\n2\n', '3\n4\n', '3\n4\n', '3\n4\n', '5\n'],
  )
  const keys = requests.map(({ headers }) => headers['idempotency-key'])
  t.equal(new Set(keys).size, 3)
  t.same([keys[2], keys[3]], [keys[1], keys[1]])
  t.same(waits, [500, 1000], 'it waits longer each time')
})

t.test('another push of the same bytes has other keys: the node of that day judges it', async (t) => {
  const { url, requests } = await fakeNode(t, judge)
  await pushTo(t, url, { 'a.ndjson': '1\n' })
  await pushTo(t, url, { 'a.ndjson': '1\n' })
  t.not(requests[0]?.headers['idempotency-key'], requests[1]?.headers['idempotency-key'])
})

t.test('a busy node is asked again when it says so', async (t) => {
  const busy = [problem(429, 'rate_limited', { 'retry-after': '7' }), problem(503, 'unavailable'), problem(502, 'bad')]
  const { url } = await fakeNode(t, (request, nth) => busy[nth - 1] ?? judge(request))
  const { summary, waits } = await pushTo(t, url, { 'a.ndjson': '1\n' })
  t.match(summary, { accepted: 1 })
  t.same(waits, [7000, 1000, 2000])
})

t.test('a key that a killed node left taken is given up after a while', async (t) => {
  let first: string | undefined
  const { url, requests } = await fakeNode(t, (request) => {
    const key = request.headers['idempotency-key'] as string
    first ??= key
    return key === first ? problem(409, 'idempotency_in_progress', { 'retry-after': '5' }) : judge(request)
  })
  const { summary } = await pushTo(t, url, { 'a.ndjson': '1\n' })
  t.match(summary, { accepted: 1 })
  t.equal(requests.length, 4)
})

t.test('patience ends', async (t) => {
  const { url, requests } = await fakeNode(t, () => 'break')
  await t.rejects(pushTo(t, url, { 'a.ndjson': '1\n' }, { forMs: 4_000 }), { message: /gave up after 4 attempts/ })
  t.equal(requests.length, 4, '0.5 s, 1 s and 2 s are within 4 s')
})

t.test('a part that the node refuses as a whole is counted whole and named once', async (t) => {
  const { url } = await fakeNode(t, () => problem(415, 'unsupported_media_type'))
  const { summary, refusals } = await pushTo(t, url, { 'a.ndjson': '\n1\n2\n' })
  t.same(summary, { files: 1, accepted: 0, unchanged: 0, rejected: 2 })
  t.match(refusals, [{ position: { line: 2 }, code: 'unsupported_media_type' }])
})

t.test('a document goes as one request, byte for byte, again after a loss', async (t) => {
  const bundle = `{ "type": "bundle",\n "objects": [${'{"x":"ñ"},'.repeat(30_000)}{}] }`
  const rejected = [{ position: { record: 3, pointer: '/objects/3' }, code: 'object_not_kept' as const, message: 'no' }]
  const { url, requests } = await fakeNode(t, (_, nth) =>
    nth === 1 ? 'break' : { status: 207, body: receipt(9, rejected) },
  )
  const { summary, refusals } = await pushTo(t, url, { 'b.json': bundle })
  t.equal(requests.length, 2)
  t.equal(requests[1]?.body, bundle)
  t.equal(requests[1]?.headers['content-type'], 'application/json')
  t.equal(requests[0]?.headers['idempotency-key'], requests[1]?.headers['idempotency-key'])
  t.match(summary, { accepted: 9, rejected: 1 })
  t.same(refusals[0]?.position, { record: 3, pointer: '/objects/3' })
})

t.test('what a file is, is told by its name or its beginning', async (t) => {
  const files = {
    'a.ndjson': '{}',
    'a.csv': '{}',
    'list.txt': '192.0.2.1\n192.0.2.2\n',
    'lines.txt': '\ufeff{"value":"192.0.2.1"}\n{"value":"192.0.2.2"}\n',
    'one.json': '{"value":"192.0.2.1"}\n',
    'pretty.json': '{\n  "value": "192.0.2.1"\n}\n',
    array: '[{"value":"192.0.2.1"},\n {"value":"192.0.2.2"}]',
    empty: '',
  }
  const folder = folderWith(t, files)
  const names = Object.keys(files).map((name) => path.join(folder, name))
  const { inputs } = await openInputs(names, undefined, Readable.from([]))
  const kinds = ['lines', 'csv', 'csv', 'lines', 'document', 'document', 'document', 'csv']
  t.same(
    inputs.map(({ kind }) => kind),
    kinds,
  )
  const { inputs: told } = await openInputs(names.slice(0, 1), 'misp', Readable.from([]))
  t.match(told, [{ kind: 'document', format: 'misp', mediaType: 'application/json' }])
})

t.test('feeds of CERTs are told by name or beginning, and each part says what it is', async (t) => {
  const files = {
    '2026-06-01-scan_dns-example-asn.csv': 'timestamp,ip\n',
    'cap.csv': capOld,
    'cap.txt': capNew,
    'report.csv': openDns,
    'events.json': `${JSON.stringify(intelmqEvent)}\n${JSON.stringify(intelmqEvent)}\n`,
    'n6.ndjson': n6Events.map((event) => JSON.stringify(event)).join('\n'),
    'a.ioc': openioc10,
    'b.xml': openioc11,
  }
  const folder = folderWith(t, files)
  const names = Object.keys(files).map((name) => path.join(folder, name))
  const { inputs } = await openInputs(names, undefined, Readable.from([]))
  t.match(inputs, [
    { kind: 'csv', format: 'shadowserver', report: '2026-06-01-scan_dns-example-asn.csv' },
    { kind: 'lines', format: 'cap' },
    { kind: 'lines', format: 'cap' },
    { kind: 'csv', format: 'shadowserver' },
    { kind: 'lines', format: 'intelmq' },
    { kind: 'lines', format: 'n6' },
    { kind: 'document', format: 'openioc', mediaType: 'application/xml' },
    { kind: 'document', format: 'openioc' },
  ])
})

t.test('a report goes in parts that have its header and its name', async (t) => {
  const { url, requests } = await fakeNode(t, judge)
  const rows = 'entity_name,date_published,website\nA,2026-06-01,a.example.com\nB,2026-06-01,b.example.com\n'
  await pushTo(t, url, { '2026-06-01-ransomware_victim-example.csv': rows }, { records: 1 })
  t.equal(requests.length, 2)
  for (const { url: target, body } of requests) {
    t.match(target, /format=shadowserver&report=2026-06-01-ransomware_victim-example\.csv/)
    t.match(body, /^entity_name,date_published,website\n[AB],/)
  }
})

t.test('standard input can be read twice and leaves nothing behind', async (t) => {
  const { inputs, release } = await openInputs(['-'], undefined, Readable.from([Buffer.from('192.0.2.1\n')]))
  const [input] = inputs
  t.match(input, { name: 'standard input', kind: 'csv', bytes: 10 })
  for (const _ of ['once', 'twice']) {
    const chunks: Buffer[] = []
    for await (const chunk of input === undefined ? [] : sourceOf(input).open()) chunks.push(chunk)
    t.equal(Buffer.concat(chunks).toString(), '192.0.2.1\n')
  }
  await release()
  t.notOk(readdirSync(tmpdir()).includes(path.basename(input?.path ?? '')))
})
