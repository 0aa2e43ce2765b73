import fc from 'fast-check'
import t from 'tap'
import { keyIdOf, mintKey } from '../../src/auth/api-keys.ts'
import { secretOf } from '../../src/auth/credentials.ts'
import { openCursor, sealCursor } from '../../src/auth/cursors.ts'
import { PlaceCursors } from '../../src/auth/place-cursors.ts'
import { readConfig, variables } from '../../src/config.ts'
import { ConfigurationError } from '../../src/config-values.ts'
import {
  parseAccountId,
  parseConstituencyEntry,
  parseInstant,
  parseName,
  parseSlug,
} from '../../src/domain/enrolment.ts'
import { Fault } from '../../src/domain/errors.ts'
import { parseJurisdiction } from '../../src/domain/jurisdiction.ts'
import {
  anyIpAddress,
  detectObservable,
  mispValueOf,
  observableTypes,
  parseObservable,
  refang,
} from '../../src/domain/observables/index.ts'
import { constituencyKeys, containingKeys, correlationKey } from '../../src/domain/observables/keys.ts'
import { stixComparisons } from '../../src/domain/observables/stix.ts'
import { constituencyKinds } from '../../src/domain/organisation.ts'
import { parseRsit } from '../../src/domain/rsit.ts'
import { parseTlp } from '../../src/domain/tlp.ts'
import { capCells } from '../../src/formats/cap.ts'
import { capComment } from '../../src/formats/cap-comment.ts'
import { csvMapping } from '../../src/formats/csv-mapping.ts'
import { cellsOf } from '../../src/formats/csv-records.ts'
import { eventTime } from '../../src/formats/event.ts'
import { handlingFromRecord } from '../../src/formats/handling-fields.ts'
import { jsonPartsOf } from '../../src/formats/json-parts.ts'
import { parseStrict } from '../../src/formats/json-text.ts'
import { reportType, rsitOfReport } from '../../src/formats/shadowserver-types.ts'
import { decode, formatOf, inputFormats } from '../../src/formats/sniff.ts'
import { formatOfText } from '../../src/formats/sniff-text.ts'
import { parsePattern } from '../../src/formats/stix-pattern.ts'
import { patternOf } from '../../src/formats/stix-pattern-out.ts'
import { parseTimestamp } from '../../src/formats/timestamp.ts'
import { cuts, sorted, sourceOf } from '../formats/sources.ts'
import { fuzz, hostileText, hostileValue, spoilt } from './fuzz.ts'
import { samples } from './samples.ts'

/** Every parser, with whatever there is: it answers or refuses by a Fault, in bounded time, and what it makes stays as it is. */

t.setTimeout(3_600_000)

/** The result, or the fault's code. Any other error is thrown on: that is what is looked for. */
function tried<T>(run: () => T): { readonly value: T } | { readonly fault: Fault } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof Fault) return { fault: error }
    throw error
  }
}

const anyText = fc.oneof(
  hostileText,
  fc.constantFrom(...samples.values),
  fc.tuple(fc.constantFrom(...samples.values), fc.nat(40), hostileText).map(([value, at, more]) => {
    return value.slice(0, at) + more + value.slice(at + 1)
  }),
)

t.test('values of every type: refused, or canonical once and for all', async (t) => {
  const types = [...observableTypes.keys(), anyIpAddress]
  fc.assert(
    fc.property(fc.constantFrom(...types), anyText, (type, text) => {
      const parsed = tried(() => parseObservable(type, text))
      if ('fault' in parsed) return parsed.fault.message.isWellFormed()
      const { value } = parsed
      const again = parseObservable(value.type, value.value)
      correlationKey(value)
      containingKeys(value)
      constituencyKeys(value)
      stixComparisons(value)
      mispValueOf(value)
      parsePattern(patternOf([value]))
      return again.type === value.type && again.value === value.value && value.value.isWellFormed()
    }),
    fuzz(40_000),
  )
  t.pass('nothing else was thrown')
})

t.test('what is recognised is what is parsed, and refanging settles', async (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const settled = refang(text)
      if (refang(refang(settled)) !== refang(settled)) return false
      const found = tried(() => detectObservable(text))
      if ('fault' in found || found.value === undefined) return true
      const { type, value } = found.value
      return parseObservable(type, value).value === value
    }),
    fuzz(15_000),
  )
  t.pass()
})

