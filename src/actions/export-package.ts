import { createHash } from 'node:crypto'
import { keyedDigest } from '../auth/digests.ts'
import { type ExportLanguage, type PackageFile, packageFiles } from '../domain/export.ts'
import type { LegalRequest } from '../domain/legal-request.ts'
import { limits } from '../domain/limits.ts'
import { csvHeader } from '../formats/csv-out.ts'
import { handlingHeader } from '../formats/export-handling.ts'
import { packageReadme } from '../formats/export-readme.ts'
import { writeZip } from '../formats/export-zip.ts'
import { formatKey } from '../seal/note.ts'
import { type ExportItemRow, itemsFrom } from '../store/export-items.ts'
import type { ExportRow } from '../store/exports.ts'
import type { Context } from './context.ts'
import { auditKey } from './integrate-audit.ts'

/** Excel takes a table for UTF-8 by this mark. */
const mark = '\ufeff'

/** The files whose content is the items'. */
const lined: Partial<Record<PackageFile, { readonly head: string; readonly line: (item: ExportItemRow) => string }>> = {
  'indicators.ndjson': { head: '', line: ({ stix }) => `${written(stix)}\n` },
  'indicators.csv': { head: mark + csvHeader, line: ({ csv }) => written(csv) },
  'handling.csv': { head: mark + handlingHeader, line: ({ handling }) => written(handling) },
}

const written = (text: string | null): string => {
  if (text === null) throw new Error('an item of a package was not written')
  return text
}

/** The content of one file, a batch of items at a time. */
export async function* fileParts(
  context: Context,
  row: ExportRow,
  request: LegalRequest,
  name: PackageFile,
): AsyncGenerator<string> {
  const lines = lined[name]
  if (lines !== undefined) {
    yield lines.head
    for (let from = 0; from < row.items; from += limits.exportBatch) {
      const items = await itemsFrom(context.database, row.id, from, limits.exportBatch)
      yield items.map(lines.line).join('')
    }
    return
  }
  if (name === 'README.txt') yield readmeOf(context, row, request)
  if (name === 'manifest.json') yield written(row.manifest)
  if (name === 'manifest.jws') yield `${written(row.signature)}\n`
  if (name === 'audit-proof.json') yield written(row.proof)
}

const readmeOf = (context: Context, row: ExportRow, request: LegalRequest): string =>
  packageReadme(row.language as ExportLanguage, {
    request: request.id,
    caseReference: request.caseReference,
    liaison: request.liaison,
    items: row.items,
    masked: row.masked,
    key: formatKey(auditKey(context)),
  })

/** The package, in parts: the same row has the same bytes. */
export const packageParts = (context: Context, row: ExportRow, request: LegalRequest): AsyncGenerator<Uint8Array> =>
  writeZip(packageFiles.map((name) => ({ name, parts: fileParts(context, row, request, name) })))

/** Length and SHA-256 of parts. */
export async function measured(
  parts: AsyncIterable<string | Uint8Array>,
): Promise<{ readonly bytes: number; readonly digest: Buffer }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const part of parts) {
    hash.update(part)
    bytes += typeof part === 'string' ? Buffer.byteLength(part) : part.length
  }
  return { bytes, digest: hash.digest() }
}

/** Names the position of the feed without telling it: positions count what their reader may not see. */
export const positionName = ({ node }: Context, position: bigint): string =>
  keyedDigest(node.maskKey, `export-position|${node.feedEpoch}|${position}`)
