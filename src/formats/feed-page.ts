import { Ajv } from 'ajv'
import type { Envelope, Gap, Hop } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { EnvelopeError } from './envelope-error.ts'
import { type JsonObject, parseObject } from './json-text.ts'

/** A page of the feed between nodes (docs/federation.md). */
export interface FeedPage {
  readonly v: 1
  /** Node ids of who sends it and of who asked for it. */
  readonly from: string
  readonly to: string
  /** Seals of the batches that the entries are of; each stands once. */
  readonly seals: readonly string[]
  readonly entries: readonly FeedEntry[]
  /** Where the feed goes on after this page; the sender's, opaque. */
  readonly cursor: string
  /** Whether there is more at once. */
  readonly more: boolean
}

export interface FeedEntry {
  /** The exact text of the envelope. */
  readonly envelope: string
  /** Which of the page's seals covers it. */
  readonly seal: number
  /** Place in the batch, from 0. */
  readonly index: number
  readonly path: readonly Buffer[]
  readonly hops: readonly Hop[]
  readonly gap?: Gap
}

/** A page as it was read. An entry that is none has a fault in its place: one bad entry does not stop the page. */
export interface ReadPage extends Omit<FeedPage, 'entries'> {
  readonly entries: readonly (ReadEntry | { readonly fault: string })[]
}

export interface ReadEntry extends FeedEntry {
  /** What the text of the envelope says, or what is wrong with it, once that was read. */
  readonly read?: Envelope | EnvelopeError
}

export const writePage = (page: FeedPage): string =>
  JSON.stringify({ ...page, entries: page.entries.map((one) => ({ ...one, path: one.path.map(base64url) })) })

const base64url = (hash: Buffer): string => hash.toString('base64url')

/** @throws {Fault} `body_too_large`, `invalid_json`, `invalid_record` and what strict JSON refuses, for the page as a whole */
export function readPage(bytes: Buffer): ReadPage {
  if (bytes.length > limits.peerPageBytes) {
    throw new Fault('body_too_large', `A page has at most ${limits.peerPageBytes} bytes.`)
  }
  const page = parseObject(bytes, 'invalid_record', '')
  if (!isPage(page)) {
    const [error] = isPage.errors ?? []
    const pointer = error?.instancePath ?? ''
    throw new Fault('invalid_record', 'The page is not of its form.', { position: { pointer } })
  }
  const read = page as unknown as Omit<ReadPage, 'entries'> & { readonly entries: readonly JsonObject[] }
  const hashes = new Hashes()
  return { ...read, entries: read.entries.map((entry) => entryOf(entry, read.seals.length, hashes)) }
}

function entryOf(entry: JsonObject, seals: number, hashes: Hashes): FeedEntry | { readonly fault: string } {
  if (!isEntry(entry)) return { fault: `${isEntry.errors?.[0]?.instancePath ?? ''} is not of its form` }
  const read = entry as unknown as Omit<FeedEntry, 'path'> & { readonly path: readonly string[] }
  if (read.seal >= seals) return { fault: '/seal names a seal that the page does not have' }
  const path: Buffer[] = []
  for (const text of read.path) {
    const hash = hashes.read(text)
    if (hash === undefined) return { fault: `/path/${path.length} is not of its form` }
    path.push(hash)
  }
  return { ...read, path }
}

/** The hashes of a page's paths: neighbours in a batch share most of theirs, and each is read once. */
class Hashes {
  readonly #read = new Map<string, Buffer>()

  /** The 32 bytes of a hash in base64url without padding; undefined where the text is none. */
  read(text: string): Buffer | undefined {
    const known = this.#read.get(text)
    if (known !== undefined) return known
    if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined
    const hash = Buffer.from(text, 'base64url')
    this.#read.set(text, hash)
    return hash
  }
}

const uuid = { type: 'string', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' }
const closed = (properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
})

const ajv = new Ajv({ strict: true })
const isPage = ajv.compile(
  closed({
    v: { const: 1 },
    from: uuid,
    to: uuid,
    seals: { type: 'array', items: { type: 'string' }, maxItems: limits.peerPageEntries },
    entries: { type: 'array', items: { type: 'object' }, maxItems: limits.peerPageEntries },
    cursor: { type: 'string', minLength: 1, maxLength: 4_096 },
    more: { type: 'boolean' },
  }),
)
const isEntry = ajv.compile(
  closed(
    {
      envelope: { type: 'string' },
      seal: { type: 'integer', minimum: 0 },
      index: { type: 'integer', minimum: 0, maximum: 2 ** limits.auditPathHashes },
      path: {
        type: 'array',
        items: { type: 'string' },
        maxItems: limits.auditPathHashes,
      },
      hops: {
        type: 'array',
        items: closed({ node: uuid, from: uuid, at: { type: 'string', maxLength: 24 } }),
        // One more than is let through: the receiver's checks say which is too many, with its code.
        maxItems: limits.peerHops + 1,
      },
      gap: closed({ from: { type: 'integer', minimum: 0, maximum: limits.envelopeVersion } }),
    },
    ['gap'],
  ),
)
