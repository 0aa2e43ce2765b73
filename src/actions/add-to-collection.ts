import { createHash, randomUUID } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { Fault, type RecordFault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { jsonPartsOf } from '../formats/json-parts.ts'
import { isJsonObject, parseStrict } from '../formats/json-text.ts'
import { stix } from '../formats/stix.ts'
import { forgetStatuses, keepStatus, readStatus } from '../store/collection-status.ts'
import { collectionNamed } from './collections.ts'
import type { Context } from './context.ts'
import { publish } from './publish.ts'
import { absent } from './read.ts'
import { verb } from './verb.ts'

/** What became of one object (TAXII 2.1 §4.3.1). */
interface StatusDetail {
  readonly id: string
  readonly version: string
  readonly message?: string
}

/** What became of an envelope (TAXII 2.1 §4.3). Everything is done when it is answered: nothing is ever pending. */
export interface CollectionStatus {
  readonly id: string
  readonly status: 'complete'
  /** ISO 8601 with microseconds. */
  readonly request_timestamp: string
  readonly total_count: number
  readonly success_count: number
  readonly successes?: readonly StatusDetail[]
  readonly failure_count: number
  readonly failures?: readonly StatusDetail[]
  readonly pending_count: 0
}

export interface AddToCollectionInput {
  /** Id or alias. */
  readonly collection: string
  /** A TAXII envelope; a STIX bundle is taken too. */
  readonly envelope: AsyncIterable<Buffer>
}

/**
 * Publishes the objects of an envelope, by the same action as every other door. What is not valid fails alone.
 * @throws {Fault} `not_found`, `not_yours` for a collection that only shows, `invalid_stix`, `too_many_values`
 */
export const addToCollection = verb(
  'add-to-collection',
  async (context: Context, caller: Caller, input: AddToCollectionInput, standing): Promise<CollectionStatus> => {
    const collection = collectionNamed(context, caller, standing, input.collection)
    if (!collection.canWrite) {
      throw new Fault('not_yours', 'Nothing can be added to this collection.', { rule: 'collection.read-only' })
    }
    const bytes = await bytesOf(input.envelope)
    const at = context.clock()
    const requestTime = `${at.toISOString().slice(0, -1)}000Z`
    const objects = objectsOf(bytes, requestTime)
    const receipt = await publish(context, caller, {
      decoded: stix({
        async *open() {
          yield bytes
        },
      }),
      defaults: collection.defaults,
      requestDigest: () => createHash('sha256').update(bytes).digest(),
    })
    const status = statusOf(objects, receipt.rejected, requestTime)
    const account = caller.reader.account ?? ''
    await keepStatus(context.database, { id: status.id, account, at, body: JSON.stringify(status) })
    return status
  },
)

/** @throws {Fault} `not_found` alike for what another account sent */
export const readCollectionStatus = verb(
  'read-collection-status',
  async (context: Context, caller: Caller, { id }: { readonly id: string }): Promise<CollectionStatus> => {
    const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)
    const body = await readStatus(context.database, isUuid ? id : nobody, caller.reader.account ?? '')
    if (body === undefined) throw absent()
    return JSON.parse(body) as CollectionStatus
  },
)

const nobody = '00000000-0000-0000-0000-000000000000'

/** Forgets what became of what was sent long ago; on the clock. */
export const forgetOldStatuses = (context: Context): Promise<number> =>
  forgetStatuses(context.database, new Date(context.clock().getTime() - limits.collectionStatusKeptMs))

async function bytesOf(envelope: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of envelope) {
    size += chunk.length
    if (size > limits.collectionBytes) throw new Fault('body_too_large', 'An envelope has at most 10 MiB.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What each object of the envelope calls itself, in order. */
function objectsOf(bytes: Buffer, at: string): StatusDetail[] {
  const parts = jsonPartsOf(bytes, [['objects', '[]']])
  const root = parts.find(({ path }) => path.length === 0)
  const wrapping = root?.bytes === undefined ? undefined : parseStrict(root.bytes)
  const objects = parts.filter(({ path }) => path.length > 0)
  if (!isJsonObject(wrapping) || !Array.isArray(wrapping.objects) || objects.length === 0) {
    throw new Fault('invalid_stix', 'An envelope is an object with "objects", a list that is not empty.')
  }
  if (objects.length > limits.collectionObjects) {
    throw new Fault('too_many_values', `An envelope has at most ${limits.collectionObjects} objects.`)
  }
  return objects.map((part) => namesOf(part.bytes, at))
}

/** Also of what cannot be read as STIX: whoever sent it must find it again. */
function namesOf(bytes: Buffer | undefined, at: string): StatusDetail {
  const unknown = { id: 'unknown', version: at }
  if (bytes === undefined) return unknown
  try {
    const object = parseStrict(bytes)
    if (!isJsonObject(object)) return unknown
    const text = (value: unknown) => (typeof value === 'string' && value.length <= 300 ? value : undefined)
    return { id: text(object.id) ?? 'unknown', version: text(object.modified) ?? text(object.created) ?? at }
  } catch (error) {
    if (error instanceof Fault) return unknown
    throw error
  }
}

function statusOf(objects: readonly StatusDetail[], rejected: readonly RecordFault[], at: string): CollectionStatus {
  const faults = new Map(rejected.map((fault) => [fault.position.record ?? 0, fault]))
  const successes = objects.filter((_, n) => !faults.has(n))
  const failures = objects.flatMap((object, n): StatusDetail[] => {
    const fault = faults.get(n)
    return fault === undefined ? [] : [{ ...object, message: `${fault.code}: ${fault.message}` }]
  })
  return {
    id: randomUUID(),
    status: 'complete',
    request_timestamp: at,
    total_count: objects.length,
    success_count: successes.length,
    ...(successes.length === 0 ? {} : { successes }),
    failure_count: failures.length,
    ...(failures.length === 0 ? {} : { failures }),
    pending_count: 0,
  }
}
