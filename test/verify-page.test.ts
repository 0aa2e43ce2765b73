import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Window } from 'happy-dom'
import t, { type Test } from 'tap'
import { auditKey } from '../src/actions/integrate-audit.ts'
import { verifyPackage } from '../src/cli/export/verify-package.ts'
import type { PackageFile } from '../src/domain/export.ts'
import { limits } from '../src/domain/limits.ts'
import { readZip, writeZip } from '../src/formats/export-zip.ts'
import { formatKey, type NoteKey } from '../src/seal/note.ts'
import { handling } from './api/graphql.ts'
import { approvedRequest, legalNode } from './legal.ts'
import { packageOf } from './packages.ts'

/** The page that checks a package, run as a browser runs it: a document from a disk, and no network. */

t.setTimeout(240_000)

const html = readFileSync('dist/verify-package.html', 'utf8')

interface Page {
  /** Chooses a file and a key, presses the button, and reads what the page says. */
  readonly check: (bytes: Uint8Array, key: string) => Promise<{ state: string; said: string; faults: string[] }>
  readonly text: () => string
  readonly choose: (language: string) => void
}

async function openPage(t: Test): Promise<Page> {
  const window = new Window({
    url: 'file:///media/usb/verify-package.html',
    settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true },
  })
  t.teardown(() => window.happyDOM.close())
  const { document } = window
  document.write(html)
  const byId = (id: string) => {
    const found = document.getElementById(id)
    if (found === null) throw new Error(`no ${id}`)
    return found
  }
  return {
    text: () => document.body.textContent,
    choose: (language) => {
      Object.assign(byId('language'), { value: language })
      byId('language').dispatchEvent(new window.Event('change'))
    },
    check: async (bytes, key) => {
      const files = [new window.File([Buffer.from(bytes)], 'package.zip')]
      Object.defineProperty(byId('file'), 'files', { value: files, configurable: true })
      Object.assign(byId('key'), { value: key })
      byId('check').dispatchEvent(new window.MouseEvent('click', { bubbles: true, cancelable: true }))
      await window.happyDOM.waitUntilComplete()
      const faults = [...byId('faults').children].map(({ textContent }) => textContent)
      return { state: byId('result').className, said: byId('result').textContent, faults }
    },
  }
}

t.test('it says of a package what the command line says', async (t) => {
  const node = await legalNode(t)
  const onRequest = handling('csirt-cl', { tlp: 'green' })
  for (let n = 1; n <= 3; n++) await node.plant(onRequest, { type: 'ipv4-address', value: `192.0.2.${n}` })
  const bytes = await packageOf(node, await approvedRequest(node))
  const key = auditKey(node.context)
  const page = await openPage(t)

  t.strictSame(await page.check(bytes, formatKey(key)), { state: 'holds', said: 'It holds.', faults: [] })
  t.match(page.text(), 'RUC 2600000001-1')
  t.match(page.text(), createHash('sha256').update(bytes).digest('hex'))

  let seed = 3
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  for (let n = 0; n < 60; n++) {
    const [at, copy] = [next(bytes.length), Buffer.from(bytes)]
    copy[at] = (copy[at] ?? 0) ^ (1 << next(8))
    t.equal(await saidByBoth(t, page, copy, key), 'fault', `byte ${at}`)
    t.notMatch(page.text(), 'RUC 2600000001-1', 'what does not hold is not repeated')
  }
})