t.test('small parsers: words, names, times, patterns, cells', async (t) => {
  const parsers: Readonly<Record<string, (text: string) => unknown>> = {
    parseStrict,
    parsePattern,
    parseTlp,
    parseRsit,
    parseJurisdiction,
    parseSlug: (text) => parseSlug(text, '/x'),
    parseAccountId: (text) => parseAccountId(text, '/x'),
    parseName: (text) => parseName(text, '/x'),
    parseInstant: (text) => parseInstant(text, '/x'),
    rfc3339: (text) => parseTimestamp(text, 'rfc3339'),
    cellsOf: (text) => cellsOf(text, ','),
    capComment,
    csvMapping: (text) => csvMapping(text.split(',')),
    reportType: (text) => rsitOfReport(reportType(text) ?? text),
    eventTime,
    secretOf: (text) => secretOf(text),
    keyIdOf: (text) => keyIdOf(text),
    formatOf: (text) => formatOf('application/json', undefined, Buffer.from(text)),
    ofText: (text) => formatOf('text/csv', undefined, Buffer.from(text)),
    ofMediaType: (text) => formatOf(text, undefined, Buffer.alloc(0)),
    ofParameter: (text) => formatOf(undefined, text, Buffer.alloc(0)),
    ...Object.fromEntries(
      constituencyKinds.map((kind) => [kind, (value: string) => parseConstituencyEntry({ kind, value }, '/x')]),
    ),
  }
  const text = fc.oneof(anyText, fc.constantFrom(...samples.patterns), fc.constantFrom(...samples.documents))
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(parsers)), text, (name, given) => {
      tried(() => parsers[name]?.(given))
    }),
    fuzz(30_000),
  )
  t.pass()
})

t.test('patterns that are cut, doubled and stirred', async (t) => {
  const words = samples.patterns.flatMap((pattern) => pattern.split(/(?<=[\s[\]()'=:.])/))
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...words), hostileText), { maxLength: 30 }), (tokens) => {
      tried(() => parsePattern(tokens.join('')))
    }),
    fuzz(8_000),
  )
  t.pass()
})

t.test('JSON is read as JSON.parse reads it, or refused', async (t) => {
  fc.assert(
    fc.property(
      fc.jsonValue().chain((value) => spoilt(JSON.stringify(value))),
      (bytes) => {
        const strict = tried(() => parseStrict(bytes))
        tried(() => jsonPartsOf(bytes, [['a'], ['objects']]))
        return 'fault' in strict || JSON.stringify(strict.value) === JSON.stringify(JSON.parse(bytes.toString('utf8')))
      },
    ),
    fuzz(6_000),
  )
  t.pass()
})

t.test('handling in any record', async (t) => {
  const name = fc.constantFrom(
    'tlp',
    'pap',
    'audience',
    'people',
    'releasableTo',
    'lawEnforcement',
    'expiresAt',
    'critical',
  )
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(name, hostileText), hostileValue, { maxKeys: 5 }), (record) => {
      tried(() => handlingFromRecord(record))
    }),
    fuzz(5_000),
  )
  t.pass()
})

t.test('cursors: what was not sealed here, for this reader, does not open', async (t) => {
  const key = Buffer.alloc(32, 7)
  const epoch = '11111111-1111-4111-8111-111111111111'
  const sealed = sealCursor(key, [5n, 6n], epoch, 'ana')
  const places = new PlaceCursors(key, epoch, 'ana')
  for (const [text, open] of [
    [sealed, (text: string) => openCursor(key, text, epoch, 'ana', 2)],
    [places.seal(5), (text: string) => places.open(text)],
  ] as const) {
    fc.assert(
      fc.property(
        fc.oneof(
          hostileText,
          fc.nat(text.length - 1).map((at) => flipped(text, at)),
        ),
        (altered) => {
          const opened = tried(() => open(altered))
          return 'fault' in opened && opened.fault.code === 'cursor_invalid'
        },
      ),
      fuzz(4_000),
    )
  }
  t.strictSame(openCursor(key, sealed, epoch, 'ana', 2), [5n, 6n])
  const { secret } = mintKey()
  fc.assert(
    fc.property(fc.constantFrom('Bearer', 'bearer', 'Basic', 'Negotiate', ''), anyText, (scheme, text) => {
      tried(() => secretOf(`${scheme} ${text}`))
      tried(() => secretOf(`${scheme} ${Buffer.from(text).toString('base64')}`))
    }),
    fuzz(3_000),
  )
  t.equal(secretOf(`Basic ${Buffer.from(`x:${secret}`).toString('base64')}`), secret)
})

/** One character of base64url changed in its upper bits, which always count. */
function flipped(text: string, at: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const changed = alphabet[alphabet.indexOf(text[at] ?? 'A') ^ 32] ?? 'A'
  return text.slice(0, at) + changed + text.slice(at + 1)
}

t.test('configuration: taken, or refused by name', async (t) => {
  const names = variables.map(({ name }) => name)
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), anyText, { maxKeys: 3 }), (environment) => {
      try {
        readConfig(environment)
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error
        return names.some((name) => error.message.startsWith(name))
      }
      return true
    }),
    fuzz(5_000),
  )
  t.pass()
})

