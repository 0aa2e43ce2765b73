import { limits } from '../domain/limits.ts'
import type { Transaction } from '../store/database.ts'
import { keepQuarantined, type NewQuarantined, quarantineSize } from '../store/quarantine.ts'

/**
 * Keeps what was not applied, as far as there is room for that peer: what can never be applied, and is a name and a reason, takes at most
 * half, so that whoever sends rubbish does not push out what is only early. @returns how many were kept
 */
export async function keepAside(
  transaction: Transaction,
  peer: string,
  aside: readonly NewQuarantined[],
  at: Date,
): Promise<number> {
  if (aside.length === 0) return 0
  const { items, bytes, names } = await quarantineSize(transaction, peer)
  const kept = fitting(aside, { items, bytes, names })
  await keepQuarantined(transaction, peer, kept, at)
  return kept.length
}

function fitting(
  aside: readonly NewQuarantined[],
  size: { items: number; bytes: number; names: number },
): NewQuarantined[] {
  let { items, bytes, names } = size
  return aside.filter(({ entry }) => {
    const more = entry === null ? 0 : Buffer.byteLength(entry)
    if (items >= limits.quarantineItems || bytes + more > limits.quarantineBytes) return false
    if (entry === null && names >= limits.quarantineItems / 2) return false
    items++
    bytes += more
    if (entry === null) names++
    return true
  })
}
