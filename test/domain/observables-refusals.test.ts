import t from 'tap'
import { Fault, type FaultCode } from '../../src/domain/errors.ts'
import { limits } from '../../src/domain/limits.ts'
import { observableTypes, parseObservable, refusedTypes } from '../../src/domain/observables/index.ts'

/** The fault that reading a value ends in; a value that is read is a failure of the test. */
function faultOf(type: string, text: string): Fault {
  try {
    const { value } = parseObservable(type, text)
    throw new Error(`${type} ${text.slice(0, 60)} was read as ${value.slice(0, 60)}`)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

const refusals = (t: Tap, code: FaultCode, table: Record<string, readonly string[]>): void => {
  for (const [type, texts] of Object.entries(table)) {
    for (const text of texts) t.equal(faultOf(type, text).code, code, `${type}: ${JSON.stringify(text.slice(0, 60))}`)
  }
}
type Tap = typeof t

const hex = (digits: number): string => 'abcdef0123456789'.repeat(8).slice(0, digits)

t.test('refuses what no network has', async (t) => {
  refusals(t as Tap, 'invalid_value', {
    'ipv4-address': [
      '01.2.3.4',
      '1.2.3',
      '1.2.3.256',
      '0x7f.0.0.1',
      '2001:db8::1',
      '192.0.2.0/24',
      '1.2.3.4:80',
      'a.example',
    ],
    'ipv6-address': ['2001:db8::1%eth0', '2001:db8:::1', '1::2::3', '192.0.2.1', '[2001:db8::1]', '2001:db8::/32'],
    'ipv4-prefix': ['192.0.2.1/24', '192.0.2.0', '192.0.2.0/33', '0.0.0.0/0', '192.0.2.0/', '2001:db8::/32'],
    'ipv6-prefix': ['2001:db8::1/32', '2001:db8::/129', '::/0', '192.0.2.0/24', '::ffff:0:0/95'],
    'ip-address': ['evil.example', '1.2.3.4.5'],
    'ip-port': ['192.0.2.1', '192.0.2.1:0', '192.0.2.1:65536', '2001:db8::1:443', 'evil.example:80', '192.0.2.0/24:80'],
    'host-port': ['evil.example', 'evil.example:x', 'a b:80'],
    port: ['0', '65536', '-1', '80/tcp', '1e3'],
    'autonomous-system': ['AS4294967296', 'AS', 'AS65536.1', 'AS1.65536', 'AS-1', 'AS1.2.3'],
    'bgp-prefix-origin': ['192.0.2.1/24 AS64496', '192.0.2.0/24', '192.0.2.0/24 AS4294967296'],
    'mac-address': ['00:00:5e:00:53', '00:00:5e:00:53:0g'],
    'mac-eui-64': ['00:00:5e:00:53:01'],
    'community-id': ['2:LQU9qZlK+B5F3KDmev6m5PMibrg=', '1:LQU9'],
  })
})

t.test('refuses what no registry has, and URLs without a host', async (t) => {
  const label = 'a'.repeat(63)
  refusals(t as Tap, 'invalid_value', {
    'domain-name': [
      'localhost',
      '192.0.2.1',
      '0x7f.1',
      'a..example',
      '*.evil.example',
      '.evil.example',
      'evil.example..',
    ],
    hostname: [
      `${label}a.example`,
      `${`${label}.`.repeat(4)}example`,
      '2130706433',
      'a b',
      'a/b.example',
      'xn--a',
      'ev%69l.com',
    ],
    'onion-address': ['evil.example', 'short.onion', '3wnqf6ejrbg3covroklfxcdxtfsksxinkn3xcuifnafmg2he2djsalyb.onion'],
    url: [
      'evil.example/x',
      'javascript://x',
      'file:///etc/passwd',
      'http://',
      'http:///',
      'http://a b/',
      'http://-.com/',
    ],
    'url-path': ['gate.php', 'evil.example/x'],
    'dns-record': [
      'example.com DS 60485 5 1 0B183AF5F22588179A53B0A 98631FAD1A292118',
      'evil.example.com',
      'evil.example.com A',
      'evil.example.com A 2001:db8::1',
      'evil.example.com A 192.0.2.0/24',
      'evil.example.com AAAA 192.0.2.1',
      'evil.example.com NS 192.0.2.1',
      'evil.example.com MX mail.example.com',
      'evil.example.com MX 65536 mail.example.com',
      'evil.example.com DS 1 2 3 abc',
      'evil.example.com NAPTR x',
      'a/b.example.com A 192.0.2.1',
      'evil.example.com constructor x',
    ],
    'email-address': [
      'ana',
      '@example.com',
      'a..b@example.com',
      '"a b"@example.com',
      'a@localhost',
      'a@b@c',
      'a@[192.0.2.1]',
    ],
    'jabber-id': ['jabber.example', 'a@b/c'],
  })
  refusals(t as Tap, 'invalid_value', {
    'domain-name': ['evil_kit.com', '-evil.com', 'evil-.com.br'],
    'email-address': [`${'é'.repeat(33)}@example.com`],
    url: ['ssh://%FF/', 'http://3wnqf6ejrbg3covroklfxcdxtfsksxinkn3xcuifnafmg2he2djsalyb.onion/'],
  })
})

t.test('refuses digests and fingerprints of another length or grammar', async (t) => {
  for (const { id, group } of observableTypes.values()) {
    // a vhash is any word: VirusTotal does not publish its grammar
    if (group !== 'hash' || id === 'vhash') continue
    t.equal(faultOf(id, hex(31)).code, 'invalid_value', `${id} of 31 digits`)
  }
  refusals(t as Tap, 'invalid_value', {
    md5: [hex(40), `${hex(31)}g`, `0x${hex(30)}`],
    sha256: [hex(63), hex(128)],
    ssdeep: ['a:b:c', '3:a', '3:a:b:c'],
    tlsh: [`T2${hex(70)}`, hex(69)],
    ja4: ['t13d1516h2_8daaf6152771', 'x13d1516h2_8daaf6152771_e5627efa2ab1'],
    jarm: ['0'.repeat(62), hex(61)],
    'ssh-fingerprint': ['SHA256:short', hex(31)],
    'favicon-mmh3': ['4294967296', '-2147483649', '1.5'],
    'http-header': ['x-beacon', 'x beacon: 1', ': 1', 'x-beacon:'],
    'browser-extension-id': ['aapbdbdomjkkjkaonfhkkikfgjllcleq'],
    'x509-serial-number': ['xyz', 'a'.repeat(81)],
    'torrent-info-hash': ['magnet:?dn=a', hex(39)],
  })
})

t.test('refuses numbers whose check digits are wrong', async (t) => {
  refusals(t as Tap, 'invalid_value', {
    iban: ['DE89370400440532013001', 'DE8937040044', 'ZZ89370400440532013000', 'DE98370400440532013000'],
    bic: ['DEUTZZFF', 'DEUTDEF', 'DEUTDEFF5'],
    'aba-routing-number': ['021000022', '000000000', '02100002'],
    'payment-card': ['4111111111111112', '41111111111'],
    'card-bin': ['4111111'],
    'bitcoin-address': [
      '1FEHVsKwhtebdJ414SspxkpreWXGzo3KoR',
      '1FEHVsKwhtebdJ414SspxkpreWXGzo3Ko0',
      'LZTEm5dmnYtet6kAEas8EmtcritZ9aCeUW',
      'mukEnvQvWv5rQQXcn1rCng3BWW7yxb1MNT',
      // BIP 350: Bech32 where Bech32m is due, mixed case, a wrong length for version 0
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd',
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4',
      'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P',
    ],
    'bitcoin-cash-address': ['bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6b', 'bitcoincash:'],
    'ethereum-address': ['0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae'],
    'monero-address': [
      '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3B',
      'z'.repeat(95),
    ],
    'tracking-number': ['ABCDEFGHIJ', '1234567', 'RR123456785BR!'],
    'phone-number': ['11912345678', '+0123456789', '+1234567890123456'],
    cpe: ['cpe:2.3:a:b', 'cpe:2.4:a:v:p:1:*:*:*:*:*:*:*', 'v:p'],
    vulnerability: ['CVE-21-44228', 'CVE-2021-1', '2021-44228'],
    weakness: ['CWE-0', '79'],
    'sigma-rule': ['title: a'],
    'stix-pattern': ['url'],
  })
})

t.test('a message names what is wrong and repeats at most 60 characters', async (t) => {
  const fault = faultOf('ipv4-prefix', '192.0.2.77/24')
  t.match(fault.message, '192.0.2.0/24')
  const long = faultOf('domain-name', `${'😀'.repeat(100)} `.trim())
  t.notMatch(long.message, '😀'.repeat(31))
  t.notMatch(long.message, /\p{Surrogate}/u)
  t.notMatch(faultOf('payment-card', '4111111111111112').message, '4111', 'a card number is not repeated at all')
})

t.test('refuses what could not be stored or shown', async (t) => {
  refusals(t as Tap, 'invalid_text', {
    'user-agent': ['a\u0000b', 'a\nb', 'a\u0085b', 'a\ud800b'],
    filename: ['a\u0007.exe'],
    url: ['http://evil.example/\ta'],
    text: ['a\u0000b', 'a\udfff'],
  })
  refusals(t as Tap, 'invalid_value', {
    text: ['', ' \n ', 'a'.repeat(limits.valueCharacters + 1)],
    url: [`http://evil.example/${'é'.repeat(limits.valueCharacters / 2)}`],
  })
})

t.test('refuses types that are not shared, whatever the value, and types nobody knows', async (t) => {
  for (const [type, reason] of refusedTypes) {
    const fault = faultOf(type, 'anything')
    t.equal(fault.code, 'refused_type', type)
    t.match(fault.message, reason)
    t.notOk(observableTypes.has(type), `${type} is not in the table`)
  }
  const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIE'
  t.equal(faultOf('text', key).code, 'refused_type', 'a private key under another name')
  refusals(t as Tap, 'unknown_type', { ipv4: ['192.0.2.1'], '': ['x'], constructor: ['x'] })
})
