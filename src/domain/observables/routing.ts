import { asCidr, isPrefix, parseNetwork } from './ip.ts'
import { invalid } from './type.ts'

const largestAsn = 4_294_967_295

/** `AS64512` from asplain or asdot (`1.10` = 65546), with or without AS (RFC 5396). */
export function parseAsn(text: string): string {
  const parts = /^(?:AS ?)?(\d{1,10})(?:\.(\d{1,5}))?$/i.exec(text)
  if (parts === null) throw invalid(text, 'is not an AS number: AS and digits')
  const high = Number(parts[1])
  const low = parts[2] === undefined ? undefined : Number(parts[2])
  if (low !== undefined && (high > 65_535 || low > 65_535)) throw invalid(text, 'is not an AS number in asdot')
  const asn = low === undefined ? high : high * 65_536 + low
  if (asn > largestAsn) throw invalid(text, `is not an AS number: they go up to ${largestAsn}`)
  return `AS${asn}`
}

export const numberOfAsn = (value: string): number => Number(value.slice(2))

/** A prefix and the autonomous system that announces it, as `192.0.2.0/24 AS64496`. */
export function parseRoute(text: string): string {
  const parts = /^([0-9a-f:./]{2,50})[ |,]+((?:AS)?[0-9.]{1,12})$/i.exec(text)
  if (parts === null) throw invalid(text, 'is not a prefix and its origin AS')
  const network = parseNetwork(parts[1] ?? '')
  return `${isPrefix(network) ? network : asCidr(network)} ${parseAsn(parts[2] ?? '')}`
}

/** The parts of a canonical route. */
export function splitRoute(value: string): { readonly prefix: string; readonly origin: string } {
  const [prefix = '', origin = ''] = value.split(' ')
  return { prefix, origin }
}
