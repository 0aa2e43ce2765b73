import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import ipaddr from 'ipaddr.js'
import t, { type Test } from 'tap'
import { accounts, agreements, clients, communities, operator, organisations } from '../src/cli/demo/cast.ts'
import { type DemoRecord, generate, shares } from '../src/cli/demo/generate.ts'
import { c2 } from '../src/cli/demo/scenes-sharing.ts'
import type { DemoAccount } from '../src/cli/demo/seed.ts'
import { checkRoles } from '../src/domain/account.ts'
import { inForce } from '../src/domain/agreement.ts'
import { parseAccountId, parseConstituencyEntry, parseSlug } from '../src/domain/enrolment.ts'
import { parseJurisdiction } from '../src/domain/jurisdiction.ts'
import { parseObservable } from '../src/domain/observables/parse.ts'
import { isRsitType } from '../src/domain/rsit.ts'
import { testDatabase } from './database.ts'

// four demos as processes of their own, on a machine that may be busy
t.setTimeout(300_000)

const now = new Date('2026-06-01T12:00:00.000Z')
const everything = shares.map(([organisation, count]) => ({
  organisation,
  records: generate(organisation, count, now),
}))
const all = everything.flatMap(({ records }) => records)

/** RFC 5737, RFC 3849, RFC 9637. */
const reservedNetworks = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'].map(
  ipaddr.parseCIDR,
)

const isReservedAddress = (text: string): boolean => {
  const address = ipaddr.parse(text)
  return reservedNetworks.some(([network, bits]) => address.kind() === network.kind() && address.match([network, bits]))
}

/** A name under example.com, .net, .org, or the names that RFC 2606 keeps for nobody. */
const isReservedName = (name: string): boolean =>
  /^([a-z0-9-]+\.)+(example\.(com|net|org)|example|test|invalid)$/.test(name)

const isReservedHost = (host: string): boolean =>
  /^[0-9.]+$/.test(host) ? isReservedAddress(host) : isReservedName(host)

/** For each type of the demo, whether a value can be nobody's. */
const reserved: Readonly<Record<string, (value: string) => boolean>> = {
  'ipv4-address': isReservedAddress,
  'ipv6-address': isReservedAddress,
  'ipv4-prefix': (value) => isReservedAddress(value.split('/')[0] ?? '') && Number(value.split('/')[1]) >= 24,
  'ip-port': (value) => isReservedAddress(value.slice(0, value.lastIndexOf(':'))),
  'domain-name': isReservedName,
  url: (value) => isReservedHost(new URL(value).hostname),
  'email-address': (value) => /^[a-z0-9.]+@example\.(com|net|org)$/.test(value),
  'autonomous-system': (value) => {
    const number = Number(value.slice(2))
    return (number >= 64_496 && number <= 64_511) || (number >= 65_536 && number <= 65_551)
  },
  sha256: (value) => /^[0-9a-f]{64}$/.test(value),
  sha1: (value) => /^[0-9a-f]{40}$/.test(value),
  md5: (value) => /^[0-9a-f]{32}$/.test(value),
}

t.test('every generated value is nobody’s, and what its type says', async (t) => {
  t.ok(all.length >= 2_900 && all.length <= 3_100, `${all.length} indicators`)
  const strangers = all.filter(({ type, value }) => reserved[type]?.(value) !== true)
  t.same(strangers, [])
  const changed = all.filter(({ type, value }) => {
    const parsed = parseObservable(type, value)
    return parsed.type !== type || parsed.value !== value
  })
  t.same(changed, [], 'all are canonical')
  t.same(new Set(all.map(({ type }) => type)), new Set(Object.keys(reserved)), 'every type is there')
})

t.test('the same organisation and instant give the same indicators', async (t) => {
  for (const { organisation, records } of everything) {
    const [, count = 0] = shares.find(([id]) => id === organisation) ?? []
    t.same(generate(organisation, count, now), records, organisation)
    t.equal(new Set(records.map(({ type, value }) => `${type} ${value}`)).size, count, `${organisation}: no two alike`)
  }
  t.notSame(everything[0]?.records[0], everything[1]?.records[0])
  const later = generate('cert-br', 10, new Date(now.getTime() + 1_000))
  t.not(later[0]?.lastSeen, everything[0]?.records[0]?.lastSeen, 'times follow the clock')
})

t.test('they are seen in the last thirty days and have a class', async (t) => {
  const oldest = now.getTime() - 30 * 86_400_000
  const wrong = all.filter(({ firstSeen, lastSeen, validFrom, ...record }) => {
    const [first, last] = [Date.parse(firstSeen), Date.parse(lastSeen)]
    const ordered = oldest <= first && first <= last && last < now.getTime() && validFrom === firstSeen
    return !ordered || !isRsitType(record.class) || record.confidence < 0 || record.confidence > 100
  })
  t.same(wrong, [])
})

