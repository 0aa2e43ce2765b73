import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { Decoded, Draft, ObjectDraft } from '../../src/domain/draft.ts'
import { Fault, type RecordFault } from '../../src/domain/errors.ts'
import type { Kept } from '../../src/domain/misp-event.ts'
import type { ByteSource } from '../../src/domain/source.ts'

/** A source of the given bytes, cut after the given numbers of bytes (the last one over and over). */
export function sourceOf(body: string | Buffer, cuts: readonly number[] = [65_536]): ByteSource {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body)
  return {
    async *open() {
      let at = 0
      for (let piece = 0; at < bytes.length; piece++) {
        const size = Math.max(cuts[Math.min(piece, cuts.length - 1)] ?? 1, 1)
        yield bytes.subarray(at, at + size)
        at += size
      }
    },
  }
}

/** A source that makes its pieces while it is read. */
export const generatedSource = (pieces: () => Iterable<string>): ByteSource => ({
  async *open() {
    for (const piece of pieces()) yield Buffer.from(piece)
  },
})

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** Drafts, faults and what is kept beside them apart. */
export async function sorted(
  items: AsyncIterable<Decoded>,
): Promise<{ drafts: Draft[]; faults: RecordFault[]; kept: Kept[] }> {
  const { objects: _, ...found } = await sortedAll(items)
  return found
}

/** The same with STIX objects that are no indicators. */
export async function sortedAll(items: AsyncIterable<Decoded>) {
  const drafts: Draft[] = []
  const objects: ObjectDraft[] = []
  const faults: RecordFault[] = []
  const kept: Kept[] = []
  for await (const item of items) {
    if ('draft' in item) drafts.push(item.draft)
    else if ('object' in item) objects.push(item.object)
    else if ('fault' in item) faults.push(item.fault)
    else kept.push(item.kept)
  }
  return { drafts, objects, faults, kept }
}

/** The fault that a function throws, if any. Any other error is thrown on. */
export function faultOf(run: () => unknown): Fault | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

/** Its code; `none` when it throws none. */
export const codeOf = (run: () => unknown): string => faultOf(run)?.code ?? 'none'

/** Sizes of pieces to cut a body into: small ones, so that every boundary comes about. */
export const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 })

/** Real data beside the project; undefined where it is not there. */
export function sharedData(folder: string): string | undefined {
  const found = path.join(process.cwd(), '..', 'shared', 'data', folder)
  return existsSync(found) ? found : undefined
}

/** All JSON files under a folder. */
export function jsonFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => path.join(folder, name))
    .sort()
}

/**
 * Most bytes held above the start while a stream is read, garbage apart; buffers outside the heap count too. Looks after
 * every `interval` items.
 */
export async function peakBytes(
  stream: AsyncIterable<unknown>,
  interval: number,
): Promise<{ items: number; peak: number }> {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  // Twice: the first collection leaves what it moved and swept beside it, up to one more event (13 MB for 6 were seen).
  const held = () => {
    collectGarbage()
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const start = held()
  let peak = 0
  let items = 0
  for await (const _ of stream) {
    items++
    if (items % interval === 0) peak = Math.max(peak, held() - start)
  }
  return { items, peak }
}
