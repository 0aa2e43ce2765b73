import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { run } from '../src/cli/main.ts'
import { readConfig } from '../src/config.ts'
import { loadWarninglists } from '../src/warninglist-files.ts'
import { folderWith } from './cli-fake-node.ts'
import { testNode } from './node.ts'

t.setTimeout(120_000)

async function puente(environment: NodeJS.ProcessEnv, argv: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await run(argv, () => ({
    ...readConfig(environment),
    stdin: Readable.from([]),
    terminal: { out: false, err: false },
    print: (line) => void out.push(line),
    say: (line) => void err.push(line),
  }))
  return { code, out, err }
}

t.test('lists are saved, keyed, read and ended; warninglists are loaded and removed', async (t) => {
  const node = await testNode(t)
  await node.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = node.app.server.address() as AddressInfo
  const environment = {
    PUENTE_URL: `http://127.0.0.1:${port}`,
    PUENTE_API_KEY: node.as('camila.csirt-cl').authorization?.slice('Bearer '.length) ?? '',
    DATABASE_URL: node.databaseUrl,
  }
  const handling = {
    originator: 'cert-br',
    tlp: 'green',
    pap: 'green',
    organisations: [],
    communities: [],
    people: [],
    lawEnforcement: 'on-request',
    personalData: false,
    maskable: false,
    attribution: 'named',
  } as const
  await node.plant(handling, { type: 'domain-name', value: 'evil.example' })
  await node.plant(handling, { type: 'domain-name', value: 'known.example' })
  t.same((await puente(environment, ['blocklist', 'get', 'all.txt'])).out, ['evil.example\nknown.example'])
  t.equal((await puente(environment, ['blocklist', 'get', 'none.txt'])).code, 1)

  const file = { name: 'mine', type: 'hostname', list: ['known.example'], matching_attributes: ['domain'] }
  const folder = folderWith(t, {
    'mine.json': JSON.stringify(file),
    'regex.json': JSON.stringify({ ...file, type: 'regex' }),
  })
  mkdirSync(path.join(folder, 'deep'))
  writeFileSync(path.join(folder, 'deep', 'list.json'), JSON.stringify({ ...file, name: 'deep' }))
  const loaded = await puente(environment, ['warninglist', 'load', '--json', folder])
  t.equal(loaded.code, 1, 'one was refused')
  t.match(
    loaded.out.map((line) => JSON.parse(line)),
    [{ name: 'deep', changed: true }, { name: 'mine', entries: 1, changed: true }, { refused: /regular expressions/ }],
  )
  t.equal((await puente(environment, ['warninglist', 'load', path.join(folder, 'none.json')])).code, 2)
  t.same((await puente(environment, ['blocklist', 'get', 'all.txt'])).out, ['evil.example'])
  const listed = await puente(environment, ['warninglist', 'list', '--json'])
  t.same(
    listed.out.map((line) => JSON.parse(line).name),
    ['deep', 'mine'],
  )
  for (const name of ['deep', 'mine']) t.equal((await puente(environment, ['warninglist', 'remove', name])).code, 0)
  t.equal((await puente(environment, ['warninglist', 'remove', 'mine'])).code, 1)
  for await (const { changed } of loadWarninglists(node.context, [path.join(folder, 'mine.json')]))
    t.equal(changed, true)
  for await (const { changed } of loadWarninglists(node.context, [path.join(folder, 'mine.json')]))
    t.equal(changed, false, 'loading it again changes nothing')

  const create = ['blocklist', 'create', '--json', '--name', 'x', '--type', 'domain-name', '--tlp', 'green']
  const { id } = JSON.parse((await puente(environment, create)).out[0] ?? '')
  const key = await puente(environment, ['blocklist', 'add-key', id])
  const [, url = ''] = key.out
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+\/v1\/blocklists\/list-[0-9a-f]{12}\.txt\?key=puente-list_/)
  t.equal(await (await fetch(url)).text(), 'evil.example\n')
  const keyId = key.out[0]?.replace('# key ', '') ?? ''
  t.match((await puente(environment, ['blocklist', 'list'])).out[1], keyId)
  t.same((await puente(environment, ['blocklist', 'revoke-key', keyId])).out, [`revoked ${keyId}`])
  t.equal((await fetch(url)).status, 401)
  t.same((await puente(environment, ['blocklist', 'remove', id])).out, [`removed ${id}`])
})
