/** Every type of observable with spellings of its values, and what they become. */

const hex = (digits: number): string => '0123456789abcdef'.repeat(8).slice(0, digits)
const HEX = (digits: number): string => hex(digits).toUpperCase()

/** `type: text → canonical form`, or `→ type value` where the value turns out to be of another type. */
const table = String.raw`
url: mail.evil.com → domain-name mail.evil.com
url: 192.0.2.1 → ipv4-address 192.0.2.1
ipv4-address: 192[.]0[.]2[.]1 → 192.0.2.1
ipv4-address: 192.0.2.1/32 → 192.0.2.1
ipv4-address: ::ffff:192.0.2.1 → 192.0.2.1
ipv6-address: 2001:DB8:0:0:1:0:0:1 → 2001:db8::1:0:0:1
ipv6-address: 2001:db8:0:1:1:1:1:1
ipv6-address: 0:0:0:0:0:0:0:0 → ::
ipv6-address: 2001:0db8::0001/128 → 2001:db8::1
ipv6-address: ::ffff:c000:201 → ipv4-address 192.0.2.1
ipv4-prefix: 192.0.2.0/24
ipv4-prefix: 192.0.2.1/32 → ipv4-address 192.0.2.1
ipv4-prefix: ::ffff:192.0.2.0/120 → 192.0.2.0/24
ipv6-prefix: 2001:DB8::/32 → 2001:db8::/32
ipv6-prefix: 2001:db8::1/128 → ipv6-address 2001:db8::1
ip-address: 192.0.2.1 → ipv4-address 192.0.2.1
ip-address: 2001:db8::/32 → ipv6-prefix 2001:db8::/32
ip-port: 192.0.2.1:443
ip-port: 192.0.2.1|00443 → 192.0.2.1:443
ip-port: [2001:DB8::1]:443 → [2001:db8::1]:443
ip-port: 2001:db8::1|443 → [2001:db8::1]:443
host-port: C2[.]example|8080 → c2.example:8080
host-port: 192.0.2.1:80 → ip-port 192.0.2.1:80
port: 0443 → 443
autonomous-system: as64512 → AS64512
autonomous-system: 64512 → AS64512
autonomous-system: AS1.10 → AS65546
autonomous-system: AS4294967295
bgp-prefix-origin: 192.0.2.0/24|64496 → 192.0.2.0/24 AS64496
mac-address: 00-00-5E-00-53-01 → 00:00:5e:00:53:01
mac-address: 0000.5e00.5301 → 00:00:5e:00:53:01
mac-eui-64: 00-00-5E-EF-10-00-00-01 → 00:00:5e:ef:10:00:00:01
community-id: 1:LQU9qZlK+B5F3KDmev6m5PMibrg=
domain-name: Evil.Example. → evil.example
domain-name: münchen.de → xn--mnchen-3ya.de
domain-name: faß。de → xn--fa-hia.de
domain-name: _dmarc.evil.example
domain-name: www.3WNQF6EJRBG3COVROKLFXCDXTFSKSXINKN3XCUIFNAFMG2HE2DJSALYD.ONION → onion-address www.3wnqf6ejrbg3covroklfxcdxtfsksxinkn3xcuifnafmg2he2djsalyd.onion
hostname: LOCALHOST → localhost
hostname: srv_1.evil[dot]example → srv_1.evil.example
onion-address: 3wnqf6ejrbg3covroklfxcdxtfsksxinkn3xcuifnafmg2he2djsalyd.onion
onion-address: expyuzz4wqqyqhjn.onion
url: hxxps[:]//Evil[.]example:443/A/../b%2F?Q=é#F → https://evil.example/b%2F?Q=%C3%A9#F
url: HTTP://User:Pa%3Ass@MÜNCHEN.de. → http://User:Pa%3Ass@xn--mnchen-3ya.de/
url: http://0x7f.1/ → http://127.0.0.1/
url: ssh://Root@[2001:DB8:0::1]:22 → ssh://Root@[2001:db8::1]
url: ldap://münchen.de:1389/o=x → ldap://xn--mnchen-3ya.de:1389/o=x
url: https://evil.example/a[.]b
dns-record: Evil[.]example.com. 300 IN a 192[.]0[.]2[.]1 → evil.example.com A 192.0.2.1
dns-record: evil.example.com AAAA 2001:DB8::0001 → evil.example.com AAAA 2001:db8::1
dns-record: evil.example.com  IN  MX  010  Mail.Example.COM. → evil.example.com MX 10 mail.example.com
dns-record: _sip._tcp.example.com SRV 0 5 5060 sip.example.com
dns-record: 1.2.0.192.in-addr.arpa PTR c2.example.com
dns-record: example.com TXT "v=spf1 -all"
dns-record: example.com DS 60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118 → example.com DS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118
http-header: X-Beacon:  id=1 → x-beacon: id=1
tracking-number: rr 123-456 785 br → RR123456785BR
url-path: /gate.php?id=1
url-path: http://evil.example → url http://evil.example/
x509-serial-number: 00:4C:0B → 4c0b
x509-serial-number: 0x0 → 0
ja4: t13d1516h2_8daaf6152771_e5627efa2ab1
ja4s: t130200_1301_A56C5B993250 → t130200_1301_a56c5b993250
ja4h: ge11cn20enus_60ca1bd65281_ac95b44401d9_8df6a44f726c
ja4x: 2166164053c1_2166164053c1_30d204a01551
ssh-fingerprint: SHA256:uNiVztksCsDhcc0u9e8BrFJ4hgeKYZlfIbYVHuoJHyA= → SHA256:uNiVztksCsDhcc0u9e8BrFJ4hgeKYZlfIbYVHuoJHyA
ssh-fingerprint: MD5:0123456789ABCDEF0123456789ABCDEF → 01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef
favicon-mmh3: -0247388890 → -247388890
favicon-mmh3: 4294967295 → -1
http-method: POST
browser-extension-id: AAPBDBDOMJKKJKAONFHKKIKFGJLLCLEB → aapbdbdomjkkjkaonfhkkikfgjllcleb
ssdeep: 768:mvAFYk0IOq+/Ab:cDIOqctz2r,"a.exe" → 768:mvAFYk0IOq+/Ab:cDIOqctz2r
impfuzzy: 24:cfCfDqp:cfCf
vhash: 0150466D1D155Az!z → 0150466d1d155az!z
torrent-info-hash: 0123456789ABCDEF0123456789ABCDEF01234567 → 0123456789abcdef0123456789abcdef01234567
torrent-info-hash: magnet:?dn=a.zip&xt=urn:btih:AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT&tr=x → 000102030405060708090a0b0c0d0e0f10111213
filename: C:\Temp\.git\a.exe → file-path C:\Temp\.git\a.exe
file-path: /tmp/store
file-path: a.exe → filename a.exe
directory: C:\Temp\ → C:\Temp
directory: C:\
directory: /
mime-type: Application/X-DOSexec → application/x-dosexec
named-pipe: \\HOST\pipe\Evil → \\.\pipe\Evil
named-pipe: Evil → \\.\pipe\Evil
registry-key: hklm\\Software\Évil\ → HKEY_LOCAL_MACHINE\Software\Évil
registry-key: HKCU:\Software → HKEY_CURRENT_USER\Software
registry-key: \REGISTRY\USER\S-1-5-21 → HKEY_USERS\S-1-5-21
registry-key: HKCU: \Software → HKEY_CURRENT_USER\Software
registry-key: HKLMX\Software
registry-key: SYSTEM\Services
cpe: cpe:2.3:a:Vendor:pro\:duct:1.0:*:*:*:*:*:*:* → cpe:2.3:a:vendor:pro\:duct:1.0:*:*:*:*:*:*:*
cpe: cpe:/a:vendor:product:1.0
package-url: PKG:NPM/Left-Pad@1.3.0 → pkg:npm/Left-Pad@1.3.0
container-image: docker.io/library/alpine:3.20
github-repository: https://github.com/evil/kit/ → evil/kit
mobile-application-id: com.example.App
azure-application-id: 00000003-0000-0000-C000-000000000000 → 00000003-0000-0000-c000-000000000000
vulnerability: cve-2021-44228 → CVE-2021-44228
vulnerability: ghsa-JFH8-c2jp-5v3q → GHSA-jfh8-c2jp-5v3q
weakness: cwe-79 → CWE-79
email-address: mailto:Ana.Silva[@]MÜNCHEN[.]de → Ana.Silva@xn--mnchen-3ya.de
email-address: josé@example.com
email-message-id: <2013.u1B@mail.example> → 2013.u1B@mail.example
jabber-id: Ana@Jabber.example/home → ana@jabber.example
twitter-id: @Ana_1 → Ana_1
telegram-id: https://t.me/evil_bot → evil_bot
github-username: evil-kit
phone-number: +55 (11) 91234-5678 → +5511912345678
phone-number: 0049.30.123456 → +4930123456
pgp-fingerprint: 0123456789abcdef0123456789abcdef01234567 → 0123456789ABCDEF0123456789ABCDEF01234567
iban: de89 3704 0044 0532 0130 00 → DE89370400440532013000
iban: GB82-WEST-1234-5698-7654-32 → GB82WEST12345698765432
bic: deutdeffxxx → DEUTDEFF
bic: DEUTDEFF500
bank-account: 12-3456-7890 → 1234567890
aba-routing-number: 021000021
payment-card: 4111 1111 1111 1111 → 4111111111111111
card-bin: 411111
bitcoin-address: 1FEHVsKwhtebdJ414SspxkpreWXGzo3KoQ
bitcoin-address: BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4 → bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4
bitcoin-address: bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0
bitcoin-address: qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a → bitcoin-cash-address bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a
bitcoin-cash-address: BITCOINCASH:QPM2QSZNHKS23Z7629MMS6S4CWEF74VCWVY22GDX6A → bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a
litecoin-address: LZTEm5dmnYtet6kAEas8EmtcritZ9aCeUW
dogecoin-address: DKNP38Gb1JYtAJEbo2sPWWzTXeFaNoNJNv
dash-address: Xpv8L7yqfbsBnEeavLC3pHWeUr6y5jzHob
zcash-address: t1Y6tWCk5gDSCDw6tzsgx6ZvmuAiMkZ29sU
tron-address: TQCVVvhfrcmYnU7deiXYUuWzZJGbAxGiuL
ethereum-address: 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed → 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed
ethereum-address: 0x0123456789ABCDEF0123456789ABCDEF01234567 → 0x0123456789abcdef0123456789abcdef01234567
monero-address: 44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A
snort-rule: alert tcp any any -> any any (sid:1;)
suricata-rule: drop dns any any -> any any (sid:1;)
stix-pattern: [url:value = 'http://a.example/']
attack-pattern: t1059.001 → T1059.001
`

