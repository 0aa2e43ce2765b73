import { verifyDetached } from '../../auth/manifest-signature.ts'
import { type Manifest, manifestedFiles, manifestFormat, type PackageFile, packageFiles } from '../../domain/export.ts'
import { limits } from '../../domain/limits.ts'
import { readZip, writeZip, ZipError } from '../../formats/export-zip.ts'
import { formatKey, type NoteKey } from '../../seal/note.ts'
import { checkProof } from './check-proof.ts'
import { digestOf, type PackageFault, parsed, textOf } from './package-contents.ts'

/** What a check of a package found. */
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
          request: shown(manifest.request?.id),
          caseReference: shown(manifest.request?.caseReference),
          items: manifest.items.length,
        }),
  }
}

/** A text of a manifest that may be anybody's: what is none is not converted, which its own members could answer. */
const shown = (value: unknown): string => (typeof value === 'string' ? value : '?')

function namesOf(files: ReadonlyMap<string, unknown>): PackageFault[] {
  const wanted: readonly string[] = packageFiles
  const missing = wanted.filter((name) => !files.has(name)).map((where) => ({ where, what: 'it is missing' }))
  const strange = [...files.keys()]
    .filter((name) => !wanted.includes(name))
    .map(() => ({ where: 'package', what: 'a file is in it that no package has' }))
  const inOrder = [...files.keys()].every((name, n) => name === wanted.filter((each) => files.has(each))[n])
  const moved = inOrder || strange.length > 0 ? [] : [{ where: 'package', what: 'its files are in another order' }]
  return [...missing, ...strange, ...moved]
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
  if (!verifyDetached(signatureIn(textOf(jws)), bytes, { publicKey: key.publicKey, kid }))
    faults.push({ where: 'manifest.json', what: 'manifest.jws is not its signature by this key' })
  const manifest = parsed(bytes)
  const isOne = manifest?.format === manifestFormat && Array.isArray(manifest.files) && Array.isArray(manifest.items)
  if (!isOne) {
    faults.push({ where: 'manifest.json', what: `it is no manifest of the form ${manifestFormat}` })
    return undefined
  }
  return manifest as unknown as Manifest
}

/** One line, as a node writes it; nothing where it is not. */
const signatureIn = (text: string): string => /^[\w.-]+(?=\n$)/.exec(text)?.[0] ?? ''

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
      faults.push({
        where: `indicators.ndjson:${n + 1} ${shown(item?.id)}`,
        what: 'its SHA-256 is not that of the manifest',
      })
  }
  if (wrong > itemsNamed) faults.push({ where: 'indicators.ndjson', what: `${wrong - itemsNamed} more do not hold` })
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
