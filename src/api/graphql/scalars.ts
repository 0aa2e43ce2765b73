import { GraphQLError, Kind, type ValueNode } from 'graphql'
import { parseTimestamp } from '../../formats/timestamp.ts'

/** RFC 3339; what comes in is brought to ISO 8601 UTC, so that everything behind has one form. */
export const DateTime = {
  serialize: (value: unknown): unknown => value,
  parseValue: instant,
  parseLiteral: (node: ValueNode): string => instant(node.kind === Kind.STRING ? node.value : undefined),
}

/** Number of an autonomous system, up to 32 bits without sign (RFC 6793). */
export const ASN = {
  serialize: (value: unknown): unknown => value,
  parseValue: systemNumber,
  parseLiteral: (node: ValueNode): number => systemNumber(node.kind === Kind.INT ? Number(node.value) : undefined),
}

function instant(value: unknown): string {
  const time = typeof value === 'string' ? parseTimestamp(value, 'rfc3339') : undefined
  if (time === undefined) throw new GraphQLError('A time is written as in "2026-06-01T12:00:00Z" (RFC 3339).')
  return time
}

function systemNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 4_294_967_295) return value
  throw new GraphQLError('An AS number is a whole number from 0 to 4294967295.')
}