/** Types that are hexadecimal digits, by how many. */
const digits: Record<number, string> = {
  32: 'x509-fingerprint-md5 ja3 ja3s hassh hassh-server dom-hash md5 imphash',
  40: 'tor-relay x509-fingerprint-sha1 sha1 pehash cdhash git-commit',
  56: 'sha224 sha512-224 sha3-224',
  62: 'jarm',
  64: 'x509-fingerprint-sha256 sha256 sha512-256 sha3-256 authentihash',
  96: 'sha384 sha3-384',
  128: 'sha512 sha3-512',
}

/** Types that are one line of any text, and of several. */
const lines =
  'registrar registrant x509-subject x509-issuer user-agent http-cookie server-banner pdb-path mutex registry-value ' +
  'registry-value-name command-line scheduled-task windows-service windows-service-display-name software ' +
  'email-display-name email-subject email-x-mailer email-mime-boundary email-thread-index dkim user-account ' +
  'user-display-name malware-family threat-actor campaign persona device-model'
const blocks = 'email-body email-header dkim-signature zeek-script kusto-query splunk-query file-pattern text'

/** Type → texts with the canonical form of each. */
export const forms: Record<string, [string, string][]> = {}

function expect(types: string, text: string, canonical = text): void {
  for (const type of types.split(' ')) forms[type] = [...(forms[type] ?? []), [text, canonical]]
}

for (const row of table.trim().split('\n')) {
  const colon = row.indexOf(': ')
  const [text = '', canonical] = row.slice(colon + 2).split(' → ')
  expect(row.slice(0, colon), text, canonical)
}
for (const [length, types] of Object.entries(digits)) expect(types, HEX(Number(length)), hex(Number(length)))
expect(lines, 'Cafe\u0301  Ltd. ', 'Café  Ltd.')
expect(blocks, 'one\r\n\ttwo\r\n', 'one\n\ttwo')
expect('ipv4-address', ' 192.0.2.1\n', '192.0.2.1')
expect('filename', 'cafe\u0301.exe', 'café.exe')
expect('tlsh', hex(70), `T1${HEX(70)}`)
expect('tlsh', `t1${HEX(70)}`, `T1${HEX(70)}`)
expect('telfhash', `T1${HEX(70)}`, `t1${hex(70)}`)
expect('yara-rule', 'rule a {\r\n condition: true }', 'rule a {\n condition: true }')
expect('sigma-rule', 'title: a\ndetection:\n  x: 1')
expect(
  'pgp-public-key',
  '-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\nmQEN',
  '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQEN',
)
