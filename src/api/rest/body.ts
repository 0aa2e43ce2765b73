import { createHash, type Hash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { ByteSource } from '../../domain/source.ts'

/** A body up to this size is kept in memory when it must be read twice; a larger one goes to a temporary file. */
const keptBytes = 1024 * 1024

/** A request body as bytes: its beginning can be looked at, and everything read of it is digested. */
export class Body {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #hash: Hash
  #first: Buffer = Buffer.alloc(0)

  /** @param context what was asked beside the body: the same bytes under other options are another request */
  constructor(stream: Readable | null | undefined, context: string) {
    if (stream === null || stream === undefined) throw new Fault('malformed', 'There is no body.')
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#hash = createHash('sha256').update(context)
  }

  /** The first bytes, at least `bytes` of them where there are as many; they stay to be read. */
  async peek(bytes: number): Promise<Buffer> {
    while (this.#first.length < bytes) {
      const chunk = await this.#next()
      if (chunk === undefined) break
      this.#first = Buffer.concat([this.#first, chunk])
    }
    return this.#first
  }

  /** The whole body, once. */
  async *read(): AsyncGenerator<Buffer> {
    if (this.#first.length > 0) yield this.#first
    this.#first = Buffer.alloc(0)
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk
  }

  /** Reads what is left, so that the digest covers all of it and the connection can go on. */
  async drain(): Promise<void> {
    for await (const _ of this.read()) {
      // Only its digest matters.
    }
  }

  /** SHA-256; call once, after everything was read. */
  digest(): Buffer {
    return this.#hash.digest()
  }

  async #next(): Promise<Buffer | undefined> {
    const { value, done } = await this.#chunks.next().catch((error: unknown) => {
      throw new Fault('request_incomplete', 'The body broke off.', { cause: error })
    })
    if (done === true) return undefined
    this.#hash.update(value)
    return value
  }
}

/** A source that can be opened once: the body as it arrives. */
export const onceReadable = (body: Body): ByteSource => ({ open: () => body.read() })

/** The body kept, so that it can be opened again and again; `release` deletes what was kept on disk. */
export async function keep(body: Body): Promise<ByteSource & { release(): Promise<void> }> {
  const start: Buffer[] = []
  let size = 0
  const rest = body.read()
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    start.push(next.value)
    size += next.value.length
    if (size > keptBytes) return await keepInFile(start, rest)
  }
  return {
    async *open() {
      yield* start
    },
    release: async () => {},
  }
}

async function keepInFile(start: readonly Buffer[], rest: AsyncGenerator<Buffer>) {
  const path = join(tmpdir(), `puente-body-${randomUUID()}`)
  // Nobody else on the machine may read what was sent here.
  const file = await open(path, 'wx', 0o600)
  try {
    for (const chunk of start) await file.write(chunk)
    let size = start.reduce((total, chunk) => total + chunk.length, 0)
    for await (const chunk of rest) {
      size += chunk.length
      if (size > limits.keptBytes) {
        throw new Fault('body_too_large', 'A document of this format may have 2 GiB; NDJSON and CSV have no limit.')
      }
      await file.write(chunk)
    }
  } catch (error) {
    await unlink(path)
    throw hasNoRoom(error)
      ? new Fault('unavailable', 'The node has no room for it; try again later.', noRoom(error))
      : error
  } finally {
    await file.close()
  }
  return { open: () => createReadStream(path) as AsyncIterable<Buffer>, release: () => unlink(path) }
}

/** The disk, or the quota, under the temporary folder is full. */
const hasNoRoom = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

const noRoom = (cause: unknown) => ({ cause, retryAfterSeconds: 60 })
