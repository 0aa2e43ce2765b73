import fc from 'fast-check'
import t from 'tap'
import { parseObservable } from '../../src/domain/observables/index.ts'
import { addressGroups, canonicalAddress } from '../../src/domain/observables/ip.ts'

/** Addresses are read by hand, as they are read for all that comes in. */

const group = fc.integer({ min: 0, max: 0xffff })
const groups = fc.tuple(...Array.from({ length: 8 }, () => fc.oneof(fc.constant(0), group)))

t.test('any spelling of an IPv6 address has its groups, and one canonical text', (t) => {
  const place = fc.integer({ min: 0, max: 6 })
  fc.assert(
    fc.property(groups, place, place, fc.boolean(), (parts, from, to, quad) => {
      const text = spelt(parts, from, to, quad)
      const mapped = parts[5] === 0xffff && parts.slice(0, 5).every((part) => part === 0)
      // The URL standard writes hosts as RFC 5952 has it.
      const canonical = mapped ? dotted(parts) : new URL(`http://[${text}]`).hostname.slice(1, -1)
      return `${addressGroups(text)}` === `${parts}` && canonicalAddress(text) === canonical
    }),
    { numRuns: 5_000, examples: [[[0, 0, 0, 0, 0, 0xffff, 0xc000, 0x201], 0, 5, true]] },
  )
  t.end()
})

/** With leading zeros, with `::` for what is zero from one place to another, with a dotted quad at its end. */
function spelt(parts: readonly number[], from: number, to: number, quad: boolean): string {
  const texts = parts.map((part) => part.toString(16).padStart((part % 4) + 1, '0'))
  const all = quad ? [...texts.slice(0, 6), dotted(parts)] : texts
  const zeros = from < to && parts.slice(from, to).every((part) => part === 0)
  return zeros ? `${all.slice(0, from).join(':')}::${all.slice(to).join(':')}` : all.join(':')
}

function dotted([, , , , , , seventh = 0, eighth = 0]: readonly number[]): string {
  return `${seventh >> 8}.${seventh & 255}.${eighth >> 8}.${eighth & 255}`
}

t.test('one value is read as one type, and then as another', (t) => {
  t.strictSame(parseObservable('ipv6-address', '2001:DB8::1'), { type: 'ipv6-address', value: '2001:db8::1' })
  t.strictSame(parseObservable('ipv6-address', '2001:DB8::2'), { type: 'ipv6-address', value: '2001:db8::2' })
  t.throws(() => parseObservable('ipv4-address', '2001:DB8::2'), { code: 'invalid_value' })
  t.strictSame(parseObservable('ipv6-address', '2001:DB8::2'), { type: 'ipv6-address', value: '2001:db8::2' })
  t.strictSame(parseObservable('domain-name', 'example.org'), { type: 'domain-name', value: 'example.org' })
  t.strictSame(parseObservable('hostname', 'example.org'), { type: 'hostname', value: 'example.org' })
  t.throws(() => parseObservable('', ''), { code: 'unknown_type' })
  t.end()
})
