import type { Decoded, Draft } from '../domain/draft.ts'
import type { Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ByteSource } from '../domain/source.ts'
import { type DecodedGroups, decoded, faultAt, recordTooLarge } from './decoded.ts'
import { jsonParts } from './json-parts.ts'
import { type JsonObject, parseObject, utf8Text } from './json-text.ts'
import { ndjsonLines, trimmed } from './records.ts'

/** Where a record of JSON comes from. */
export interface JsonOrigin {
  readonly position: Position
  readonly pointer: string
  readonly received: string
}

export type ReadRecord = (record: JsonObject, origin: JsonOrigin) => Draft

/**
 * The objects of a document of JSON: an array of any length, one object, or one object a line. Which of them it is, its first
 * line tells: when that is an object by itself, every line is.
 */
export async function* jsonRecords(source: ByteSource, read: ReadRecord): DecodedGroups {
  const { first, all } = await firstLine(source)
  yield* isObjectAlone(first) ? ofLines(all, read) : ofDocument(all, read)
}

async function* ofLines(source: ByteSource, read: ReadRecord): DecodedGroups {
  let record = 0
  for await (const lines of ndjsonLines(source)) {
    yield lines.map(({ line, bytes }) => recordOf(bytes, { record: record++, line }, '', read))
  }
}

async function* ofDocument(source: ByteSource, read: ReadRecord): DecodedGroups {
  let record = 0
  try {
    for await (const parts of jsonParts(source, [['[]']])) {
      const group: Decoded[] = []
      for (const { path, pointer, bytes } of parts) {
        if (path.length === 0 && bytes !== undefined && isEmptyArray(bytes)) continue
        const position = path.length === 0 ? { record } : { record, pointer }
        record++
        group.push(recordOf(bytes, position, pointer, read))
      }
      yield group
    }
  } catch (error) {
    yield [{ fault: faultAt({ record }, error) }]
  }
}

/** What is left of an array when its elements are cut out. */
const isEmptyArray = (bytes: Buffer): boolean => bytes.length < 1024 && bytes.toString().replace(/\s/g, '') === '[]'

function recordOf(bytes: Buffer | undefined, position: Position, pointer: string, read: ReadRecord): Decoded {
  if (bytes === undefined) return recordTooLarge(position)
  return decoded(position, () => {
    const received = utf8Text(bytes)
    return read(parseObject(received, 'invalid_record', pointer), { position, pointer, received })
  })
}

/** Whether the first line is an object by itself. A bad line must not make one bad document of all the others. */
const isObjectAlone = (line: Buffer): boolean => line[0] === 123 && line.length > 2 && line.at(-1) === 125

/**
 * The first line that is not blank, and the source from its start, to be opened once. A line longer than a record may be is
 * `{…}` if it begins so: then it alone is too large.
 */
async function firstLine(source: ByteSource): Promise<{ first: Buffer; all: ByteSource }> {
  const chunks = source.open()[Symbol.asyncIterator]()
  const pieces: Buffer[] = []
  const line = new FirstLine()
  let next = await chunks.next()
  for (; next.done !== true; next = await chunks.next()) {
    pieces.push(next.value)
    if (line.add(next.value)) break
  }
  const ended = next.done === true
  return {
    first: line.take(),
    all: {
      async *open() {
        try {
          yield* pieces.splice(0)
          if (ended) return
          for (let more = await chunks.next(); more.done !== true; more = await chunks.next()) yield more.value
        } finally {
          await chunks.return?.()
        }
      },
    },
  }
}

class FirstLine {
  #parts: Buffer[] = []
  #size = 0
  #started = false
  #mark = 0

  /** @returns whether the line is whole, or longer than a record may be */
  add(chunk: Buffer): boolean {
    let from = 0
    while (!this.#started && from < chunk.length) {
      if (isBlankOrMark(chunk[from], this.#mark)) this.#mark++
      else this.#started = true
      if (!this.#started) from++
    }
    if (!this.#started) return false
    const end = chunk.indexOf(10, from)
    this.#parts.push(chunk.subarray(from, end === -1 ? chunk.length : end))
    this.#size += chunk.length - from
    return end !== -1 || this.#size > limits.recordBytes
  }

  take(): Buffer {
    const line = trimmed(Buffer.concat(this.#parts))
    return this.#size > limits.recordBytes && line[0] === 123 ? Buffer.from('{ }') : line
  }
}

const byteOrderMark = [0xef, 0xbb, 0xbf]
const isBlankOrMark = (byte: number | undefined, at: number): boolean =>
  byte === 32 || byte === 9 || byte === 13 || byte === 10 || (at < 3 && byte === byteOrderMark[at])
