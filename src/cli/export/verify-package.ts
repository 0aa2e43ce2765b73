import { createHash } from 'node:crypto'
import { verifyDetached } from '../../auth/manifest-signature.ts'
import { type Manifest, manifestedFiles, manifestFormat, type PackageFile, packageFiles } from '../../domain/export.ts'
import { limits } from '../../domain/limits.ts'
import { readZip, writeZip, ZipError } from '../../formats/export-zip.ts'
import { formatKey, type NoteKey } from '../../seal/note.ts'
import { checkInclusion, isEvidence } from '../audit/inclusion.ts'

/** Something in a package that does not hold, and where. */
export interface PackageFault {
  /** The file, `package` for the zip itself; of indicators.ndjson with line and id. */
  readonly where: string
  readonly what: string
}

export interface CheckedPackage {
  /** Empty when all holds. */
  readonly faults: readonly PackageFault[]
  /** Of the manifest, where there is one. */
  readonly request?: string
  readonly caseReference?: string
  readonly items?: number
  /** SHA-256 of the package, hex. */
  readonly sha256: string
}

/** Items named before the rest is only counted. */
const itemsNamed = 20

/**
 * Checks a package offline, with nothing but the node's public key: signature of the manifest, digest of every file and every indicator,
 * the disclosure's place in the audit log, and that the zip is byte for byte as a node writes it.
 */
export async function verifyPackage(bytes: Uint8Array, key: NoteKey): Promise<CheckedPackage> {
  const sha256 = digestOf(bytes)
  let files: Map<string, Uint8Array>
  try {
    files = readZip(bytes, limits.exportBytes)
  } catch (error) {
    if (!(error instanceof ZipError)) throw error
    return { faults: [{ where: 'package', what: error.message }], sha256 }
  }
  const faults: PackageFault[] = namesOf(files)
  const manifest = checkManifest(files, key, faults)
  if (manifest !== undefined) {
    checkFiles(files, manifest, faults)
    checkItems(files, manifest, faults)
    checkProof(files, key, faults)
  }
  if (faults.length === 0) await checkWriting(bytes, files, faults)
  return {
    faults,
    sha256,
    ...(manifest === undefined
      ? {}
      : {
          request: String(manifest.request?.id),
          caseReference: String(manifest.request?.caseReference),
          items: manifest.items.length,
        }),
  }
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Buffers of browsers read malformed UTF-8 otherwise than Node's; both have this decoder. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const textOf = (bytes: Uint8Array | undefined): string => utf8.decode(bytes ?? new Uint8Array(0))

function namesOf(files: ReadonlyMap<string, unknown>): PackageFault[] {
  const wanted: readonly string[] = packageFiles
  const missing = wanted.filter((name) => !files.has(name)).map((where) => ({ where, what: 'it is missing' }))
  const strange = [...files.keys()]
    .filter((name) => !wanted.includes(name))
    .map(() => ({ where: 'package', what: 'a file is in it that no package has' }))
  return [...missing, ...strange]
}

function checkManifest(
  files: ReadonlyMap<string, Uint8Array>,
  key: NoteKey,
  faults: PackageFault[],
): Manifest | undefined {
  const bytes = files.get('manifest.json')
  const jws = files.get('manifest.jws')
  if (bytes === undefined || jws === undefined) return undefined
  const kid = formatKey(key)
  if (!verifyDetached(textOf(jws).replace(/\n$/, ''), bytes, { publicKey: key.publicKey, kid }))
    faults.push({ where: 'manifest.json', what: 'manifest.jws is not its signature by this key' })
  const manifest = parsed(bytes)
  const isOne = manifest?.format === manifestFormat && Array.isArray(manifest.files) && Array.isArray(manifest.items)
  if (!isOne) {
    faults.push({ where: 'manifest.json', what: `it is no manifest of the form ${manifestFormat}` })
    return undefined
  }
  return manifest as unknown as Manifest
}

function checkFiles(files: ReadonlyMap<string, Uint8Array>, manifest: Manifest, faults: PackageFault[]): void {
  for (const name of manifestedFiles) {
    const content = files.get(name)
    const said = manifest.files.find((each) => each?.name === name)
    if (content === undefined) continue
    if (said?.sha256 !== digestOf(content) || said.bytes !== content.length)
      faults.push({ where: name, what: 'its SHA-256 is not that of the manifest' })
  }
}

/** Every line against its digest, so that what was changed is named. */
function checkItems(files: ReadonlyMap<string, Uint8Array>, { items }: Manifest, faults: PackageFault[]): void {
  const lines = textOf(files.get('indicators.ndjson')).split('\n')
  if (lines.pop() !== '' || lines.length !== items.length)
    faults.push({ where: 'indicators.ndjson', what: `it has not the ${items.length} lines of the manifest` })
  let wrong = 0
  for (const [n, item] of items.entries()) {
    if (digestOf(Buffer.from(lines[n] ?? '')) === item?.sha256) continue
    wrong++
    if (wrong <= itemsNamed)
      faults.push({ where: `indicators.ndjson:${n + 1} ${item?.id}`, what: 'its SHA-256 is not that of the manifest' })
  }
  if (wrong > itemsNamed) faults.push({ where: 'indicators.ndjson', what: `${wrong - itemsNamed} more do not hold` })
}

function checkProof(files: ReadonlyMap<string, Uint8Array>, key: NoteKey, faults: PackageFault[]): void {
  const where = 'audit-proof.json'
  const bytes = files.get(where)
  if (bytes === undefined) return
  const proof = parsed(bytes)
  if (proof === undefined || !isEvidence(proof)) {
    faults.push({ where, what: 'it is no proof' })
    return
  }
  const { leaf, hash, index, size, path, checkpoint } = proof
  const told = { text: leaf?.text, subject: leaf?.subject, salt: leaf?.salt }
  if (textOf(bytes) !== `${JSON.stringify({ leaf: told, hash, index, size, path, checkpoint })}\n`)
    faults.push({ where, what: 'it is not as a node writes it' })
  for (const what of checkInclusion(proof, key).faults) faults.push({ where, what })
  const subject = parsed(Buffer.from(proof.leaf?.subject ?? ''))
  if (subject?.manifest !== digestOf(files.get('manifest.json') ?? new Uint8Array(0)))
    faults.push({ where, what: 'the leaf is not of this manifest' })
}

/** Headers, times and padding are no content: the package is written again, and must be the same. */
async function checkWriting(
  bytes: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
  faults: PackageFault[],
): Promise<void> {
  const entries = [...files].map(([name, content]) => ({ name: name as PackageFile, parts: [content] }))
  let at = 0
  for await (const part of writeZip(entries)) {
    const here = bytes.subarray(at, at + part.length)
    if (Buffer.compare(here, part) !== 0) {
      const differs = part.findIndex((byte, n) => here[n] !== byte)
      faults.push({ where: 'package', what: `it is not as a node writes it, at byte ${at + differs}` })
      return
    }
    at += part.length
  }
  if (at !== bytes.length) faults.push({ where: 'package', what: `something was added after byte ${at}` })
}

function parsed(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(textOf(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
