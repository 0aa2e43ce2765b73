import { Inflate, Zip, ZipDeflate } from 'fflate'
import { type PackageFile, packageFiles } from '../domain/export.ts'

/** One file of a package, in parts of any size. */
export interface ZipEntry {
  readonly name: PackageFile
  readonly parts: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>
}

/** Parts go to the compressor in this size, however they came: its output depends on them. */
const partBytes = 65_536

/**
 * A zip whose bytes depend on names and contents alone: one time for every file, one level, no comments. The time is made of its parts,
 * so that it is the same in every time zone.
 */
export async function* writeZip(entries: Iterable<ZipEntry>): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = []
  const zip = new Zip((error, bytes) => {
    if (error !== null) throw error
    if (bytes.length > 0) ready.push(bytes)
  })
  for (const { name, parts } of entries) {
    const file = new ZipDeflate(name, { level: 6 })
    file.mtime = new Date(1980, 0, 1)
    zip.add(file)
    for await (const part of evenParts(parts)) {
      file.push(part)
      yield* ready.splice(0)
    }
    file.push(new Uint8Array(0), true)
    yield* ready.splice(0)
  }
  zip.end()
  yield* ready.splice(0)
}

async function* evenParts(parts: ZipEntry['parts']): AsyncGenerator<Uint8Array> {
  let [pending, bytes]: [Uint8Array[], number] = [[], 0]
  for await (const part of parts) {
    const more = typeof part === 'string' ? Buffer.from(part) : part
    pending.push(more)
    bytes += more.length
    if (bytes < partBytes) continue
    const whole = Buffer.concat(pending)
    let from = 0
    for (; whole.length - from >= partBytes; from += partBytes) yield whole.subarray(from, from + partBytes)
    pending = [whole.subarray(from)]
    bytes = whole.length - from
  }
  if (bytes > 0) yield Buffer.concat(pending)
}

/** What is wrong with a zip, and in which file of it. */
export class ZipError extends Error {
  override readonly name = 'ZipError'
}

/**
 * The files of a zip as {@link writeZip} makes it, in order. Reads local headers one after the other and believes nothing else; whether
 * the rest is as it was written is found by writing it again. An error repeats no name that a package does not have: it may be anything.
 * @param most bytes of all contents together
 * @throws ZipError
 */
export function readZip(bytes: Uint8Array, most: number): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const files = new Map<string, Uint8Array>()
  let [at, total] = [0, 0]
  while (at + 30 <= bytes.length && view.getUint32(at, true) === 0x04034b50) {
    const nameBytes = view.getUint16(at + 26, true)
    const start = at + 30 + nameBytes + view.getUint16(at + 28, true)
    const name = Buffer.from(bytes.subarray(at + 30, at + 30 + nameBytes)).toString('latin1')
    const told = packageFiles.find((each) => each === name) ?? `the file at byte ${at}`
    const { content, end } = inflateAt(bytes, start, told, most - total)
    if (files.has(name)) throw new ZipError(`${told} is in it twice`)
    files.set(name, content)
    total += content.length
    at = end
  }
  if (files.size === 0) throw new ZipError('this is no package')
  return files
}

/** Input is inflated in pieces of this size: each makes a thousand times as much at most, and the whole is looked at in between. */
const inflatedBytes = 16_384

/** Inflates until the stream's own end; the descriptor of 16 bytes comes after it. */
function inflateAt(
  bytes: Uint8Array,
  start: number,
  name: string,
  most: number,
): { readonly content: Uint8Array; readonly end: number } {
  const end = descriptorAfter(bytes, start)
  if (end === undefined) throw new ZipError(`${name} has no end`)
  const parts: Uint8Array[] = []
  let length = 0
  try {
    const inflate = new Inflate((part) => {
      length += part.length
      if (length > most) throw new ZipError(`${name} is larger than a package may be`)
      parts.push(part)
    })
    for (let at = start; at < end || at === start; at += inflatedBytes) {
      const to = Math.min(at + inflatedBytes, end)
      inflate.push(bytes.subarray(at, to), to === end)
    }
  } catch (error) {
    throw error instanceof ZipError ? error : new ZipError(`${name} cannot be decompressed`)
  }
  return { content: Buffer.concat(parts), end: end + 16 }
}

/** Where the descriptor of a file begins: its signature, with the size of what lies before it, and a header or the directory after it. */
function descriptorAfter(bytes: Uint8Array, start: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (
    let at = data.indexOf('PK\x07\x08', start, 'latin1');
    at >= 0;
    at = data.indexOf('PK\x07\x08', at + 1, 'latin1')
  ) {
    if (at + 20 > bytes.length) return undefined
    const next = view.getUint32(at + 16, true)
    if (view.getUint32(at + 8, true) === at - start && (next === 0x04034b50 || next === 0x02014b50)) return at
  }
  return undefined
}
