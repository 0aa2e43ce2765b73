import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { SigningKey } from '../auth/jwk.ts'
import { signSeal } from '../auth/seals.ts'
import { homeOf } from '../domain/directory.ts'
import type { Envelope, EnvelopeContent } from '../domain/envelope.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { RsitType } from '../domain/rsit.ts'
import { writeEnvelope } from '../formats/envelope.ts'
import { EnvelopeError } from '../formats/envelope-error.ts'
import { mayLeave } from '../policy/travelling.ts'
import { batchOf } from '../seal/batches.ts'
import { type EnvelopeRow, keepEnvelopes, keepSeals, type SealRow } from '../store/envelopes.ts'
import { lockSealing, moveSealed, sealedPosition, type UnsealedEntry, unsealedAfter } from '../store/sealing.ts'
import type { Context, Standing } from './context.ts'

/** An envelope that waits for its batch. */
interface Unsealed {
  readonly envelope: Envelope
  readonly text: string
  readonly stixId: string
}

/**
 * Seals what this node's feed has that is not sealed yet, a stretch after the other. On the clock, and before a page for a peer: that
 * reaches as far as what is sealed. A node without peers seals nothing. @returns the position up to which all is sealed
 */
export async function sealFeed(context: Context): Promise<number> {
  for (;;) {
    const standing = await context.policy.current()
    const { sealed, head } = await sealedPosition(context.database)
    if (sealed >= head || standing.directory.peers.size === 0) return sealed
    await sealStretch(context, standing)
    // What publishes and reads has its turn.
    await setImmediate()
  }
}

async function sealStretch(context: Context, standing: Standing): Promise<void> {
  const at = context.clock()
  const signer = await context.federationKeys.signer(standing, at)
  await context.database.transaction(async (transaction) => {
    const after = await lockSealing(transaction)
    const { head } = await sealedPosition(transaction)
    const { entries, upto } = await unsealedAfter(transaction, { after, head }, limits.sealEntries)
    const batches = new Map<string, Map<string, Unsealed>>()
    for (const entry of entries) {
      for (const one of envelopesOf(context, standing, entry, at)) {
        // One handling and one form: whoever may have one of a batch may have all, so that its size tells nothing.
        const batch = one.envelope.handling === null ? `${entry.originator} bare` : String(entry.handlingId)
        const waiting = batches.get(batch) ?? new Map<string, Unsealed>()
        batches.set(batch, waiting.set(one.stixId, one))
      }
    }
    for (const batch of batches.values()) {
      const { rows, seal } = await sealed(context, [...batch.values()], signer, at)
      const [id = 0n] = await keepSeals(transaction, [seal])
      await keepEnvelopes(
        transaction,
        rows.map((row) => ({ ...row, seal: id })),
        at,
      )
    }
    if (upto > after) await moveSealed(transaction, upto)
  })
}

/** The envelopes of an entry: none of what is not this node's to seal, or never leaves it. */
function envelopesOf(context: Context, standing: Standing, entry: UnsealedEntry, at: Date): Unsealed[] {
  if (homeOf(standing.directory, entry.originator) !== undefined) return []
  const bare = bareContent(entry)
  const whole = wholeContent(standing.visibility.handling(entry.handlingId), entry)
  return [
    ...(whole === undefined ? [] : [envelope(context, entry, at, whole.handling, whole.content)]),
    ...(bare === undefined ? [] : [envelope(context, entry, at, null, bare)]),
  ].flatMap((each) => {
    try {
      return [{ envelope: each, text: writeEnvelope(each), stixId: entry.stixId }]
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      // One that cannot be said stops nothing; its own node has it all the same.
      context.log.warn(
        { id: each.id, originator: each.originator, reason: error.message },
        'an indicator was not sealed',
      )
      return []
    }
  })
}

function bareContent({ kind, moved }: UnsealedEntry): EnvelopeContent | undefined {
  if (kind === 'recalled') return { kind, reason: 'recalled by its originator' }
  return moved ? { kind: 'narrowed' } : undefined
}

function wholeContent(
  handling: Handling | undefined,
  { kind, indicator }: UnsealedEntry,
): { readonly handling: Handling; readonly content: EnvelopeContent } | undefined {
  if (indicator === undefined || kind === 'recalled' || handling === undefined || !mayLeave(handling)) return undefined
  const { stix, observables, compound, class: type, firstSeen, lastSeen } = indicator
  const content: EnvelopeContent = {
    kind,
    stix,
    observables,
    compound,
    ...(type === null ? {} : { class: type as RsitType }),
    ...(firstSeen === null ? {} : { firstSeen }),
    ...(lastSeen === null ? {} : { lastSeen }),
  }
  return { handling, content }
}

const envelope = (
  context: Context,
  { stixId, version, originator, issuedAt }: UnsealedEntry,
  at: Date,
  handling: Handling | null,
  content: EnvelopeContent,
): Envelope => ({
  v: 1,
  id: `indicator--${stixId}`,
  version,
  previousVersion: version - 1,
  originator,
  node: context.node.id,
  epoch: context.node.feedEpoch,
  // The feed's time never goes back, and may be ahead of the clock; a seal is not older than what it covers.
  issuedAt: Date.parse(issuedAt) > at.getTime() ? at.toISOString() : issuedAt,
  handling: handling === null ? null : { ...handling, people: [] },
  content,
})

async function sealed(
  context: Context,
  batch: readonly Unsealed[],
  signer: SigningKey,
  at: Date,
): Promise<{ readonly rows: EnvelopeRow[]; readonly seal: SealRow }> {
  const tree = batchOf(batch.map(({ text }) => text))
  const { id: node, feedEpoch: epoch } = context.node
  const issuedAt = at.toISOString()
  const jws = await signSeal({ node, epoch, root: tree.root, size: tree.size, issuedAt }, signer)
  const rows = batch.map(
    ({ envelope: { originator, version, content, handling }, text, stixId }, leaf): EnvelopeRow => ({
      ...{ originator, stixId, version, node, epoch, leaf, hops: [], body: text },
      bare: handling === null,
      recalled: content.kind === 'recalled',
      digest: tree.digestOf(leaf),
      path: tree.pathOf(leaf),
    }),
  )
  const digest = createHash('sha256').update(jws).digest()
  return { rows, seal: { jws, digest, node, thumbprint: signer.kid, sealedAt: issuedAt } }
}