t.test('the mix has every kind of handling, and each can be published by its originator', async (t) => {
  const wanted: Readonly<Record<string, (record: DemoRecord) => boolean>> = {
    clear: ({ tlp }) => tlp === 'clear',
    green: ({ tlp }) => tlp === 'green',
    'amber to a community': ({ tlp, audience }) => tlp === 'amber' && audience?.[0]?.startsWith('community:') === true,
    'amber to one team': ({ tlp, audience }) =>
      tlp === 'amber' && audience?.[0] !== undefined && !audience[0].includes(':'),
    'amber+strict': ({ tlp }) => tlp === 'amber+strict',
    red: ({ tlp, people }) => tlp === 'red' && people?.length === 1,
    anonymous: ({ attribution }) => attribution === 'anonymous',
    'personal data': ({ personalData }) => personalData === true,
    'ends later': ({ expiresAt }) => expiresAt !== undefined && Date.parse(expiresAt) > now.getTime(),
    'has ended': ({ expiresAt }) => expiresAt !== undefined && Date.parse(expiresAt) < now.getTime(),
    'released to some': ({ releasableTo }) => releasableTo !== undefined,
    'kept from some': ({ notReleasableTo }) => notReleasableTo !== undefined,
    'pap red': ({ pap }) => pap === 'red',
    'never for police': ({ lawEnforcement }) => lawEnforcement === 'never',
    'allowed for police': ({ lawEnforcement }) => lawEnforcement === 'allowed',
  }
  for (const [what, holds] of Object.entries(wanted)) t.ok(all.filter(holds).length >= 3, what)
  for (const { organisation, records } of everything) {
    const known = new Set(
      communities.filter(({ members }) => members.includes(organisation)).map(({ id }) => `community:${id}`),
    )
    const ids = new Set([operator, ...organisations].map(({ id }) => id))
    const people = new Set(accounts.map(({ id }) => id))
    const wrong = records.filter(
      ({ tlp, audience = [], people: named = [] }) =>
        !audience.every((item) => known.has(item) || ids.has(item)) ||
        !named.every((id) => people.has(id)) ||
        (tlp.startsWith('amber') ? audience.length === 0 : audience.length > 0) ||
        (tlp === 'red') !== named.length > 0,
    )
    t.same(wrong, [], organisation)
  }
  t.notOk(
    all.some(({ value }) => value.includes(c2)),
    'what the transcript publishes is new',
  )
})

t.test('the cast is one that a node takes', async (t) => {
  const members = [operator, ...organisations]
  const ids = members.map(({ id }) => id)
  for (const { id, jurisdiction, constituency } of members) {
    t.equal(parseSlug(id, '/id'), id)
    t.equal(parseJurisdiction(jurisdiction), jurisdiction)
    for (const entry of constituency) t.ok(parseConstituencyEntry(entry, '/entries'), `${id} ${entry.value}`)
  }
  for (const { id, roles, organisation } of accounts) {
    t.equal(parseAccountId(id, '/id'), id)
    t.same(checkRoles(roles), roles, `${id} may hold ${roles.join(', ')}`)
    t.ok(ids.includes(organisation) && id.endsWith(`.${organisation}`))
  }
  const mentioned = [...communities.flatMap((each) => each.members), ...clients.flatMap((each) => Object.values(each))]
  t.same(
    mentioned.filter((id) => !ids.includes(id)),
    [],
  )
  t.same(
    ids.filter((id) => !accounts.some(({ organisation }) => organisation === id)),
    [],
    'everybody has somebody',
  )
  const countries = organisations.filter(({ kind }) => kind === 'national-cert').map(({ jurisdiction }) => jurisdiction)
  t.ok(new Set(countries).size >= 4, 'national CERTs of four countries at least')
  t.equal(communities.filter(({ nodeCommunity }) => nodeCommunity === true).length, 1)
})

t.test('every agreement says that it is invented, and is in force', async (t) => {
  for (const agreement of agreements) {
    t.match(agreement, {
      name: /^Example .*\(invented for the demo\)$/,
      citation: /^Example .*\(invented for the demo\)$/,
      example: true,
    })
    t.ok(inForce(agreement, new Date()))
  }
})

/** Below `dist/test`, as below the root. */
const script = fileURLToPath(new URL('../../bin/puente.js', import.meta.url))

