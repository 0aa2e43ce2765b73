import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'

/** Bytes that may come out before anything is asked about how few went in: beginnings are often very alike. */
const graceBytes = 1024 * 1024

/**
 * The bytes of a body as its `Content-Encoding` says.
 * @throws {Fault} `unsupported_media_type`; while it is read `malformed`, and `body_too_large` for what inflates beyond measure
 */
export function inflated(body: AsyncIterable<Buffer>, encoding: string | undefined): AsyncIterable<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return body
  if (name === 'gzip' || name === 'x-gzip') return gunzipped(body)
  throw new Fault('unsupported_media_type', 'A body may be compressed with gzip, and with nothing else.')
}

async function* gunzipped(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let taken = 0
  let given = 0
  const gunzip = createGunzip()
  const source = Readable.from(
    (async function* () {
      for await (const chunk of body) {
        taken += chunk.length
        yield chunk
      }
    })(),
    { objectMode: false },
  )
  source.on('error', (error) => gunzip.destroy(error))
  source.pipe(gunzip)
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      given += chunk.length
      if (given > graceBytes && given > limits.inflation * taken) {
        throw new Fault('body_too_large', `A compressed body may grow by ${limits.inflation} times, and not by more.`)
      }
      yield chunk
    }
  } catch (error) {
    throw isDamage(error) ? new Fault('malformed', 'The compressed body is damaged.', { cause: error }) : error
  } finally {
    source.destroy()
    gunzip.destroy()
  }
}

const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
