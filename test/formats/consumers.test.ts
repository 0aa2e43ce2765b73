import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import type { Observable } from '../../src/domain/observables/observable.ts'
import { blockableTypes } from '../../src/formats/blocklists/format.ts'
import { hostileTexts, written } from './blocklist-values.ts'
import { sharedData } from './sources.ts'

/** Blocklists load in the programs that are to read them; where one is not installed its test says so and is skipped. */

t.setTimeout(300_000)

const folder = mkdtempSync(path.join(tmpdir(), 'puente-blocklists-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string): string => {
  const place = path.join(folder, name)
  writeFileSync(place, text)
  return place
}

/** Where Debian puts daemons is on no user's path. */
const find = (program: string): string | undefined =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
    .map((place) => path.join(place, program))
    .find((place) => existsSync(place))

interface Ended {
  readonly code: number | null
  readonly said: string
}

function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder })
    let said = ''
    child.stdout.on('data', (piece) => {
      said += piece
    })
    child.stderr.on('data', (piece) => {
      said += piece
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** Names as people register them, one under another; addresses of ipsum where it is there; hashes. */
function goodValues(): Observable[] {
  const ipsum = sharedData('ipsum/ipsum.txt')
  const addresses =
    ipsum === undefined
      ? Array.from({ length: 1_000 }, (_, n) => `198.18.${n >> 8}.${n & 255}`)
      : readFileSync(ipsum, 'utf8')
          .split('\n')
          .filter((line) => /^\d/.test(line))
          .map((line) => line.split('\t', 1)[0] ?? '')
  const names = Array.from({ length: 2_000 }, (_, n) => [
    `bad-${n}.example`,
    `www.bad-${n}.example`,
    `_dmarc.a--b.bad-${n}.example.com`,
    `xn--mnchen-3ya.b${n}.example.org`,
  ]).flat()
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(30)}.example`
  return [
    ...addresses.map((value) => ({ type: 'ipv4-address', value })),
    { type: 'ipv4-prefix', value: '198.51.100.0/24' },
    { type: 'ipv4-address', value: '198.51.100.9' },
    { type: 'ipv6-prefix', value: '2001:db8::/32' },
    { type: 'ipv6-address', value: '2001:db8::1' },
    { type: 'ipv6-address', value: '3fff:0:1:2:3:4:5:6' },
    { type: 'ipv6-address', value: '::1:0:0:2' },
    ...[...names, long].map((value) => ({ type: 'domain-name', value })),
    ...names.slice(0, 500).map((_, n) => ({ type: 'sha256', value: n.toString(16).padStart(64, '0') })),
    { type: 'sha1', value: 'da39a3ee5e6b4b0d3255bfef95601890afd80709' },
    { type: 'md5', value: 'd41d8cd98f00b204e9800998ecf8427e' },
    { type: 'url', value: 'https://bad.example/login?a=1;b' },
  ]
}

const good = goodValues()
const hostile = [...good, ...blockableTypes.flatMap((type) => hostileTexts.map((value) => ({ type, value })))]

/** Loads a list of real values, and one with hostile ones among them, which must count the same. */
function loads(
  program: string,
  extension: string,
  load: (place: string, program: string, t: Test, text: string) => Promise<Ended | 'skipped'>,
): void {
  const found = find(program)
  t.test(
    `${extension} loads in ${program}`,
    found === undefined ? { skip: `${program} is not installed` } : {},
    async (t) => {
      const [plain, mixed] = [await written(extension, good, 1_000), await written(extension, hostile, 1_000)]
      t.ok(plain.tally.values > 0, `${plain.tally.values} values`)
      t.ok(mixed.tally.invalid > 50, `${mixed.tally.invalid} hostile ones left out`)
      for (const [name, { text }] of Object.entries({ plain, mixed })) {
        const ended = await load(file(`${name}.${extension}`, text), found ?? '', t, text)
        if (ended === 'skipped') return
        t.equal(ended.code, 0, `${name}: ${ended.said.slice(0, 500)}`)
      }
    },
  )
}

loads('named-checkzone', 'rpz', async (place, program, t, text) => {
  const ended = await run(program, ['blocklist.rpz', place])
  t.match(ended.said, /\nOK/)
  t.match(ended.said, /loaded serial 1790000000/)
  const dumped = await run(program, ['-D', '-o', '-', 'blocklist.rpz', place])
  t.equal(
    dumped.said.split('\n').filter((line) => line.includes('CNAME')).length,
    text.split('\n').filter((line) => line.includes('CNAME')).length,
    'record by record',
  )
  return ended
})

loads('unbound-checkconf', 'unbound', (place, program) =>
  run(program, [
    file('unbound.conf', `server:\n  chroot: ""\n  directory: "${folder}"\n  username: ""\ninclude: "${place}"\n`),
  ]),
)

/** Unbound reads the zone that BIND does. */
loads('unbound-checkconf', 'rpz', (place, program) =>
  run(program, [
    file(
      'unbound-rpz.conf',
      `server:\n  chroot: ""\n  directory: "${folder}"\n  username: ""\n  module-config: "respip validator iterator"\nrpz:\n  name: blocklist.rpz\n  zonefile: "${place}"\n`,
    ),
  ]),
)

loads('nft', 'nft', async (place, program, t) => {
  const able = await run(program, ['-c', '-f', '-'], 'add table inet puente\n')
  if (able.code !== 0) {
    t.comment(`nft may not ask the kernel here: ${able.said.split('\n')[0]}`)
    // The parser comes before the kernel is asked: it must have nothing to say.
    const parsed = await run(program, ['-c', '-f', place])
    t.notMatch(parsed.said, /syntax error|unexpected|conflicting|overlap/i, parsed.said.slice(0, 300))
    return 'skipped'
  }
  return await run(program, ['-c', '-f', place])
})

loads('ipset', 'ipset', async (_place, program, t, text) => {
  const able = await run(program, ['list', '-n'])
  if (able.code !== 0) {
    t.comment(`ipset may not ask the kernel here: ${able.said.split('\n')[0]}`)
    return 'skipped'
  }
  // In sets of the test's own, which are gone again afterwards.
  const named = file('own.ipset', text.replaceAll('puente', `puente-test-${process.pid}-`))
  const ended = await run(program, ['restore', '-f', named])
  for (const version of [4, 6]) await run(program, ['destroy', `puente-test-${process.pid}-${version}`])
  return ended
})

loads('squid', 'squid', async (place, program, t) => {
  const configuration = `http_port 127.0.0.1:3999\nacl blocked dstdomain "${place}"\nhttp_access deny blocked\nhttp_access deny all\nvisible_hostname test.example\npid_filename ${folder}/squid.pid\ncache_log ${folder}/cache.log\naccess_log none\n`
  const ended = await run(program, ['-k', 'parse', '-f', file('squid.conf', configuration)])
  t.notMatch(ended.said, /ERROR|FATAL|WARNING.*(subdomain|already)/, 'nothing is said about names under names')
  return ended
})

loads('haproxy', 'haproxy', (place, program) =>
  run(program, [
    '-c',
    '-f',
    file(
      'haproxy.cfg',
      `defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend test\n  bind 127.0.0.1:3998\n  acl blocked hdr(host),host_only,lower -m dom -f ${place}\n  http-request deny if blocked\n`,
    ),
  ]),
)

loads('haproxy', 'txt', async (_place, program) => {
  const networks = hostile.filter(({ type }) => type.startsWith('ip'))
  const place = file('addresses.txt', (await written('txt', networks, 1_000)).text)
  return await run(program, [
    '-c',
    '-f',
    file(
      'haproxy-ip.cfg',
      `defaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend test\n  bind 127.0.0.1:3998\n  http-request deny if { src -f ${place} }\n`,
    ),
  ])
})

loads('dnsmasq', 'dnsmasq', (place, program) => run(program, ['--test', `--conf-file=${place}`]))

loads('dnsmasq', 'hosts', (place, program) =>
  run(program, ['--test', '--conf-file=/dev/null', `--addn-hosts=${place}`]),
)

const clamav = (extension: string) =>
  loads('clamscan', extension, async (place, program, t, text) => {
    const ended = await run(program, ['--no-summary', '-d', place, file('innocent', 'nothing to see')])
    t.notMatch(ended.said, /Malformed|ERROR|Warning/i, ended.said.slice(0, 300))
    // A file whose hash is in the list is found: MD5 of nothing is in it, and a file of nothing is passed over.
    const found = 'a file that somebody warned of\n'
    const hash = createHash('md5').update(found).digest('hex')
    const own = file('own.hdb', text.replace('d41d8cd98f00b204e9800998ecf8427e', hash))
    const { code } = await run(program, ['--no-summary', '-d', own, file('found', found)])
    if (extension === 'hdb') t.equal(code, 1, 'a file whose hash is in the list is found')
    return ended
  })
clamav('hdb')
clamav('hsb')

loads('suricata', 'rules', (place, program) => run(program, ['-T', '-S', place, '-l', folder]))