t.test('documents of every format: any bytes are drafts or faults, wherever the stream is cut', async (t) => {
  const document = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...samples.documents).chain((text) => mutated(Buffer.from(text))) },
    { weight: 2, arbitrary: fc.constantFrom(...samples.documents).chain(spoilt) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc.array(fc.constantFrom(...samples.values), { maxLength: 30 }).map((v) => Buffer.from(v.join('\n'))),
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...inputFormats), document, cuts, async (format, bytes, pieces) => {
      const whole = await sorted(decode(format, sourceOf(bytes)))
      const cut = await sorted(decode(format, sourceOf(bytes, pieces)))
      const wrong = whole.faults.find(({ code, message }) => code === 'internal' || !message.isWellFormed())
      if (wrong !== undefined) throw new Error(`${wrong.code}: ${wrong.message}`)
      if (JSON.stringify(whole) === JSON.stringify(cut)) return
      const [a, b] = [whole, cut].map(({ drafts, faults }) => `${drafts.length} drafts, ${JSON.stringify(faults)}`)
      throw new Error(`${bytes.toString()}\nin one piece: ${a}\nin more: ${b}`)
    }),
    fuzz(2_500),
  )
  t.pass()
})

/** Bytes with some of them removed, repeated, replaced or moved. */
function mutated(bytes: Buffer): fc.Arbitrary<Buffer> {
  const piece = fc.tuple(fc.nat(bytes.length), fc.nat(30), fc.uint8Array({ maxLength: 4 }), fc.nat(3))
  return fc.array(piece, { minLength: 1, maxLength: 5 }).map((changes) =>
    changes.reduce((now, [at, length, more, what]) => {
      const part = now.subarray(at, at + length)
      const inserted = what === 0 ? Buffer.alloc(0) : what === 1 ? Buffer.concat([part, part]) : Buffer.from(more)
      return Buffer.concat([now.subarray(0, at), inserted, now.subarray(at + (what === 3 ? 0 : length))])
    }, bytes),
  )
}

t.test('twice the size takes about twice the time, whatever is repeated', async (t) => {
  const units = [
    'a',
    '.',
    '-',
    '[',
    '(',
    '"',
    '\\',
    '%41',
    ' ',
    'a.',
    '[.]',
    '::',
    '1.',
    '@',
    '/',
    "'",
    'é',
    '0',
    'hxxp',
    '{"a":',
    '=',
    ',',
    ';',
    '\n',
    '<',
    '|',
    ': ',
    'port: ',
    ';a: ',
    'mwtype ',
    '[a:b=',
    ' AND ',
    'xn--',
  ]
  const slow: string[] = []
  const parsers: readonly (readonly [string, (text: string) => unknown])[] = [
    ...[...observableTypes.keys(), anyIpAddress].map(
      (type) => [type, (text: string) => parseObservable(type, text)] as const,
    ),
    ['detect', detectObservable],
    ['refang', refang],
  ]
  for (const [name, parse] of parsers) {
    for (const unit of units) {
      for (const text of [unit.repeat(8_000 / unit.length), `a${unit.repeat(8_000 / unit.length)}!`]) {
        const began = performance.now()
        tried(() => parse(text))
        // Once more, when a busy machine may have been the reason.
        if (performance.now() - began > 25 && took(() => tried(() => parse(text))) > 25) slow.push(`${name}: ${unit}`)
      }
    }
  }
  t.strictSame(slow, [], 'the longest value takes no more than 25 ms')
  for (const [name, parse] of [
    ['pattern', parsePattern],
    ['json', parseStrict],
    ['cells', (text: string) => cellsOf(text, ',')],
    ['comment', capComment],
    ['CAP', capCells],
    ['beginning', formatOfText],
  ] as const) {
    for (const unit of units) {
      const [short, long] = [unit.repeat(64_000 / unit.length), unit.repeat(256_000 / unit.length)]
      const told: string[] = []
      // Four times the length: quadratic time would be sixteen times, each time; what is quick is not measured.
      const isSlow = () => {
        const [a, b] = [took(() => tried(() => parse(short))), took(() => tried(() => parse(long)))]
        told.push(`${a} ${b}`)
        return b > 60 && b > 10 * a
      }
      if (isSlow() && isSlow() && isSlow()) slow.push(`${name}: ${unit} ${told.join(', ')}`)
    }
  }
  t.strictSame(slow, [])
})

/** Milliseconds of processor time, the least of three: what else the machine does is not counted. */
function took(run: () => unknown): number {
  const once = () => {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  }
  return Math.min(once(), once(), once())
}
