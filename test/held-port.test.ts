import { createServer } from 'node:net'
import t from 'tap'
import { localUrl } from '../src/config-values.ts'
import { holdPort } from '../src/held-port.ts'
import { testDatabase } from './database.ts'
import { startServer } from './server.ts'

/** A node that takes a free port names itself by that port, since peers and tokens are made for the URL that it says. */

t.setTimeout(120_000)

const at = (host: string, port: number) => ({ host, port, issuer: localUrl({ host, port }) })

t.test('a free port is chosen before anything names it, and kept until it is freed', async (t) => {
  const { config, free } = await holdPort(at('127.0.0.1', 0), 'only this port')
  t.not(config.port, 0)
  t.equal(config.issuer, `http://127.0.0.1:${config.port}`)
  await t.rejects(listenAt(config.port), { code: 'EADDRINUSE' })
  await free()
  await free()
  await t.resolves(listenAt(config.port))

  const told = await holdPort({ ...at('127.0.0.1', 0), issuer: 'https://node.example' }, 'only this port')
  t.equal(told.config.issuer, 'https://node.example', 'a name that was given stays')
  await told.free()
})

t.test('a port that is given is that port, unless another will do', async (t) => {
  const { config: taken, free } = await holdPort(at('127.0.0.1', 0), 'only this port')
  t.strictSame((await holdPort(taken, 'only this port')).config, taken, 'whoever listens finds it taken')
  const other = await holdPort(taken, 'or a free one')
  t.not(other.config.port, taken.port)
  t.equal(other.config.issuer, `http://127.0.0.1:${other.config.port}`)
  await other.free()
  await free()
  const same = await holdPort(taken, 'or a free one')
  t.equal(same.config.port, taken.port, 'and the given one where it is free')
  await same.free()
  await t.rejects(holdPort(at('192.0.2.1', 0), 'only this port'), /192\.0\.2\.1:0 may not be used here/)
})

for (const processes of ['1', '2'])
  t.test(`puente serve with port 0 in ${processes} process(es) says where it answers`, async (t) => {
    const { url } = await startServer(t, await testDatabase(t), { PUENTE_PROCESSES: processes })
    t.notMatch(url, /:0$/)
    const answer = await fetch(`${url}/.well-known/puente`)
    t.equal(((await answer.json()) as { url: string }).url, url)
  })

function listenAt(port: number): Promise<void> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve()))
  })
}
