import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { migrate } from '../../src/store/migrate.ts'
import { enrolPublisher, gone, startServer } from '../server.ts'
import { ownPostgres, rowsOf } from './postgres.ts'

t.setTimeout(180_000)

/** A small file system of memory; undefined, with the reason, where this user may not mount one. */
function smallDisk(t: Test): { readonly folder: string } | { readonly why: string } {
  if (process.platform !== 'linux') return { why: 'tmpfs is of Linux' }
  const folder = mkdtempSync(path.join(tmpdir(), 'puente-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true })
    return {
      why: `no file system can be mounted here: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`,
    }
  }
  t.teardown(() => {
    execFileSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder }
}

t.test('a full disk: 503, nothing acknowledged is lost, and room helps', async (t) => {
  const postgres = await ownPostgres(t)
  const disk = smallDisk(t)
  if ('why' in disk) {
    t.pass(`skipped: ${disk.why}`)
    t.comment(`skipped: ${disk.why}`)
    return
  }
  if (postgres.account !== undefined) chownSync(disk.folder, postgres.account.uid, postgres.account.gid)
  await rowsOf(postgres.url, `create tablespace small location '${disk.folder}'`)
  await rowsOf(postgres.url, 'create database small tablespace small')
  const small = new URL(postgres.url)
  small.pathname = '/small'
  await migrate(small.href, 'migrations')
  const key = await enrolPublisher(small.href)
  const server = await startServer(t, small.href, { PUENTE_REQUESTS_PER_MINUTE: '1000000' })
  let n = 0
  const acknowledged: string[] = []
  const push = async (): Promise<Response> => {
    const values = Array.from({ length: 500 }, () => `n${n++}.full.example.com`)
    const answer = await fetch(`${server.url}/v1/indicators?tlp=green`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
      body: values.map((value) => `${JSON.stringify({ value, description: 'x'.repeat(500) })}\n`).join(''),
    })
    if (answer.status === 200) acknowledged.push(...values)
    return answer
  }
  let answer = await push()
  while (answer.status === 200 && n < 100_000) answer = await push()
  t.ok(acknowledged.length > 0, `${acknowledged.length} records until it was full`)
  for (let times = 0; times < 5; times++) {
    t.equal(answer.status, 503)
    t.ok(answer.headers.get('retry-after'))
    t.match(await answer.json(), { code: 'unavailable' })
    answer = await push()
  }
  const reading = await fetch(`${server.url}/v1/indicators?limit=10`, { headers: { authorization: `Bearer ${key}` } })
  t.ok([200, 503].includes(reading.status), `reading is answered ${reading.status}`)
  execFileSync('mount', ['-o', 'remount,size=256m', disk.folder])
  const later = await push()
  t.equal(later.status, 200, 'with more room it goes on by itself')
  server.child.kill('SIGTERM')
  await gone(server.child)
  const stored = new Set((await rowsOf(small.href, 'select value from indicator')).map(({ value }) => value))
  t.strictSame(acknowledged.filter((value) => !stored.has(value)).slice(0, 5), [], 'all that was acknowledged is there')
  const [counts] = await rowsOf(
    small.href,
    `select (select count(*) from indicator)::int - (select count(*) from feed)::int as unfed,
       (select count(*) from feed)::int - (select sum((subject::json->>'written')::int) from audit_subject where subject like '%"written"%')::int as unlogged`,
  )
  t.strictSame(counts, { unfed: 0, unlogged: 0 })
})
