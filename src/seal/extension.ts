import { verifyConsistency } from './proofs.ts'

/** The head of a log as somebody keeps it. */
export interface KeptHead {
  readonly size: number
  /** 32 bytes. */
  readonly root: Buffer
}

/**
 * Whether a log with the newer head begins with the older one, by one of the proofs that its node gave. No proof is a no: an honest node
 * has one for every head that it signed.
 */
export function isExtended(
  older: KeptHead,
  newer: KeptHead,
  proofs: readonly { readonly size: number; readonly path: readonly Uint8Array[] }[],
): boolean {
  if (older.size > newer.size) return false
  if (older.size === newer.size) return older.root.equals(newer.root)
  const proof = proofs.find(({ size }) => size === older.size)
  return (
    proof !== undefined &&
    verifyConsistency({ older: older.size, newer: newer.size, path: proof.path }, older.root, newer.root)
  )
}

/** A checkpoint of a node as somebody keeps it. */
export interface KeptCheckpoint extends KeptHead {
  readonly epoch: string
  /** The head of its audit log. */
  readonly audit?: KeptHead | undefined
}

type Proofs = Parameters<typeof isExtended>[2]

/** Which log of a node the newer checkpoint does not show to extend; undefined where it shows both. */
export function notExtended(
  older: KeptCheckpoint,
  newer: KeptCheckpoint,
  proofs: { readonly feed: Proofs; readonly audit: Proofs },
): 'not_extended' | 'audit_not_extended' | undefined {
  // Another epoch of its feed is another log; the audit log has no epochs.
  if (older.epoch === newer.epoch && !isExtended(older, newer, proofs.feed)) return 'not_extended'
  if (older.audit === undefined) return undefined
  if (newer.audit === undefined) return 'audit_not_extended'
  return isExtended(older.audit, newer.audit, proofs.audit) ? undefined : 'audit_not_extended'
}
