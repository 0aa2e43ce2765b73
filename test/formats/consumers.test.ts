import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
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

/** What a resolver says of names: the code of the error, or `found`. */
async function resolved(resolver: Resolver, names: readonly string[]): Promise<string[]> {
  const ask = (name: string) =>
    resolver.resolve4(name).then(
      () => 'found',
      (error: { code: string }) => error.code,
    )
  return await Promise.all(names.map(ask))
}

const unboundDaemon = find('unbound')
const withoutUnbound = unboundDaemon === undefined ? { skip: 'unbound is not installed' } : {}
t.test(
  'Unbound finds no name of a list, nothing under it, and nothing in a network of it',
  withoutUnbound,
  async (t) => {
    const names = ['evil.example', 'www.deep.evil-x.example'].map((value) => ({ type: 'domain-name', value }))
    const networks = [
      { type: 'ipv4-prefix', value: '192.0.2.0/24' },
      { type: 'ipv6-prefix', value: '2001:db8::/32' },
      { type: 'ipv6-address', value: '3fff:0:0:1::2' },
    ]
    const forms: Readonly<Record<string, (place: string) => string>> = {
      unbound: (place) => `include: "${place}"\n`,
      rpz: (place) => `rpz:\n  name: blocklist.rpz\n  zonefile: "${place}"\n`,
    }
    const answering = await answeringServer(t)
    for (const [extension, included] of Object.entries(forms)) {
      const place = file(`daemon.${extension}`, (await written(extension, [...names, ...networks])).text)
      const port = await freePort()
      const configuration =
        `server:\n  interface: 127.0.0.1\n  port: ${port}\n  do-daemonize: no\n  use-syslog: no\n  chroot: ""\n  username: ""\n` +
        `  pidfile: ""\n  directory: "${folder}"\n  module-config: "respip iterator"\n  do-not-query-localhost: no\n` +
        `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${answering}\nremote-control:\n  control-enable: no\n${included(place)}`
      const child = spawn(unboundDaemon ?? '', ['-d', '-c', file(`daemon-${extension}.conf`, configuration)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      t.teardown(() => child.kill())
      await begun(child)
      const resolver = new Resolver({ timeout: 2_000, tries: 3 })
      resolver.setServers([`127.0.0.1:${port}`])
      const ask = (asked: readonly string[]) => resolved(resolver, asked)
      const blocked = ['evil.example', 'a.b.evil.example', 'www.deep.evil-x.example', 'x.www.deep.evil-x.example']
      t.strictSame(await ask(blocked), Array(4).fill('ENOTFOUND'), `${extension}: names`)
      const others = ['evil-x.example', 'deep.evil-x.example', 'notevil.example']
      t.strictSame(await ask(others), Array(3).fill('found'), `${extension}: everything else is found`)
      const inside = extension === 'rpz' ? 'ENOTFOUND' : 'found'
      t.strictSame(await ask(['inside.example']), [inside], `${extension}: answers in a network`)
      const ask6 = (name: string) =>
        resolver.resolve6(name).then(
          () => 'found',
          (error: { code: string }) => error.code,
        )
      t.strictSame(await Promise.all(['inside.example', 'one.example', 'outside.example'].map(ask6)), [
        inside,
        inside,
        'found',
      ])
      child.kill()
    }
  },
)

/** A name server that knows every name: `inside` is in the listed networks, `one` is the listed address. @returns its port */
async function answeringServer(t: Test): Promise<number> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.on('message', (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5
    const name = query.toString('latin1', 13, 13 + (query[12] ?? 0))
    const six = query.readUInt16BE(end - 4) === 28
    const v6 =
      name === 'inside'
        ? '20010db8000000000000000000000007'
        : name === 'one'
          ? '3fff0000000000010000000000000002'
          : '3fff0000000000010000000000000003'
    const data = Buffer.from(six ? v6 : name === 'inside' ? 'c0000207' : 'c6336401', 'hex')
    const head = Buffer.from(query.subarray(0, end))
    head.writeUInt16BE(0x8180, 2)
    for (const [place, count] of [
      [4, 1],
      [6, 1],
      [8, 0],
      [10, 0],
    ] as const)
      head.writeUInt16BE(count, place)
    const answer = Buffer.from([0xc0, 0x0c, 0, six ? 28 : 1, 0, 1, 0, 0, 0, 60, 0, data.length])
    socket.send(Buffer.concat([head, answer, data]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return socket.address().port
}

/** Resolves when Unbound says that it has started. */
function begun(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (piece) => {
      said += piece
      if (said.includes('start of service')) resolve()
    })
    child.on('close', () => reject(new Error(said)))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
