import fc from 'fast-check'
import t from 'tap'
import type { Draft } from '../../src/domain/draft.ts'
import { type Observable, parseObservable } from '../../src/domain/observables/index.ts'
import { paps } from '../../src/domain/pap.ts'
import type { Released } from '../../src/domain/released.ts'
import { type RsitType, rsit } from '../../src/domain/rsit.ts'
import { tlps } from '../../src/domain/tlp.ts'
import { capLine, encodeCap } from '../../src/formats/cap-out.ts'
import { encodeIntelmq } from '../../src/formats/intelmq-out.ts'
import { encodeN6 } from '../../src/formats/n6-out.ts'
import { decode, type InputFormat } from '../../src/formats/sniff.ts'
import * as samples from './cert-samples.ts'
import { released } from './released.ts'
import { collect, sorted, sourceOf } from './sources.ts'

const on = new Date('2026-06-02T00:00:00Z')
const encoders = {
  intelmq: encodeIntelmq,
  n6: encodeN6,
  cap: (items: readonly Released[]) => encodeCap(items, on),
} as const

const written = async (format: keyof typeof encoders, items: readonly Released[]) =>
  (await collect(encoders[format](items))).join('')

/** Everything of a draft that is said of the indicator. */
const meaning = ({ observables, class: type, labels, lastSeen, name, description, confidence }: Draft) => ({
  values: observables.map((each) => `${each.type}:${each.value}`).sort(),
  class: type,
  // n6 must name a source; where there was none it is who published.
  labels: labels.filter((label) => label !== 'source:cert-br').sort(),
  lastSeen,
  name,
  description,
  confidence,
})

const files: readonly (readonly [InputFormat & keyof typeof encoders, string])[] = [
  ['cap', samples.capNew],
  ['intelmq', JSON.stringify([samples.intelmqEvent, samples.intelmqNested])],
  ['n6', JSON.stringify(samples.n6Events.slice(0, 1))],
]

t.test('what came in goes out and comes in again with equal meaning', async (t) => {
  for (const [format, body] of files) {
    const { drafts } = await sorted(decode(format, sourceOf(body)))
    const out = await written(
      format,
      drafts.map((draft) => released(draft)),
    )
    const again = await sorted(decode(format, sourceOf(out)))
    t.same(again.faults, [], format)
    t.same(again.drafts.map(meaning), drafts.map(meaning), format)
    t.same(
      again.drafts.map(({ handling }) => handling.tlp),
      drafts.map(({ handling }) => handling.tlp ?? 'green'),
      `${format}: its marking`,
    )
  }
})

const types = Object.values(rsit).flat() as readonly RsitType[]
const octets = fc.integer({ min: 1, max: 254 })
const address = fc.oneof(
  octets.map((n) => parseObservable('ip-address', `192.0.2.${n}`)),
  octets.map((n) => parseObservable('ip-address', `2001:db8::${n.toString(16)}`)),
)
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
const host = word.map((label) => parseObservable('domain-name', `${label}x.example.com`))
const url = fc
  .tuple(word, fc.constantFrom('', 'a;b', 'a|b', "it's", '?q=1&r=%20', '=cmd', 'a,b', '"x"'))
  .map(([name, path]) => parseObservable('url', `http://${name}x.example.org/${path}`))
const port = fc.integer({ min: 1, max: 65_535 })
/** Text that would break out of its cell, its line, its quotes or its element. */
const hostile = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    'a\nb',
    'a\r\nb|c',
    '|',
    ';family: x;',
    '=1+1',
    '\u2028',
    '"',
    '</a>',
    '#',
    '\ud800',
    '\0',
    '{"a":1}',
  ),
)
const said = fc.record({
  class: fc.constantFrom(...types),
  malware: word,
  protocol: fc.constantFrom('tcp', 'udp', 'icmp'),
  asn: fc.integer({ min: 1, max: 4_294_967_295 }),
  country: fc.constantFrom('BR', 'CL', 'EC'),
  destination: octets.map((n) => `198.51.100.${n}`),
  port,
  confidence: fc.integer({ min: 0, max: 100 }),
  seconds: fc.integer({ min: 1_500_000_000, max: 1_780_000_000 }),
  tlp: fc.constantFrom(...tlps),
  pap: fc.constantFrom(...paps),
})

const draftOf = (
  values: readonly [Observable, ...Observable[]],
  facts: typeof said extends fc.Arbitrary<infer T> ? T : never,
) => {
  const lastSeen = new Date(facts.seconds * 1000).toISOString()
  return {
    observables: values,
    class: facts.class,
    confidence: facts.confidence,
    lastSeen,
    labels: [
      `malware:${facts.malware}`,
      `protocol:${facts.protocol}`,
      `asn:${facts.asn}`,
      `country:${facts.country}`,
      `destination:${facts.destination}`,
      `destination-port:${facts.port}`,
    ],
    handling: { tlp: facts.tlp, pap: facts.pap },
  } as Partial<Draft> & Pick<Draft, 'observables'>
}

