import { createHash } from 'node:crypto'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import t from 'tap'
import {
  anyIpAddress,
  constituencyKeys,
  containingKeys,
  correlationKey,
  detectType,
  observableTypes,
  parseObservable,
  refang,
  registrableDomain,
  typeOfStixPath,
} from '../../src/domain/observables/index.ts'
import { keccak256 } from '../../src/domain/observables/keccak.ts'

const hex = (digits: number): string => 'abcdef0123456789'.repeat(8).slice(0, digits)
const onion = '3wnqf6ejrbg3covroklfxcdxtfsksxinkn3xcuifnafmg2he2djsalyd.onion'

t.test('refangs what is defanged and nothing else', async (t) => {
  const pairs = [
    ['hxxp://evil[.]example/a[.]b', 'http://evil.example/a.b'],
    ['hXXps[:]//evil(.)example', 'https://evil.example'],
    ['h[tt]ps[://]evil{.}example', 'https://evil.example'],
    ['meow://evil[dot]example', 'http://evil.example'],
    ['fxp://evil\\.example', 'ftp://evil.example'],
    ['192[.]0[.]2[.]1[:]80', '192.0.2.1:80'],
    ['ana[at]evil[DOT]example', 'ana@evil.example'],
    ['ana[@]evil.example', 'ana@evil.example'],
    ['evil[[.]]example', 'evil.example'],
    ['https://evil.example/?q=a[.]b&u=hxxp://x', 'https://evil.example/?q=a[.]b&u=hxxp://x'],
    ['http://[2001:db8::1]/', 'http://[2001:db8::1]/'],
    ['evil.example', 'evil.example'],
  ]
  for (const [text = '', plain] of pairs) t.equal(refang(text), plain, text)
})

t.test('refanging twice is refanging once, in linear time', async (t) => {
  const pieces = [
    'hxxp',
    '://',
    '[',
    '.',
    ']',
    '\\',
    '(',
    ')',
    'dot',
    '@',
    'at',
    ':',
    '/',
    'evil',
    '[.]',
    'h[tt]p',
    '?',
  ]
  const text = fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(fc.property(text, (value) => refang(refang(value)) === refang(value)))
  const start = process.hrtime.bigint()
  for (const piece of ['[.]', '\\.', '[', 'hxxp://', '[[.]']) refang(piece.repeat(20_000))
  t.ok(Number(process.hrtime.bigint() - start) / 1e6 < 1_000, '300,000 characters in less than a second')
})

t.test('tells the type of values in a plain list', async (t) => {
  const known: Record<string, readonly string[]> = {
    'ipv4-address': ['192.0.2.1', '192[.]0[.]2[.]1', '192.0.2.1/32'],
    'ipv6-address': ['2001:DB8::1'],
    'ipv4-prefix': ['192.0.2.0/24'],
    'ipv6-prefix': ['2001:db8::/32'],
    'ip-port': ['192.0.2.1:443', '[2001:db8::1]:443'],
    'host-port': ['evil.com:443'],
    url: ['hxxps://evil[.]com/x', 'http://localhost/'],
    'email-address': ['ana@evil.com'],
    'domain-name': ['evil.com', 'www.münchen.de', 'bad.cafe', 'x.github.io'],
    'onion-address': [onion],
    md5: [hex(32)],
    sha1: [hex(40)],
    sha256: [hex(64).toUpperCase()],
    sha512: [hex(128)],
    jarm: [hex(62)],
    tlsh: [`T1${hex(70)}`],
    vulnerability: ['cve-2021-44228'],
    'autonomous-system': ['AS64512'],
    'bitcoin-address': ['1FEHVsKwhtebdJ414SspxkpreWXGzo3KoQ', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    'litecoin-address': ['LZTEm5dmnYtet6kAEas8EmtcritZ9aCeUW'],
    'ethereum-address': ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
    iban: ['DE89 3704 0044 0532 0130 00'],
    'mac-address': ['00:00:5e:00:53:01', '00-00-5E-00-53-01'],
    'registry-key': ['HKLM\\Software\\Evil'],
    ja4: ['t13d1516h2_8daaf6152771_e5627efa2ab1'],
  }
  for (const [type, texts] of Object.entries(known)) {
    for (const text of texts) t.equal(detectType(text), type, text)
  }
  const unknown = [
    '',
    'evil',
    '64512',
    '1.2',
    '192.0.2.1/24',
    'evil.invalidsuffix',
    'setup.exe',
    'Final Report',
    hex(33),
    '4111111111111111',
  ]
  for (const text of [...unknown, 'com', 'co.uk', '+5511912345678', '1FEHVsKwhtebdJ414SspxkpreWXGzo3KoR', '\u0000']) {
    t.equal(detectType(text), undefined, text)
  }
})

t.test('never throws whatever a list has in it', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => detectType(text) !== ''))
})

