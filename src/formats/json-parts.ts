import { Fault } from '../domain/errors.ts'
import type { ByteSource } from '../domain/source.ts'
import { pointerStep } from './json-pointer.ts'
import { bytesOf, HeldBytes, trimmed } from './records.ts'

/** Names of members from the root down; `[]` stands for every element of an array. The empty path is the root. */
export type JsonPath = readonly string[]

/** One value cut out of a document. */
export interface JsonPart {
  /** Which of the paths it lies at. */
  readonly path: JsonPath
  /** RFC 6901. */
  readonly pointer: string
  /** Its bytes, without the parts cut out of it; none when they are over `limits.recordBytes`. */
  readonly bytes?: Buffer
}

/**
 * Splits one JSON document into the values at the given paths, as they end, without ever holding the document. A part
 * that lies inside another one is cut out of it (an array keeps its brackets, a member becomes null), so the root is
 * what remains: the envelope. It comes last.
 * They come in groups, one for each slice of the source: an asynchronous step for each part would cost more than it.
 * Only the structure around the parts is understood here; what is inside a part is for `parseStrict`.
 * @throws {Fault} `invalid_json` where the structure is lost and no further part can be found
 */
export async function* jsonParts(source: ByteSource, paths: readonly JsonPath[]): AsyncGenerator<readonly JsonPart[]> {
  const splitter = new JsonSplitter(paths)
  for await (const slice of bytesOf(source)) {
    yield splitter.push(slice)
    splitter.check()
  }
  yield splitter.end()
}

/** The same of a document at hand. */
export function jsonPartsOf(bytes: Buffer, paths: readonly JsonPath[]): JsonPart[] {
  const splitter = new JsonSplitter(paths)
  const parts = splitter.push(bytes)
  splitter.check()
  return [...parts, ...splitter.end()]
}

/** An array or object on the way to a part. What leads to none is skipped by counting brackets. */
interface Container {
  readonly array: boolean
  /** The paths that lead through it. */
  readonly through: readonly JsonPath[]
  /** Position of the present element, or the present member's name. */
  index: number
  name: string | undefined
  /** The paths that lead to or through the present element or member. */
  toChild: readonly JsonPath[]
  /** Whether the present element or member is being cut out. */
  cutting: boolean
}

interface Frame {
  readonly path: JsonPath
  readonly pointer: string
  readonly held: HeldBytes
}

const rootPath: JsonPath = []

class JsonSplitter {
  readonly #paths: readonly JsonPath[]
  readonly #containers: Container[] = []
  readonly #frames: Frame[] = [{ path: rootPath, pointer: '', held: new HeldBytes() }]
  #done: JsonPart[] = []
  #chunk: Buffer = Buffer.alloc(0)
  /** Where the innermost frame's bytes begin that it has not yet been given. */
  #from = 0
  #offset = 0
  #skippedDepth = 0
  #inString = false
  #escaped = false
  /** Text of the member name being read, without quotes; undefined outside member names. */
  #name: HeldBytes | undefined
  #nameFrom = 0
  #lost: unknown

  constructor(paths: readonly JsonPath[]) {
    this.#paths = paths
  }

