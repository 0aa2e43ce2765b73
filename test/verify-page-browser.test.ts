import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { auditKey } from '../src/actions/integrate-audit.ts'
import { verifyPackage } from '../src/cli/export/verify-package.ts'
import { formatKey } from '../src/seal/note.ts'
import { handling } from './api/graphql.ts'
import { chromium, openTab } from './chromium.ts'
import { approvedRequest, legalNode } from './legal.ts'
import { packageOf } from './packages.ts'

/** The page that checks a package, in a real browser, from a disk. */

t.setTimeout(240_000)

const without = chromium === undefined ? { skip: 'no Chromium is installed' } : {}

t.test('a package holds, and one with a byte changed does not', without, async (t) => {
  const node = await legalNode(t)
  for (let n = 1; n <= 3; n++)
    await node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: `192.0.2.${n}` })
  const bytes = await packageOf(node, await approvedRequest(node))
  const folder = t.testdir({})
  const [whole, changed] = [path.join(folder, 'whole.zip'), path.join(folder, 'changed.zip')]
  writeFileSync(whole, bytes)
  const at = bytes.length >> 1
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  writeFileSync(changed, copy)

  const page = await openTab(t, pathToFileURL(path.resolve('dist/verify-package.html')).href)
  t.equal(
    await page.evaluate('isSecureContext'),
    true,
    'a page from a disk may use the digests and signatures of the browser',
  )
  const check = async (file: string) => {
    await page.choose('#file', file)
    return await page.evaluate(`(async () => {
      const by = (id) => document.getElementById(id)
      by('key').value = ${JSON.stringify(formatKey(auditKey(node.context)))}
      by('result').className = ''
      by('check').click()
      for (let n = 0; n < 600 && !['holds', 'fault'].includes(by('result').className); n++) await new Promise((r) => setTimeout(r, 50))
      return { state: by('result').className, said: by('result').textContent, faults: [...by('faults').children].map((e) => e.textContent) }
    })()`)
  }
  t.strictSame(await check(whole), { state: 'holds', said: 'It holds.', faults: [] })
  t.match(await page.evaluate('document.body.textContent'), 'RUC 2600000001-1')
  const { faults } = await verifyPackage(copy, auditKey(node.context))
  t.strictSame(await check(changed), {
    ...{ state: 'fault', said: 'It does not hold:' },
    faults: faults.map(({ where, what }) => `${where}: ${what}`),
  })
  t.ok(faults.length > 0, faults.map(({ where }) => where).join(' '))
  t.notMatch(await page.evaluate('document.body.textContent'), 'RUC 2600000001-1', 'what does not hold is not repeated')
  t.strictSame(await check(whole), { state: 'holds', said: 'It holds.', faults: [] }, 'and again')
  t.strictSame(page.complaints, [], 'its own policy lets it do all that it does')
  const refused = await page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
  t.equal(refused, 'refused')
  t.match(page.complaints.join(' '), /Content Security Policy/, 'and reaches nothing')
})