const key = (type: string, text: string): string => correlationKey(parseObservable(type, text))
const containing = (type: string, text: string): string[] => containingKeys(parseObservable(type, text))

t.test('equal things have one correlation key, different things have not', async (t) => {
  t.equal(key('domain-name', 'evil.example'), key('hostname', 'EVIL.example.'))
  t.equal(key('ipv6-address', '::ffff:192.0.2.1'), key('ipv4-prefix', '192.0.2.1/32'))
  t.equal(key('email-address', 'Ana@evil.example'), key('email-address', 'ana@EVIL.example'))
  t.equal(key('registry-key', 'HKLM\\SOFTWARE\\A'), key('registry-key', 'HKEY_LOCAL_MACHINE\\Software\\a'))
  t.equal(key('ip-port', '192.0.2.1:80'), key('host-port', '192.0.2.1|80'))
  t.not(key('mutex', 'Evil'), key('mutex', 'evil'))
  const digests = ['sha1', 'x509-fingerprint-sha1', 'git-commit', 'tor-relay', 'pehash', 'cdhash']
  t.equal(new Set(digests.map((type) => key(type, hex(40)))).size, digests.length)
})

t.test('an address is contained in every prefix from /31 to /8 or from /127 to /16', async (t) => {
  const four = containing('ipv4-address', '198.51.100.255')
  t.equal(four.length, 24)
  t.equal(four[0], 'ip:198.51.100.254/31')
  t.equal(four.at(-1), 'ip:198.0.0.0/8')
  t.ok(four.includes(key('ipv4-prefix', '198.51.100.0/22')))
  const six = containing('ipv6-address', '2001:db8:ffff::1')
  t.equal(six.length, 112)
  t.equal(six.at(-1), 'ip:2001::/16')
  t.ok(six.includes(key('ipv6-prefix', '2001:db8:8000::/33')))
  t.strictSame(containing('ipv4-prefix', '198.0.0.0/8'), [])
  t.strictSame(containing('ipv4-prefix', '198.51.0.0/16').slice(0, 1), ['ip:198.50.0.0/15'])
})

t.test('IPv6 addresses are written as the WHATWG and ipaddr.js write them', async (t) => {
  const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(groups, (parts) => {
      const text = parts.map((part) => part.toString(16).padStart(4, '0')).join(':')
      const { value } = parseObservable(anyIpAddress, text)
      return value.includes('.') || (value === new ipaddr.IPv6(parts).toRFC5952String() && value === ofUrl(text))
    }),
    { numRuns: 500 },
  )
  t.equal(parseObservable('ipv6-address', '64:ff9b::192.0.2.33').value, '64:ff9b::c000:221')
  t.equal(parseObservable('ipv6-address', '::192.0.2.33').value, '::c000:221')
})

const ofUrl = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1)

t.test('every prefix that contains an address is one that a publisher could have given', async () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseObservable(anyIpAddress, text)
      return containingKeys(address).every(
        (found) => correlationKey(parseObservable(anyIpAddress, found.slice(3))) === found,
      )
    }),
    { numRuns: 50 },
  )
})