t.test('names and texts that are no UTF-8 are told alike, and no name is that no package has', async (t) => {
  const node = await legalNode(t)
  await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.1' })
  const bytes = await packageOf(node, await approvedRequest(node))
  const key = auditKey(node.context)
  const page = await openPage(t)

  const long = Buffer.from(bytes)
  long.writeUInt16LE(900, 26)
  t.equal(await saidByBoth(t, page, long, key), 'fault')
  t.strictSame((await verifyPackage(long, key)).faults, [{ where: 'package', what: 'the file at byte 0 has no end' }])

  // Sequences cut short, overlong, of surrogates, and past the last character, where an id begins.
  for (const malformed of ['f09f98', 'f0808080', 'eda080', 'f5808080', 'c0af', 'e2e28241']) {
    const entries = [...readZip(bytes, limits.exportBytes)].map(([name, content]) => ({
      name: name as PackageFile,
      parts: [
        name === 'manifest.json'
          ? withIdOf(content, malformed)
          : name === 'indicators.ndjson'
            ? Buffer.concat([Buffer.from(' '), content])
            : content,
      ],
    }))
    const written: Uint8Array[] = []
    for await (const part of writeZip(entries)) written.push(part)
    const { faults } = await verifyPackage(Buffer.concat(written), key)
    t.match(faults.map(({ where }) => where).join(), /indicators\.ndjson:1 .*\u{fffd}/u, 'the id is told')
    t.equal(await saidByBoth(t, page, Buffer.concat(written), key), 'fault', malformed)
  }
})

/** A manifest whose first item has an id that begins with these bytes (hex). */
function withIdOf(manifest: Uint8Array, malformed: string): Uint8Array {
  const text = Buffer.from(manifest).toString('latin1')
  const at = text.indexOf('"id":"', text.indexOf('"items":')) + 6
  const id = Buffer.from(malformed, 'hex').toString('latin1')
  return Buffer.from(`${text.slice(0, at)}${id}${text.slice(at + id.length)}`, 'latin1')
}

/** What the page and the command line make of a package, which must be the same. */
async function saidByBoth(t: Test, page: Page, bytes: Uint8Array, key: NoteKey): Promise<string> {
  const { faults } = await verifyPackage(bytes, key)
  const found = await page.check(bytes, formatKey(key))
  t.strictSame(
    found.faults,
    faults.map(({ where, what }) => `${where}: ${what}`),
  )
  return found.state
}

t.test('it believes no other key, and says what is no file and no key', async (t) => {
  const node = await legalNode(t)
  await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: '192.0.2.1' })
  const bytes = await packageOf(node, await approvedRequest(node))
  const other = await legalNode(t)
  const page = await openPage(t)
  const strange = await page.check(bytes, formatKey(auditKey(other.context)))
  t.equal(strange.state, 'fault')
  t.match(strange.faults[0], /^manifest.json: /)
  t.match(await page.check(Buffer.from('no zip'), formatKey(auditKey(node.context))), {
    faults: ['package: this is no package'],
  })
  t.match(await page.check(bytes, '<img src=x onerror=alert(1)>'), { state: 'fault', said: /^This is no key: / })
  page.choose('es')
  t.match(page.text(), 'Verificar un paquete')
  t.match(await page.check(bytes, formatKey(auditKey(node.context))), { said: 'Es íntegro.' })
  page.choose('pt')
  t.match(page.text(), 'Verificar um pacote')
})

t.test('the command line writes it, and over nothing', async (t) => {
  const file = path.join(t.testdir({}), 'page.html')
  const page = () => {
    const { status, stderr } = spawnSync(process.execPath, ['bin/puente.js', 'export', 'page', file], {
      encoding: 'utf8',
    })
    return { status, stderr }
  }
  t.match(page(), { status: 0 })
  t.equal(readFileSync(file, 'utf8'), html)
  t.match(page(), { status: 2, stderr: /cannot be written/ }, 'what is there stays')
})

t.test('it is one file that runs nothing but itself and reaches nothing', async (t) => {
  const script = /<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? ''
  t.ok(script.length > 10_000)
  const digest = createHash('sha256').update(script).digest('base64')
  const policy = /content="(default-src [^"]+)"/.exec(html)?.[1] ?? ''
  t.match(policy, `script-src 'sha256-${digest}'`)
  t.match(policy, "default-src 'none'")
  t.notMatch(policy, /connect-src|unsafe|https?:/)
  t.notMatch(html, /\b(?:src|href)=/, 'nothing is loaded')
  const node = await legalNode(t)
  const answer = await node.call('anonymous', { method: 'GET', url: '/docs/verify-package.html' })
  t.equal(answer.status, 200)
  t.equal(answer.text, html)
  t.equal(answer.headers['content-security-policy'], policy, 'no other policy stands beside it')
})
