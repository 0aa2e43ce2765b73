import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ByteSource } from '../../domain/source.ts'
import { formatOfObject, formatOfText } from '../../formats/sniff-text.ts'
import { CommandError, exitCodes } from '../exit.ts'

/** What `--format` takes, as the node's `?format=` does. */
export const pushFormats = [
  ...(['puente', 'ndjson', 'stix', 'misp', 'csv'] as const),
  ...(['cap', 'shadowserver', 'intelmq', 'n6', 'openioc'] as const),
] as const
export type PushFormat = (typeof pushFormats)[number]

/** A file to push. `lines` and `csv` are cut into parts; a `document` goes as one. */
export interface Input {
  /** As the user wrote it; what messages begin with. */
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly kind: 'lines' | 'csv' | 'document'
  readonly mediaType: string
  /** `?format=`; absent where the node can tell from the document. */
  readonly format?: PushFormat
  /** `?report=`: the name of a Shadowserver report says what it reports. */
  readonly report?: string
}

/** A file can be read again and again. */
export const sourceOf = ({ path }: Input): ByteSource => ({
  open: () => createReadStream(path) as AsyncIterable<Buffer>,
})

/**
 * Looks at what is to be pushed. Standard input (`-`) is put into a file first, so that a part can be sent twice.
 * @returns the inputs, and what removes the file of standard input
 * @throws {CommandError} naming the file that cannot be read
 */
export async function openInputs(
  names: readonly string[],
  format: PushFormat | undefined,
  stdin: Readable,
): Promise<{ readonly inputs: readonly Input[]; release(): Promise<void> }> {
  const spooled = names.includes('-') ? path.join(tmpdir(), `puente-push-${randomUUID()}`) : undefined
  const release = async () => {
    if (spooled !== undefined) await rm(spooled, { force: true })
  }
  try {
    if (spooled !== undefined) await pipeline(stdin, createWriteStream(spooled, { flags: 'wx', mode: 0o600 }))
    const inputs: Input[] = []
    for (const name of names) inputs.push(await openInput(name, name === '-' ? (spooled ?? '') : name, format))
    return { inputs, release }
  } catch (error) {
    await release()
    throw error
  }
}

async function openInput(name: string, file: string, format: PushFormat | undefined): Promise<Input> {
  const shown = name === '-' ? 'standard input' : name
  try {
    const facts = await stat(file)
    if (!facts.isFile()) throw new Error('it is no file')
    return { name: shown, path: file, bytes: facts.size, ...(await kindOf(name, file, format)) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError(exitCodes.usage, `${shown} cannot be read: ${why}`, { cause: error })
  }
}

type Kind = Pick<Input, 'kind' | 'mediaType' | 'format' | 'report'>

const kinds = {
  lines: { kind: 'lines', mediaType: 'application/x-ndjson' },
  csv: { kind: 'csv', mediaType: 'text/csv' },
  document: { kind: 'document', mediaType: 'application/json' },
  cap: { kind: 'lines', mediaType: 'text/plain', format: 'cap' },
  shadowserver: { kind: 'csv', mediaType: 'text/csv', format: 'shadowserver' },
  openioc: { kind: 'document', mediaType: 'application/xml', format: 'openioc' },
} as const satisfies Record<string, Kind>

/** Names that leave no doubt; every other file is looked at. */
const kindOfName: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['.ndjson', kinds.lines],
  ['.jsonl', kinds.lines],
  ['.csv', kinds.csv],
  ['.tsv', kinds.csv],
  ['.ioc', kinds.openioc],
])

async function kindOf(name: string, file: string, format: PushFormat | undefined): Promise<Kind> {
  if (format === 'ndjson') return kinds.lines
  const base = path.basename(name)
  if (format === 'shadowserver' || (format === undefined && isReportName(base))) {
    return { ...kinds.shadowserver, ...(isReportName(base) ? { report: base } : {}) }
  }
  if (format === 'csv') return kinds.csv
  if (format === 'cap' || format === 'openioc') return kinds[format]
  const start = (await beginning(file)).replace(/^\ufeff/, '').trimStart()
  if (format === 'intelmq' || format === 'n6') return { ...kindOfText(start), format }
  if (format !== undefined) return { ...kinds.document, format }
  return exactly(kindOfName.get(path.extname(name).toLowerCase()) ?? kindOfText(start), start)
}

/** Of a feed every part says what it is: the node would look at the first line of each. */
function exactly(kind: Kind, start: string): Kind {
  if (kind === kinds.csv) {
    const found = formatOfText(start)
    return found === undefined ? kind : kinds[found]
  }
  const found = kind === kinds.lines ? formatOfObject(start) : undefined
  return found === 'intelmq' || found === 'n6' ? { ...kind, format: found } : kind
}

/** `2026-06-01-scan_dns-example-asn.csv`: the date, the type, whom it is for. */
const isReportName = (base: string): boolean => /^\d{4}-\d{2}-\d{2}-[a-z0-9_]+-.*\.csv$/i.test(base)

/** How much of a file is looked at. */
const beginningBytes = 64 * 1024

async function beginning(file: string): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(beginningBytes) })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** JSON begins with a bracket; when its first line is JSON by itself and more follows, each line is. */
function kindOfText(start: string): Kind {
  if (start.startsWith('<')) return kinds.openioc
  if (!start.startsWith('{') && !start.startsWith('[')) return kinds.csv
  const end = start.indexOf('\n')
  return end !== -1 && start.slice(end).trim() !== '' && isJson(start.slice(0, end)) ? kinds.lines : kinds.document
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