/** Runs `puente demo` with a data folder of its own. Must end within two minutes. */
function demo(t: Test, ...argv: readonly string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'puente-demo-test-'))
  // root's database runs as another account, which must be able to pass through
  chmodSync(folder, 0o711)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const env = { PATH: process.env.PATH, PUENTE_DATA: folder, PUENTE_PORT: '0' }
  const child = spawn(process.execPath, [script, 'demo', ...argv], {
    env,
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({
    code,
    out,
    err,
    left: readdirSync(folder),
  }))
  return { child, ended }
}

t.test(
  'demo --case --check plays a case from request to claw-back, as the README tells it',
  { timeout: 150_000 },
  async (t) => {
    const { code, out, err } = await demo(t, '--case', '--check').ended
    t.equal(code, 0, err)
    // What differs from run to run is the id of the request, and where in the package the bit is.
    const told = (text: string) =>
      text
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
        .replace(/of \d+ bytes/, 'of N bytes')
        .replace(/flipped: .*/, 'flipped: …')
    const readme = readFileSync('README.md', 'utf8')
    const [, shown = 'nothing'] = /^## A case\n[\s\S]*?^```\n(1\. [\s\S]*?)^```/m.exec(readme) ?? []
    t.ok(told(out).includes(told(shown).trimEnd()), 'README.md shows what it prints')
  },
)

t.test(
  'demo --federation --check plays three nodes of which one link is cut and healed, as the README tells it',
  { timeout: 150_000 },
  async (t) => {
    const { code, out, err, left } = await demo(t, '--federation', '--check').ended
    t.equal(code, 0, err)
    t.equal(err, '', 'the three nodes have nothing to say')
    // What differs from run to run: nodes, their keys, and how long it took.
    const told = (text: string) =>
      text
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
        .replace(/key [A-Za-z0-9_-]{43}/g, 'key …')
        .replace(/after \d+\.\d s/g, 'after N s')
    const readme = readFileSync('README.md', 'utf8')
    const [, shown = 'nothing'] = /^## Three countries\n[\s\S]*?^```\n(1\. [\s\S]*?)^```/m.exec(readme) ?? []
    t.ok(told(out).includes(told(shown).trimEnd()), `README.md shows what it prints: ${out}`)
    t.same(
      left.filter((name) => !name.startsWith('postgresql-')),
      [],
      'nothing is left',
    )
  },
)

t.test('a node of the federation demo ends when it has nothing to do, or the demo is gone', async (t) => {
  const preload = fileURLToPath(new URL('../src/cli/demo/federation/with-parent.js', import.meta.url))
  const child = (script: string) =>
    spawn(process.execPath, ['--import', preload, '--eval', script], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const idle = child('')
  t.same(await once(idle, 'exit'), [0, null], 'one that could not start is no riddle')
  const busy = child("setInterval(() => {}, 1_000); process.send('here')")
  await once(busy, 'message')
  busy.disconnect()
  t.same(await once(busy, 'exit'), [0, null], 'and none outlives the demo')
})

t.test('demo --check plays the whole transcript, leaves nothing and ends with 0', { timeout: 150_000 }, async (t) => {
  const { code, out, err, left } = await demo(t, '--check').ended
  t.equal(code, 0, err)
  t.match(out, /^9\. /m)
  t.match(out, /All 9 steps hold\.\n$/)
  t.notOk(out.includes('\u001b'), 'no colours on a pipe')
  t.equal(err, '')
  t.same(
    left.filter((name) => !name.startsWith('postgresql-')),
    [],
  )
})

t.test(
  'demo --json tells a machine its accounts in one line and runs until it is told to stop',
  { timeout: 150_000 },
  async (t) => {
    const { child, ended } = demo(t, '--json', '--database', await testDatabase(t))
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string]
    t.type(line, 'string', 'it did not end before it was ready')
    const { url, accounts: told } = JSON.parse(line) as { url: string; accounts: DemoAccount[] }
    t.equal(told.length, accounts.length + 2)
    for (const { id, organisation, country, roles, apiKey } of told) {
      const answer = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${apiKey}` } })
      const me = (await answer.json()) as { account: object; organisation: object }
      t.match(me, { account: { id, roles, organisation }, organisation: { jurisdiction: country } }, id)
    }
    const page = (await (await fetch(`${url}/v1/indicators?limit=1000`)).json()) as {
      items: { handling: { tlp: string } }[]
    }
    t.ok(
      page.items.length > 200 && page.items.every(({ handling }) => handling.tlp === 'clear'),
      'the public sees CLEAR',
    )
    child.kill('SIGTERM')
    const { code, out, err } = await ended
    t.equal(code, 0, err)
    t.equal(out, `${line}\n`)
  },
)
