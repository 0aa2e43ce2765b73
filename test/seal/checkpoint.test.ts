import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { openCheckpoint, originOf, signCheckpoint } from '../../src/seal/checkpoint.ts'
import { formatKey, NoteError, noteKey, openNote, parseKey, publicKeyOf, signNote } from '../../src/seal/note.ts'

const seed = createHash('sha256').update('a key of this test').digest()
const name = originOf('00000000-0000-4000-8000-000000000001')
const key = noteKey(name, publicKeyOf(seed))
const root = createHash('sha256').update('a root of this test').digest()

t.test('the example of the Go documentation verifies, and no other text under its signature', async (t) => {
  const peter = parseKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
  const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  const signature =
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
  t.equal(openNote(`${text}\n${signature}`, peter), text)
  t.throws(() => openNote(`${text.replace('answer', 'Answer')}\n${signature}`, peter), /does not hold/)
  t.equal(formatKey(peter), 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
})

t.test('a public key is that of RFC 8032 for its seed', async (t) => {
  const secret = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
  const known = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
  t.equal(publicKeyOf(Buffer.from(secret, 'hex')).toString('hex'), known)
})

t.test('a checkpoint opens to what was signed, and signing is deterministic', async (t) => {
  const note = signCheckpoint(1_234, root, key, seed)
  t.strictSame(openCheckpoint(note, parseKey(formatKey(key))), { origin: name, size: 1_234, root })
  t.equal(signCheckpoint(1_234, root, key, seed), note)
  const [origin, size, head, empty, line] = note.split('\n')
  t.strictSame([origin, size, head, empty], [name, '1234', root.toString('base64'), ''])
  t.match(line, /^— puente\/[0-9a-f-]+\/audit [A-Za-z0-9+/]+=*$/)
})

t.test('no altered note opens', async (t) => {
  const note = Buffer.from(signCheckpoint(77, root, key, seed))
  const opens = fc.property(fc.nat(note.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
    const altered = Buffer.from(note)
    altered[at] = (altered[at] ?? 0) ^ by
    try {
      openCheckpoint(altered.toString(), key)
      return false
    } catch (error) {
      return error instanceof NoteError
    }
  })
  t.doesNotThrow(() => fc.assert(opens, { numRuns: 2_000 }))
})

t.test('signatures of witnesses stand beside, and a signature of another key is none', async (t) => {
  const otherSeed = createHash('sha256').update('another key').digest()
  const witness = noteKey('witness.example', publicKeyOf(otherSeed))
  const twin = noteKey(name, publicKeyOf(otherSeed))
  const note = signCheckpoint(5, root, key, seed)
  const cosigned = note + (signNote(note.slice(0, note.indexOf('\n\n') + 1), witness, otherSeed).split('\n\n')[1] ?? '')
  t.equal(openCheckpoint(cosigned, key).size, 5)
  t.throws(() => openCheckpoint(note, twin), /not signed by this key/)
  t.throws(() => openCheckpoint(cosigned, witness), /of another log/)
})

t.test('what is no checkpoint is refused, whoever signed it', async (t) => {
  const base64 = root.toString('base64')
  const refused = [
    `${name}\n01\n${base64}\n`,
    `${name}\n-1\n${base64}\n`,
    `${name}\n9999999999999999\n${base64}\n`,
    `${name}\n1e3\n${base64}\n`,
    `${name}\n5\n${base64.slice(0, -4)}\n`,
    `${name}\n5\n${base64.replace('=', '')}\n`,
    `${name}\n5\n`,
    `${name}\n`,
    `another/log\n5\n${base64}\n`,
    `${name}\n5\n${base64}\nextension\n\nmore\n`,
  ]
  for (const text of refused) {
    const note = signNote(text, key, seed)
    t.throws(() => openCheckpoint(note, key), NoteError, JSON.stringify(text))
  }
  t.equal(openCheckpoint(signNote(`${name}\n5\n${base64}\nextension\n`, key, seed), key).size, 5)
  for (const note of ['', '\n', '\n\n', 'a\n\n', 'a\n\n\n', 'a\n\n— b\n', 'a\n\n— b c d\n', 'x'.repeat(70_000)]) {
    t.throws(() => openNote(note, key), NoteError, JSON.stringify(note.slice(0, 20)))
  }
  t.throws(() => signNote('a\tb\n', key, seed), NoteError)
  t.throws(() => signNote('no newline', key, seed), NoteError)
})

t.test('a key is refused where its parts do not belong together', async (t) => {
  const written = formatKey(key)
  t.strictSame(parseKey(`${written}\n`), key)
  for (const text of [
    '',
    'a',
    'a+b',
    written.slice(0, -2),
    written.replace(/\+[0-9a-f]/, (each) => (each === '+0' ? '+1' : '+0')),
    written.replace('audit', 'other'),
    `${written}+more`,
  ]) {
    t.throws(() => parseKey(text), NoteError, text)
  }
  t.throws(() => noteKey('two words', publicKeyOf(seed)), NoteError)
  t.throws(() => noteKey('a+b', publicKeyOf(seed)), NoteError)
  t.throws(() => noteKey('a', Buffer.alloc(31)), NoteError)
})