  push(chunk: Buffer): JsonPart[] {
    this.#chunk = chunk
    this.#from = 0
    this.#nameFrom = 0
    try {
      this.#readAll(chunk)
    } catch (error) {
      // What was found before stands, wherever the chunk began: the same document is always read as far.
      this.#lost = error
      return this.#taken()
    }
    if (this.#name !== undefined && this.#inString) this.#name.add(chunk.subarray(this.#nameFrom))
    this.#giveTo(chunk.length)
    this.#offset += chunk.length
    return this.#taken()
  }

  /** @throws {Fault} when the last chunk could not be read to its end */
  check(): void {
    if (this.#lost !== undefined) throw this.#lost
  }

  end(): JsonPart[] {
    if (this.#inString || this.#skippedDepth > 0 || this.#containers.length > 0) {
      throw new Fault('invalid_json', 'The document ends before its last bracket or quote is closed', {
        position: { pointer: this.#pointer() },
      })
    }
    this.#endFrame()
    return this.#taken()
  }

  #readAll(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#inString) at = this.#readString(at)
      else if (this.#skippedDepth > 0) at = this.#skipNested(at)
      else this.#readStructure(at++)
    }
  }

  #taken(): JsonPart[] {
    const done = this.#done
    this.#done = []
    return done
  }

  #readString(start: number): number {
    const chunk = this.#chunk
    let at = start
    if (this.#escaped) {
      this.#escaped = false
      at++
    }
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === 92) at++
      else if (byte === 34) {
        this.#inString = false
        if (this.#name !== undefined) this.#name.add(chunk.subarray(this.#nameFrom, at))
        return at + 1
      }
    }
    // A backslash was the chunk's last byte.
    this.#escaped = at > chunk.length
    return chunk.length
  }

  #skipNested(start: number): number {
    const chunk = this.#chunk
    let depth = this.#skippedDepth
    let at = start
    for (; at < chunk.length && depth > 0; at++) {
      const byte = chunk[at]
      if (byte === 34) {
        this.#inString = true
        at = this.#readString(at + 1) - 1
      } else if (byte === 123 || byte === 91) depth++
      else if (byte === 125 || byte === 93) depth--
    }
    this.#skippedDepth = depth
    return at
  }

  #readStructure(at: number): void {
    const byte = this.#chunk[at]
    const container = this.#containers.at(-1)
    if (byte === 34) {
      this.#inString = true
      if (container !== undefined && !container.array && container.name === undefined) {
        this.#name = new HeldBytes()
        this.#nameFrom = at + 1
      }
    } else if (byte === 58) this.#beginMember(container, at)
    else if (byte === 44) this.#endValue(container, at, true)
    else if (byte === 123 || byte === 91) this.#open(container, byte === 91, at)
    else if (byte === 125 || byte === 93) this.#close(container, byte === 93, at)
  }

  #open(parent: Container | undefined, array: boolean, at: number): void {
    const depth = this.#containers.length
    const through = (parent === undefined ? this.#paths : parent.toChild).filter((path) => path.length > depth)
    if (parent !== undefined && through.length === 0) {
      this.#skippedDepth = 1
      return
    }
    const toChild = array ? through.filter((path) => path[depth] === '[]') : []
    const container: Container = { array, through, index: 0, name: undefined, toChild, cutting: false }
    this.#containers.push(container)
    if (array) this.#beginValue(container, at + 1)
  }

  #close(container: Container | undefined, array: boolean, at: number): void {
    if (container === undefined || container.array !== array) {
      throw new Fault('invalid_json', `A bracket at byte ${this.#offset + at} closes nothing that is open`, {
        position: { pointer: this.#pointer() },
      })
    }
    this.#endValue(container, at, false)
    this.#containers.pop()
  }

  #beginMember(container: Container | undefined, at: number): void {
    if (container === undefined || container.array || container.name !== undefined) return
    const name = memberName(this.#name?.take())
    this.#name = undefined
    container.name = name
    const depth = this.#containers.length - 1
    container.toChild = container.through.filter((path) => path[depth] !== '[]' && path[depth] === name)
    this.#beginValue(container, at + 1)
  }

  #beginValue(container: Container, at: number): void {
    const path = container.toChild.find((candidate) => candidate.length === this.#containers.length)
    container.cutting = path !== undefined
    if (path === undefined) return
    this.#giveTo(at)
    this.#frames.push({ path, pointer: this.#pointer(), held: new HeldBytes() })
  }

  #endValue(container: Container | undefined, at: number, more: boolean): void {
    if (container === undefined) return
    if (container.cutting) {
      this.#giveTo(at)
      this.#endFrame(container.array && container.index === 0 && !more)
      if (!container.array) this.#frames.at(-1)?.held.add(Buffer.from('null'))
      else if (more) this.#from = at + 1
    }
    container.cutting = false
    container.name = undefined
    container.index++
    if (!container.array) container.toChild = []
    else if (more) this.#beginValue(container, at + 1)
  }

  /** Ends the innermost frame; with `maybeEmpty` nothing at all is no part (the inside of `[]`). */
  #endFrame(maybeEmpty = false): void {
    const frame = this.#frames.pop()
    if (frame === undefined) return
    const held = frame.held.take()
    const bytes = held === undefined ? undefined : trimmed(held)
    if (maybeEmpty && bytes?.length === 0) return
    this.#done.push({ path: frame.path, pointer: frame.pointer, ...(bytes === undefined ? {} : { bytes }) })
  }

  #giveTo(at: number): void {
    this.#frames.at(-1)?.held.add(this.#chunk.subarray(this.#from, at))
    this.#from = at
  }

  #pointer(): string {
    let pointer = ''
    for (const { array, index, name } of this.#containers) {
      pointer += pointerStep(array ? index : (name ?? ''))
    }
    return pointer
  }
}

/** A name with escapes is the same name; one that is not JSON matches no path and is refused with the envelope. */
function memberName(bytes: Buffer | undefined): string {
  const text = bytes?.toString('utf8') ?? ''
  if (!text.includes('\\')) return text
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    return text
  }
}
