import type { FaultCode } from '../errors.ts'

/**
 * Where the formats put what they read, one call a record and no object for any: the bytes stay where they came. A record that
 * cannot be read is a fault, in its place.
 */
export interface ObservationSink {
  /** Where the next record begins: its line (from 1) or its byte (from 0), as the format counts. */
  place: number
  /**
   * A value as text, UTF-8 without escapes, in `bytes` from `start` to `end`.
   * @param type observable type; empty when it is to be told from the value
   * @param hour hours since 1970; {@link now} when the record does not say
   */
  text(bytes: Buffer, start: number, end: number, type: string, times: number, hour: number): void
  /** An IPv4 address as an unsigned number. */
  ipv4(address: number, times: number, hour: number): void
  /** An IPv6 address: 16 bytes from `start`. */
  ipv6(bytes: Buffer, start: number, times: number, hour: number): void
  /** A digest as raw bytes. */
  digest(bytes: Buffer, start: number, end: number, type: string, times: number, hour: number): void
  fault(code: FaultCode, message: string): void
}

/** The hour of records that do not say when: none that a time can lie in. */
export const now = -(2 ** 31)

/** The most that one record may count. */
export const mostTimes = 1_000_000_000

/** A codec that is fed chunks, cut anywhere. */
export interface ObservationScanner {
  push(chunk: Buffer): void
  /** Says that nothing follows. */
  end(): void
}