t.test('any finding survives its way out and in', async (t) => {
  const values = fc.oneof(
    address.map((one) => [one] as const),
    fc.tuple(url, address),
    fc.tuple(address, host),
  )
  await fc.assert(
    fc.asyncProperty(values, said, fc.constantFrom('intelmq', 'n6', 'cap'), async (observables, facts, format) => {
      const draft = draftOf(observables as unknown as readonly [Observable, ...Observable[]], facts)
      const out = await written(format, [released(draft)])
      const { drafts, faults } = await sorted(decode(format, sourceOf(out)))
      const [again] = drafts
      if (again === undefined || faults.length > 0) throw new Error(`${out}\n${JSON.stringify(faults)}`)
      const { confidence, ...expected } = meaning({ ...draft, labels: draft.labels } as Draft)
      const { confidence: kept, ...found } = meaning(again)
      if (JSON.stringify(found) !== JSON.stringify(expected)) {
        throw new Error(`${out}\n${JSON.stringify(found)}\n${JSON.stringify(expected)}`)
      }
      // CAP has no place for a confidence; IntelMQ no word for AMBER+STRICT, and says the stricter one.
      if (format !== 'cap' && kept !== confidence) throw new Error(`${kept} is not ${confidence}`)
      const tlp = format === 'intelmq' && facts.tlp === 'amber+strict' ? 'red' : facts.tlp
      const strict = format === 'n6' && tlp === 'green' ? 'amber' : tlp
      if ((again.handling.pap ?? 'green') !== facts.pap) throw new Error(`${again.handling.pap} is not ${facts.pap}`)
      if (again.handling.tlp !== strict) throw new Error(`${again.handling.tlp} is not ${strict}`)
    }),
    { numRuns: 400 },
  )
  t.pass()
})

t.test('whatever a text holds, a record stays a record', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 6 }), word, async (texts, name) => {
      const labels = texts.flatMap((text) => [
        `malware:${text}`,
        `service:${text}`,
        `destination:${text}`,
        `protocol:${text}`,
      ])
      const [text = ''] = texts
      const observables: readonly [Observable] = [parseObservable('ip-address', '192.0.2.1')]
      const one = released({ observables, labels, name: text, description: text, class: 'brute-force' })
      const hidden = released({ observables }, { masked: true, value: `masked:${name}`, observables: [], labels })
      const items = [one, hidden, one]
      const cap = (await written('cap', items)).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      const events = (await written('intelmq', items)).split('\n').filter((line) => line !== '')
      const n6 = (await written('n6', items)).split('\n')
      if (cap.length !== 2 || events.length !== 3 || n6.length !== 6) throw new Error('lines were added')
      for (const line of cap) if (line.split('|').length !== 6) throw new Error(line)
      for (const line of events) JSON.parse(line)
      JSON.parse(n6.join('\n'))
    }),
    { numRuns: 400 },
  )
  t.pass()
})

t.test('a masked indicator has no address, only its digest; without an address there is no line of CAP', async (t) => {
  const observables: readonly [Observable] = [parseObservable('email-address', 'ana@example.com')]
  const masked = released({ observables }, { masked: true, value: 'hmac:00ff', observables: [] })
  const mail = released({ observables })
  const [event] = (await written('intelmq', [masked])).split('\n')
  t.match(JSON.parse(event ?? ''), { extra: { masked: true, value: 'hmac:00ff', id: masked.id } })
  const [n6] = JSON.parse(await written('n6', [masked]))
  t.match(n6, { masked: true, value: 'hmac:00ff', id: masked.id })
  t.equal(capLine(masked), undefined)
  t.equal(capLine(mail), undefined)
  t.equal(
    await written('cap', [masked, mail]),
    '#generated on 20260602\n#category|address|asn|timestamp|optional_information|asninfo\n#without an address, hence not here: 2\n',
  )
  t.equal(await written('n6', []), '[]\n')
  t.equal(await written('intelmq', []), '')
})

t.test('TLP: IntelMQ has four words, and none is wider than what it stands for', async (t) => {
  const observables: readonly [Observable] = [parseObservable('ip-address', '192.0.2.1')]
  const words = await Promise.all(
    tlps.map(async (tlp) => JSON.parse(await written('intelmq', [released({ observables, handling: { tlp } })])).tlp),
  )
  t.same(words, ['WHITE', 'GREEN', 'AMBER', 'RED', 'RED'])
  const restrictions = await Promise.all(
    tlps.map(
      async (tlp) => JSON.parse(await written('n6', [released({ observables, handling: { tlp } })]))[0].restriction,
    ),
  )
  t.same(restrictions, ['public', 'need-to-know', 'need-to-know', 'internal', 'internal'])
})
