import { Ajv } from 'ajv'
import type { Hop } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObject, utf8Text } from './json-text.ts'

/** A checkpoint in an answer, alone in its batch or not. */
export interface CheckpointEntry {
  /** The exact text of the envelope. */
  readonly envelope: string
  /** The text of its seal. */
  readonly seal: string
  readonly index: number
  readonly path: readonly Buffer[]
  readonly hops: readonly Hop[]
}

/** That the newest head extends the log of this size (RFC 6962 §2.1.2). */
export interface SizeProof {
  readonly size: number
  readonly path: readonly Buffer[]
}

/** What a node says of its logs and of those of others (docs/federation.md). */
export interface CheckpointAnswer {
  readonly v: 1
  /** Node ids of who answers and of who asked. */
  readonly from: string
  readonly to: string
  /** The newest checkpoint of who answers. */
  readonly own: CheckpointEntry
  readonly proofs: { readonly feed: readonly SizeProof[]; readonly audit: readonly SizeProof[] }
  /** Of third nodes. */
  readonly others: readonly CheckpointEntry[]
  /** Of who asked, as they are kept here. */
  readonly yours: readonly CheckpointEntry[]
}

const base64url = (hash: Buffer): string => hash.toString('base64url')
const bytesOf = (hash: string): Buffer => Buffer.from(hash, 'base64url')

export function writeCheckpoints({ own, proofs, others, yours, ...rest }: CheckpointAnswer): string {
  const entry = (each: CheckpointEntry) => ({ ...each, path: each.path.map(base64url) })
  const proof = ({ size, path }: SizeProof) => ({ size, path: path.map(base64url) })
  return JSON.stringify({
    ...rest,
    own: entry(own),
    proofs: { feed: proofs.feed.map(proof), audit: proofs.audit.map(proof) },
    others: others.map(entry),
    yours: yours.map(entry),
  })
}

interface Written<Entry, Proof> {
  readonly own: Entry
  readonly proofs: { readonly feed: readonly Proof[]; readonly audit: readonly Proof[] }
  readonly others: readonly Entry[]
  readonly yours: readonly Entry[]
}
type Texts<T> = Omit<T, 'path'> & { readonly path: readonly string[] }

/** @throws {Fault} `body_too_large`, `invalid_record`, and what strict JSON refuses */
export function readCheckpoints(bytes: Buffer): CheckpointAnswer {
  if (bytes.length > limits.peerPageBytes)
    throw new Fault('body_too_large', `Checkpoints have at most ${limits.peerPageBytes} bytes.`)
  const read = parseObject(utf8Text(bytes), 'invalid_record', '')
  if (!isAnswer(read)) {
    const pointer = isAnswer.errors?.[0]?.instancePath ?? ''
    throw new Fault('invalid_record', 'The checkpoints are not of their form.', { position: { pointer } })
  }
  const { own, proofs, others, yours, ...rest } = read as unknown as Pick<CheckpointAnswer, 'v' | 'from' | 'to'> &
    Written<Texts<CheckpointEntry>, Texts<SizeProof>>
  const opened = <T>(each: Texts<T>) => ({ ...each, path: each.path.map(bytesOf) }) as unknown as T
  return {
    ...rest,
    own: opened<CheckpointEntry>(own),
    proofs: {
      feed: proofs.feed.map((each) => opened<SizeProof>(each)),
      audit: proofs.audit.map((each) => opened<SizeProof>(each)),
    },
    others: others.map((each) => opened<CheckpointEntry>(each)),
    yours: yours.map((each) => opened<CheckpointEntry>(each)),
  }
}

const uuid = { type: 'string', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' }
const closed = (properties: Readonly<Record<string, object>>): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const hashes = (most: number): object => ({
  type: 'array',
  items: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
  maxItems: most,
})
const entry = closed({
  envelope: { type: 'string' },
  seal: { type: 'string' },
  index: { type: 'integer', minimum: 0, maximum: 2 ** limits.auditPathHashes },
  path: hashes(limits.auditPathHashes),
  hops: {
    type: 'array',
    items: closed({ node: uuid, from: uuid, at: { type: 'string', maxLength: 24 } }),
    // One more than is let through: the receiver's checks say which is too many.
    maxItems: limits.peerHops + 1,
  },
})
const entries = { type: 'array', items: entry, maxItems: limits.checkpointEntries }
const proofs = {
  type: 'array',
  // A proof of consistency goes down one side of the tree and up the other.
  items: closed({ size: { type: 'integer', minimum: 1 }, path: hashes(2 * 53) }),
  maxItems: limits.checkpointProofs,
}

const isAnswer = new Ajv({ strict: true }).compile(
  closed({
    v: { const: 1 },
    from: uuid,
    to: uuid,
    own: entry,
    proofs: closed({ feed: proofs, audit: proofs }),
    others: entries,
    yours: entries,
  }),
)
