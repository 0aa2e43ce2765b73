import fc from 'fast-check'
import t from 'tap'
import { PlaceCursors } from '../../src/auth/place-cursors.ts'

const key = Buffer.alloc(32, 7)
const epoch = '11111111-1111-4111-8111-111111111111'
const ana = new PlaceCursors(key, epoch, 'ana')

t.test('a place opens to who it was sealed for, and equal places are equal texts of one length', (t) => {
  const again = new PlaceCursors(key, epoch, 'ana')
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (place) => {
      const text = ana.seal(place)
      return text.length === 22 && ana.open(text) === place && again.seal(place) === text
    }),
  )
  t.end()
})

t.test('nothing else opens', (t) => {
  const text = ana.seal(5)
  const refused = (cursors: PlaceCursors, given: string, code: string) =>
    t.throws(() => cursors.open(given), { code }, given)
  refused(new PlaceCursors(key, epoch, 'bia'), text, 'cursor_invalid')
  refused(new PlaceCursors(Buffer.alloc(32, 8), epoch, 'ana'), text, 'cursor_invalid')
  refused(new PlaceCursors(key, `22222222${epoch.slice(8)}`, 'ana'), text, 'cursor_outdated')
  refused(ana, text.slice(0, -1), 'cursor_invalid')
  refused(ana, `${text}=`, 'cursor_invalid')
  refused(ana, `${text}AA`, 'cursor_invalid')
  refused(ana, '', 'cursor_invalid')
  // The last character has four bits that count for nothing: one spelling only.
  const last = text.slice(-1)
  const other = String.fromCharCode(last.charCodeAt(0) + 1)
  refused(ana, text.slice(0, -1) + other, 'cursor_invalid')
  t.end()
})

t.test('texts tell nothing of how much lies between their places', (t) => {
  const texts = Array.from({ length: 2_000 }, (_, place) => Buffer.from(ana.seal(place), 'base64url'))
  t.equal(new Set(texts.map((text) => text.toString('hex'))).size, texts.length)
  // Of neighbours every bit is another as often as not.
  const changed = Array.from({ length: 128 }, () => 0)
  for (const [n, text] of texts.slice(1).entries()) {
    for (const bit of changed.keys()) {
      const differs = ((text[bit >> 3] ?? 0) ^ (texts[n]?.[bit >> 3] ?? 0)) & (1 << (bit & 7))
      if (differs !== 0) changed[bit] = (changed[bit] ?? 0) + 1
    }
  }
  t.ok(changed.every((times) => times > 800 && times < 1_200))
  t.end()
})
