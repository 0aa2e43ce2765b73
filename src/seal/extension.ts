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
