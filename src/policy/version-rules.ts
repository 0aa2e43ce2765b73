import { type Envelope, type Gap, isBare, isWhole, onlyNarrows } from '../domain/envelope.ts'
import { limits } from '../domain/limits.ts'
import { type Known, type Quarantined, quarantined, type Refused, refused } from '../domain/verdict.ts'

/** What a node has of one id of one originator: the latest version that it applied. */
export interface KnownVersion {
  readonly version: number
  /** Leaf hash of its exact bytes, 32 bytes. */
  readonly digest: Buffer
  readonly epoch: string
  /** Whether its content is here: false after a withdrawal, and where no organisation of this node may have it any more. */
  readonly held: boolean
  /** Whether that version came in its bare form only. */
  readonly bare: boolean
  readonly recalled: boolean
  /** Of a checkpoint. */
  readonly head?: { readonly size: number; readonly root: string }
}

type Judged = Known | Quarantined | Refused | undefined

/**
 * Whether a version may follow what is known: exactly the next, or over a gap that the sender declares; never an older one, another
 * one of the same number, or one from the future. What only takes away needs no gap declared and waits for no clock: a recall wins.
 * @param sealedAt when its batch was sealed
 */
export function judgeVersion(
  envelope: Envelope,
  digest: Buffer,
  sealedAt: string,
  gap: Gap | undefined,
  known: KnownVersion | undefined,
  now: Date,
): Judged {
  if (known?.recalled === true) return judgeRecalled(envelope)
  return (
    (known === undefined ? undefined : judgeKnown(envelope, digest, known)) ??
    judgeTime(envelope, sealedAt, now) ??
    judgeNext(envelope, gap, known?.version ?? 0, known)
  )
}

/** A tombstone stands for ever: another one says nothing new, and nothing else is heard. */
const judgeRecalled = ({ content }: Envelope): Judged =>
  content.kind === 'recalled' ? { outcome: 'known' } : refused('recalled', 'Its originator recalled it.')

function judgeKnown(envelope: Envelope, digest: Buffer, known: KnownVersion): Judged {
  const { version, epoch } = envelope
  if (version > known.version) return judgeHead(envelope, known)
  if (version < known.version) return refused('version_outdated', 'A later version is known.')
  if (digest.equals(known.digest)) return known.held || !isWhole(envelope) ? { outcome: 'known' } : undefined
  if (envelope.content.kind === 'recalled') return undefined
  // A version under another handling has two forms, and the whole one may be called a revision. Who had the bare one may have it now.
  if (known.bare && isWhole(envelope)) return undefined
  if (!known.bare && isBare(envelope)) return { outcome: 'known' }
  return epoch === known.epoch
    ? refused('equivocation', 'The node sealed two contents under one version.')
    : quarantined('epoch_conflict', 'The node began a new epoch, and sealed this version again.', 'operator')
}

/** The log of checkpoints only grows. */
function judgeHead({ content }: Envelope, { head }: KnownVersion): Judged {
  if (content.kind !== 'checkpoint' || head === undefined) return undefined
  if (content.size < head.size) return refused('version_outdated', 'The log of checkpoints was longer.')
  if (content.size > head.size || content.root === head.root) return undefined
  return refused('equivocation', 'The node signed two roots of one size.')
}

function judgeTime(envelope: Envelope, sealedAt: string, now: Date): Judged {
  const issued = Math.max(Date.parse(envelope.issuedAt), Date.parse(sealedAt))
  const ahead = issued - now.getTime()
  if (ahead > limits.issuedAheadHeldMs) return refused('issued_in_future', 'It is dated days ahead of our clock.')
  if (ahead <= limits.issuedAheadMs || onlyNarrows(envelope)) return undefined
  const at = new Date(issued - limits.issuedAheadMs).toISOString()
  return quarantined('issued_in_future', 'It is dated ahead of our clock.', { at })
}

function judgeNext(envelope: Envelope, gap: Gap | undefined, last: number, known: KnownVersion | undefined): Judged {
  const { version, previousVersion, content } = envelope
  if (onlyNarrows(envelope) || content.kind === 'checkpoint' || version === known?.version) return undefined
  if (previousVersion === last) return undefined
  if (previousVersion < last) return refused('version_conflict', `It follows ${previousVersion}, and ${last} is known.`)
  if (gap !== undefined && gap.from <= last) return undefined
  return quarantined('version_jump', `It follows ${previousVersion}, which is not here; ${last} is.`, 'version')
}
