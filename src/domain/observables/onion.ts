import { createHash } from 'node:crypto'
import { base32Bytes } from './base32.ts'
import { invalid } from './type.ts'

/**
 * Checks the label left of `.onion`: version 3 carries a checksum and its version (Tor rend-spec-v3 §6); version 2, out
 * of service since 2021 but in many old reports, carries nothing to check.
 * @param labels of the canonical name, `onion` last
 * @throws {Fault} `invalid_value`
 */
export function checkOnion(labels: readonly string[], text: string): void {
  const address = labels.at(-2) ?? ''
  if (/^[a-z2-7]{16}$/.test(address)) return
  if (!/^[a-z2-7]{56}$/.test(address)) throw invalid(text, 'is not an onion address: 56 base 32 digits before .onion')
  const bytes = base32Bytes(address)
  const key = bytes.subarray(0, 32)
  const version = bytes.subarray(34)
  const digest = createHash('sha3-256').update('.onion checksum').update(key).update(version).digest()
  if (version[0] !== 3 || digest[0] !== bytes[32] || digest[1] !== bytes[33]) {
    throw invalid(text, 'is not an onion address: its checksum is wrong')
  }
}