t.test('a name is contained in its parents down to the registrable domain, a URL in its host', async (t) => {
  t.strictSame(containing('hostname', 'a.b.evil.co.uk'), ['name:b.evil.co.uk', 'name:evil.co.uk'])
  t.strictSame(containing('domain-name', 'evil.github.io'), [])
  t.strictSame(containing('url', 'http://www.evil.com/x'), ['name:www.evil.com', 'name:evil.com'])
  t.strictSame(containing('email-address', 'ana@mail.evil.com'), ['name:mail.evil.com', 'name:evil.com'])
  t.strictSame(containing('onion-address', `www.${onion}`), [`name:${onion}`])
  t.strictSame(containing('url', 'http://[::ffff:192.0.2.1]/').slice(0, 2), ['ip:192.0.2.1', 'ip:192.0.2.0/31'])
  t.equal(containing('ip-port', '192.0.2.1:80').length, 25)
  t.strictSame(containing('md5', hex(32)), [])
})

t.test('knows registrable domains, private suffixes included', async (t) => {
  const pairs = [
    ['a.b.co.uk', 'b.co.uk'],
    ['x.y.github.io', 'y.github.io'],
    ['WWW.Evil.com.', 'evil.com'],
    ['github.io', undefined],
    ['localhost', undefined],
    ['192.0.2.1', undefined],
  ]
  for (const [host = '', domain] of pairs) t.equal(registrableDomain(host), domain, host)
})

t.test('constituencies are matched by network, AS, country and name', async (t) => {
  const keys = (type: string, text: string) => constituencyKeys(parseObservable(type, text))
  t.strictSame(keys('ipv4-address', '192.0.2.1'), { network: '192.0.2.1/32' })
  t.strictSame(keys('ipv6-prefix', '2001:db8::/32'), { network: '2001:db8::/32' })
  t.strictSame(keys('ip-port', '[2001:db8::1]:80'), { network: '2001:db8::1/128' })
  t.strictSame(keys('autonomous-system', 'AS64512'), { asn: 64_512 })
  t.strictSame(keys('bgp-prefix-origin', '192.0.2.0/24 64496'), { network: '192.0.2.0/24', asn: 64_496 })
  t.strictSame(keys('url', 'http://www.evil.com.br/'), { domain: 'www.evil.com.br' })
  t.strictSame(keys('url', 'http://192.0.2.1/'), { network: '192.0.2.1/32' })
  t.strictSame(keys('email-address', 'ana@evil.com'), { domain: 'evil.com' })
  t.strictSame(keys('iban', 'DE89370400440532013000'), { country: 'DE' })
  t.strictSame(keys('bic', 'DEUTDEFF'), { country: 'DE' })
  for (const [type, text] of [
    ['md5', hex(32)],
    ['onion-address', onion],
    ['hostname', 'intranet'],
  ] as const) {
    t.strictSame(keys(type, text), {}, type)
  }
})

t.test('the table is complete, and says what the issue asks of it', async (t) => {
  t.ok(observableTypes.size >= 45, `${observableTypes.size} types`)
  for (const type of observableTypes.values()) {
    t.match(type.id, /^[a-z0-9]+(-[a-z0-9]+)*$/)
    t.match(type.description, /^[A-Z].{5,}\.$/, type.id)
    t.ok(type.lifetimeDays > 0, type.id)
    t.notOk(type.maskable && type.multiline, `${type.id}: free text has no one form that a digest could stand for`)
    t.equal(typeOfStixPath(`x-puente-${type.id}:value`, 'x.example'), type.id)
  }
  const personal = [
    'email-address',
    'phone-number',
    'iban',
    'bank-account',
    'payment-card',
    'user-account',
    'registrant',
  ]
  for (const id of personal) t.equal(observableTypes.get(id)?.personalData, true, id)
})

t.test('Keccak differs from SHA-3 by its padding alone', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (message) =>
      keccak256(message, 0x06).equals(createHash('sha3-256').update(message).digest()),
    ),
  )
  t.equal(
    keccak256(Buffer.alloc(0)).toString('hex'),
    'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
  )
})
