import { mintSigningKey, openSigningKey, type PublicJwk, publicText, type SigningKey } from '../auth/jwk.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { Database, Transaction } from '../store/database.ts'
import {
  insertSigningKey,
  lockSigningKeys,
  removeSigningKey,
  retireSigningKey,
  type SigningKeyRow,
  signingKeys,
} from '../store/signing-keys.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { record, verb } from './verb.ts'

interface DatedKey extends SigningKey {
  readonly signsFrom: Date
  readonly retiresAt: Date | null
}

/** A public key of this node, as `/.well-known/jwks.json` lists it. */
export type PublishedKey = PublicJwk & { readonly kid: string; readonly alg: string; readonly use: 'sig' }

/** The keys of this node as of one policy epoch: every change of them raises it. */
export class SigningKeys {
  readonly #database: Database
  #keys: readonly DatedKey[] = []
  #epoch: bigint | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** The newest that may sign; before the first may, that one. */
  async signer({ directory }: Standing, at: Date): Promise<SigningKey> {
    const keys = await this.#current(directory.epoch)
    const key = keys.find(({ signsFrom }) => signsFrom <= at) ?? keys.at(-1)
    if (key === undefined) throw new Error('this node has no signing key')
    return key
  }

  async find({ directory }: Standing, kid: string | undefined, at: Date): Promise<SigningKey | undefined> {
    return (await this.#current(directory.epoch)).find((key) => key.kid === kid && lasts(key, at))
  }

  /** All with which a valid token may be signed, those that will sign soon among them. */
  async published({ directory }: Standing, at: Date): Promise<PublishedKey[]> {
    const keys = (await this.#current(directory.epoch)).filter((key) => lasts(key, at))
    return keys.map(({ kid, jwk, algorithm }) => ({ ...jwk, kid, alg: algorithm, use: 'sig' }))
  }

  /** What is read here is at least as new as the epoch it is kept for. */
  async #current(epoch: bigint): Promise<readonly DatedKey[]> {
    if (this.#epoch === epoch) return this.#keys
    const rows = await signingKeys({ db: this.#database.db, client: this.#database.client })
    const keys = await Promise.all(rows.map(opened))
    this.#keys = keys
    this.#epoch = epoch
    return keys
  }
}

const lasts = ({ retiresAt }: { readonly retiresAt: Date | null }, at: Date): boolean =>
  retiresAt === null || retiresAt > at

async function opened({ kid, jwk, signsFrom, retiresAt }: SigningKeyRow): Promise<DatedKey> {
  return { ...(await openSigningKey(kid, jwk)), signsFrom, retiresAt }
}

export interface RotateInput {
  /** Takes all earlier keys back at once, with every token they signed: for when one is known to somebody else. */
  readonly dropOthers?: boolean
}

export interface Rotated {
  readonly kid: string
  readonly signsFrom: string
  /** Keys that were taken back. */
  readonly dropped: readonly string[]
}

/** A new signing key. It signs after a notice, and the ones before verify until no token of theirs can be valid. */
export const rotateSigningKey = verb(
  'rotate-signing-key',
  (context: Context, caller: Caller, { dropOthers = false }: RotateInput, standing): Promise<Rotated> =>
    context.database.transaction(async (transaction) => {
      await lockSigningKeys(transaction)
      return await addKey(transaction, context, caller, standing, { dropOthers })
    }),
)

/** The first start makes the first key. */
export async function ensureSigningKey(context: Context): Promise<void> {
  const standing = await context.policy.current()
  await context.database.transaction(async (transaction) => {
    await lockSigningKeys(transaction)
    const keys = await signingKeys(transaction)
    if (keys.length === 0) await addKey(transaction, context, publicCaller, standing, { dropOthers: true })
  })
}

/** What the clock does: a new key when the newest is old, and an end to those that are no longer needed. */
export async function tendSigningKeys(context: Context): Promise<void> {
  const standing = await context.policy.current()
  await context.database.transaction(async (transaction) => {
    await lockSigningKeys(transaction)
    const at = context.clock()
    const keys = await signingKeys(transaction)
    const ended = keys.filter((each) => !lasts(each, at))
    for (const key of ended) await removeSigningKey(transaction, key.kid, publicText(key.jwk), at)
    if (ended.length > 0) {
      const subject = { removed: ended.map(({ kid }) => kid) }
      await record(transaction, context, publicCaller, standing, administrative('rotate-signing-key', subject))
    }
    const due = at.getTime() - limits.signingKeyDays * 86_400_000
    if (keys.every(({ createdAt }) => createdAt.getTime() <= due)) {
      await addKey(transaction, context, publicCaller, standing, { dropOthers: false })
    }
  })
}

async function addKey(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  { dropOthers }: { readonly dropOthers: boolean },
): Promise<Rotated> {
  const at = context.clock()
  const others = await signingKeys(transaction)
  const signsFrom = dropOthers ? at : new Date(at.getTime() + limits.signingKeyNoticeSeconds * 1000)
  const { kid, jwk } = await mintSigningKey()
  await insertSigningKey(transaction, { kid, jwk, createdAt: at, signsFrom })
  // A process that has not heard yet signs with the old key for a moment more: clocks differ.
  const last = new Date(signsFrom.getTime() + (limits.tokenLifetimeSeconds + 2 * limits.clockSkewSeconds) * 1000)
  for (const other of others) {
    if (dropOthers) await removeSigningKey(transaction, other.kid, publicText(other.jwk), at)
    else if (other.retiresAt === null) await retireSigningKey(transaction, other.kid, last)
  }
  const dropped = dropOthers ? others.map((each) => each.kid) : []
  const subject = { kid, signsFrom, dropped }
  await record(transaction, context, caller, standing, administrative('rotate-signing-key', subject))
  return { kid, signsFrom: signsFrom.toISOString(), dropped }
}
