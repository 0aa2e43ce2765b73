// alone: it measures how much memory the process takes
import t from 'tap'
import { auditKey } from '../../src/actions/integrate-audit.ts'
import { verifyPackage } from '../../src/cli/export/verify-package.ts'
import type { PackageFile } from '../../src/domain/export.ts'
import { limits } from '../../src/domain/limits.ts'
import { readZip, writeZip, ZipError } from '../../src/formats/export-zip.ts'
import { approvedRequest, legalNode } from '../legal.ts'
import { packageOf } from '../packages.ts'
import { handling } from './graphql.ts'

/** Packages that somebody made up, or spelled otherwise: each has a fault where it lies, and none ends the check. */

t.setTimeout(240_000)

type Files = readonly (readonly [name: string, content: string])[]

async function zipOf(files: Files): Promise<Buffer> {
  const written: Uint8Array[] = []
  const entries = files.map(([name, content]) => ({ name: name as PackageFile, parts: [content] }))
  for await (const part of writeZip(entries)) written.push(part)
  return Buffer.concat(written)
}

const filesOf = (bytes: Uint8Array): Files =>
  [...readZip(bytes, limits.exportBytes)].map(([name, content]) => [name, Buffer.from(content).toString()])

/** Converts to no text: both ways to one are closed. */
const unspeakable = { toString: 1, valueOf: 1 }
const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`

t.test('each has a fault where it lies', async (t) => {
  const node = await legalNode(t)
  const plant = (n: number) =>
    node.plant(handling('csirt-cl', { tlp: 'green' }), { type: 'ipv4-address', value: `192.0.2.${n}` })
  for (let n = 1; n <= 8; n++) await plant(n)
  const request = await approvedRequest(node)
  const files = filesOf(await packageOf(node, request))
  await plant(9)
  const otherFiles = filesOf(await packageOf(node, request))
  const key = auditKey(node.context)
  const textOf = (of: Files, name: string) => of.find(([each]) => each === name)?.[1] ?? ''
  const proof = JSON.parse(textOf(files, 'audit-proof.json'))
  const other = JSON.parse(textOf(otherFiles, 'audit-proof.json'))
  const manifest = JSON.parse(textOf(files, 'manifest.json'))
  t.ok(proof.path.length > 0)

  const changed = (name: string, to: string): Files => files.map(([each, was]) => [each, each === name ? to : was])
  const proofed = (change: object) => changed('audit-proof.json', `${JSON.stringify({ ...proof, ...change })}\n`)
  const manifested = (change: object) => changed('manifest.json', JSON.stringify({ ...manifest, ...change }))
  const withPath = (spell: (step: string) => string) => proofed({ path: proof.path.map(spell) })
  const { text, subject, salt } = proof.leaf
  const forged: Record<string, readonly [Files, where: string]> = {
    'the place of another leaf, with no salt': [
      proofed({ ...other, leaf: { text: other.leaf.text, subject } }),
      'audit-proof.json',
    ],
    'the place of another leaf, with its salt': [
      proofed({ ...other, leaf: { text: other.leaf.text, subject, salt: other.leaf.salt } }),
      'audit-proof.json',
    ],
    'no subject': [proofed({ leaf: { text } }), 'audit-proof.json'],
    'a salt alone': [proofed({ leaf: { text, salt } }), 'audit-proof.json'],
    'something behind the salt': [proofed({ leaf: { text, subject, salt: `${salt} and` } }), 'audit-proof.json'],
    'capitals in the path': [withPath((step) => step.toUpperCase()), 'audit-proof.json'],
    'something behind a step of the path': [withPath((step) => `${step} and`), 'audit-proof.json'],
    'a second signature': [proofed({ checkpoint: `${proof.checkpoint}— other AAAAAAAAAAAA\n` }), 'audit-proof.json'],
    'files in another order': [[...files].reverse(), 'package'],
    'a signature without its newline': [
      changed('manifest.jws', textOf(files, 'manifest.jws').trimEnd()),
      'manifest.json',
    ],
    'a reference that is no text': [
      manifested({ request: { ...manifest.request, id: unspeakable, caseReference: unspeakable } }),
      'manifest.json',
    ],
    'a reference of 20,000 lists': [
      changed(
        'manifest.json',
        textOf(files, 'manifest.json').replace(/"caseReference":"[^"]*"/, `"caseReference":${nested}`),
      ),
      'manifest.json',
    ],
    'items without ids': [
      manifested({ items: manifest.items.map((item: object) => ({ ...item, id: unspeakable, sha256: 'x' })) }),
      'indicators.ndjson:1 ?',
    ],
  }
  t.strictSame((await verifyPackage(await zipOf(files), key)).faults, [], 'what was not changed holds')
  for (const [what, [entries, where]] of Object.entries(forged)) {
    const { faults } = await verifyPackage(await zipOf(entries), key)
    t.ok(
      faults.some((fault) => fault.where === where),
      `${what}: ${JSON.stringify(faults)}`,
    )
  }
})

t.test('what inflates to more than a package may have is not inflated to its end', async (t) => {
  const megabyte = Buffer.alloc(1024 * 1024)
  async function* zeros() {
    for (let n = 0; n < 512; n++) yield megabyte
  }
  const written: Uint8Array[] = []
  for await (const part of writeZip([{ name: 'README.txt', parts: zeros() }])) written.push(part)
  const bomb = Buffer.concat(written)
  t.ok(bomb.length < 1024 * 1024)
  const peakKib = () => process.resourceUsage().maxRSS
  const before = peakKib()
  t.throws(() => readZip(bomb, 1024 * 1024), { name: ZipError.name, message: /larger than a package/ })
  const more = (peakKib() - before) / 1024
  t.ok(more < 128, `${more} MiB`)
})
