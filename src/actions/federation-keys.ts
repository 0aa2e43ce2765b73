import { mintSigningKey, openSigningKey, publicText, type SigningKey } from '../auth/jwk.ts'
import { signStatement } from '../auth/node-statements.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { limits } from '../domain/limits.ts'
import type { PeerJwk } from '../domain/peer.ts'
import type { Database, Transaction } from '../store/database.ts'
import {
  type FederationKeyRow,
  federationKeys,
  insertFederationKey,
  lockFederationKeys,
  removeFederationKey,
} from '../store/federation-keys.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { record, verb } from './verb.ts'

/** A key of this node, as its description shows it. */
export interface ShownKey {
  readonly thumbprint: string
  readonly jwk: PeerJwk
  /** From then on it signs; until then it waits to be pinned. */
  readonly signsFrom: string
  /** What the key before it says of it: a JWS of type `puente-key+jws`; none for the first. */
  readonly endorsement?: string
}

/** What a node says of itself. */
export interface NodeDescription {
  readonly node: string
  readonly url: string
  /** The newest first. */
  readonly keys: readonly ShownKey[]
  readonly at: string
}

/** What a key says of the one after it. */
export interface KeyEndorsement {
  readonly node: string
  readonly jwk: PeerJwk
  readonly thumbprint: string
  readonly at: string
}

/** The keys with which this node signs towards its peers, as of one policy epoch: every change of them raises it. */
export class FederationKeys {
  readonly #database: Database
  #rows: readonly FederationKeyRow[] = []
  readonly #opened = new Map<string, Promise<SigningKey>>()
  #epoch: bigint | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** The newest that may sign. */
  async signer(standing: Standing, at: Date): Promise<SigningKey> {
    const rows = await this.#current(standing)
    const row = rows.find(({ signsFrom }) => signsFrom <= at) ?? rows.at(-1)
    if (row === undefined) throw new Error('this node has no federation key')
    return await this.#open(row)
  }

  async shown(standing: Standing): Promise<ShownKey[]> {
    const rows = await this.#current(standing)
    return await Promise.all(
      rows.map(async (row) => ({
        thumbprint: row.thumbprint,
        jwk: (await this.#open(row)).jwk,
        signsFrom: row.signsFrom.toISOString(),
        ...(row.endorsement === null ? {} : { endorsement: row.endorsement }),
      })),
    )
  }

  #open({ thumbprint, jwk }: FederationKeyRow): Promise<SigningKey> {
    const opened = this.#opened.get(thumbprint) ?? openSigningKey(thumbprint, jwk)
    this.#opened.set(thumbprint, opened)
    return opened
  }

  /** What is read here is at least as new as the epoch it is kept for. */
  async #current({ directory }: Standing): Promise<readonly FederationKeyRow[]> {
    if (this.#epoch === directory.epoch) return this.#rows
    this.#rows = await federationKeys(this.#database)
    this.#epoch = directory.epoch
    return this.#rows
  }
}

/** What this node says of itself, and the same as its newest key that signs has signed it. */
export async function describeNode(
  context: Context,
): Promise<NodeDescription & { readonly name: 'puente'; readonly version: string; readonly statement: string }> {
  const standing = await context.policy.current()
  const at = context.clock()
  const description: NodeDescription = {
    node: context.node.id,
    url: context.tokens.issuer,
    keys: await context.federationKeys.shown(standing),
    at: at.toISOString(),
  }
  const signer = await context.federationKeys.signer(standing, at)
  const statement = await signStatement(description, 'puente-node+jws', signer)
  return { name: 'puente', version: context.version, ...description, statement }
}

/** The first start makes the first key. */
export async function ensureFederationKey(context: Context): Promise<void> {
  if ((await federationKeys(context.database)).length > 0) return
  const standing = await context.policy.current()
  await context.database.transaction(async (transaction) => {
    await lockFederationKeys(transaction)
    if ((await federationKeys(transaction)).length === 0)
      await addKey(transaction, context, publicCaller, standing, { dropOthers: true })
  })
}

export interface RotateNodeKeyInput {
  /** Takes all earlier keys back at once: for when one is known to somebody else. Peers must then compare the new one by hand. */
  readonly dropOthers?: boolean
}

export interface RotatedNodeKey {
  readonly thumbprint: string
  readonly signsFrom: string
  /** Keys that were taken back. */
  readonly dropped: readonly string[]
}

/** A new key towards peers. The one before endorses it, and goes on signing until peers had time to pin the new one. */
export const rotateNodeKey = verb(
  'rotate-node-key',
  (context: Context, caller: Caller, { dropOthers = false }: RotateNodeKeyInput, standing): Promise<RotatedNodeKey> =>
    context.database.transaction(async (transaction) => {
      await lockFederationKeys(transaction)
      return await addKey(transaction, context, caller, standing, { dropOthers })
    }),
)

async function addKey(
  transaction: Transaction,
  context: Context,
  caller: Caller,
  standing: Standing,
  { dropOthers }: { readonly dropOthers: boolean },
): Promise<RotatedNodeKey> {
  const at = context.clock()
  const others = await federationKeys(transaction)
  const signsFrom = dropOthers ? at : new Date(at.getTime() + limits.federationKeyNoticeSeconds * 1000)
  const { kid: thumbprint, jwk } = await mintSigningKey()
  // A key that may be known to somebody else vouches for nothing.
  const [before] = dropOthers ? [] : others
  const endorsement = before === undefined ? null : await endorse(context, before, { thumbprint, jwk }, at)
  await insertFederationKey(transaction, { thumbprint, jwk, createdAt: at, signsFrom, endorsement })
  const dropped = dropOthers ? others.map((each) => each.thumbprint) : []
  for (const other of others)
    if (dropOthers) await removeFederationKey(transaction, other.thumbprint, publicText(other.jwk), at)
  const subject = { thumbprint, signsFrom, dropped }
  await record(transaction, context, caller, standing, administrative('rotate-node-key', subject))
  return { thumbprint, signsFrom: signsFrom.toISOString(), dropped }
}

async function endorse(
  context: Context,
  before: FederationKeyRow,
  { thumbprint, jwk }: { readonly thumbprint: string; readonly jwk: string },
  at: Date,
): Promise<string> {
  const said: KeyEndorsement = {
    node: context.node.id,
    jwk: JSON.parse(publicText(jwk)) as PeerJwk,
    thumbprint,
    at: at.toISOString(),
  }
  return await signStatement(said, 'puente-key+jws', await openSigningKey(before.thumbprint, before.jwk))
}
