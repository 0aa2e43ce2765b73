import { isPrefix, networkType, parseNetwork } from './ip.ts'
import { parseName } from './name.ts'
import { refang } from './refang.ts'
import { line } from './text.ts'
import { invalid } from './type.ts'

/** What the data of a record must be, by its type (RFC 1035, 3596, 2782, 4034, 6672, 8659). */
const dataOf: Readonly<Record<string, (data: string) => string>> = {
  A: addressOf('ipv4-address'),
  AAAA: addressOf('ipv6-address'),
  CNAME: nameOf,
  DNAME: nameOf,
  NS: nameOf,
  PTR: nameOf,
  MX: numbersThenName('a preference and a name', 1),
  SRV: numbersThenName('priority, weight, port and a name', 3),
  DS: digestOf,
  CAA: line,
  DNSKEY: line,
  HTTPS: line,
  SOA: line,
  SVCB: line,
  TXT: line,
}

/**
 * One record as passive DNS has it: `evil.example.com A 192.0.2.1`. A TTL and the class IN, as `dig` prints them, are taken and left out;
 * owner and what is a name or an address are brought to their own canonical form.
 * @throws {Fault} `invalid_value`
 */
export function parseDnsRecord(text: string): string {
  const parts = /^(\S{1,1024})\s+(?:\d{1,10}\s+)?(?:IN\s+)?([A-Za-z]{1,10})\s+(\S.*)$/.exec(line(text))
  const [, owner = '', word = '', data = ''] = parts ?? []
  const type = word.toUpperCase()
  const parse = Object.hasOwn(dataOf, type) ? dataOf[type] : undefined
  if (parse === undefined)
    throw invalid(text, `is not a DNS record: name, type (${Object.keys(dataOf).join(', ')}), data`)
  return `${parseName(refang(owner), 'single labels too')} ${type} ${parse(data)}`
}

/** The name that a canonical record belongs to. */
export const ownerOf = (record: string): string => record.slice(0, record.indexOf(' '))

function addressOf(type: string): (data: string) => string {
  return (data) => {
    const address = parseNetwork(refang(data))
    if (isPrefix(address) || networkType(address) !== type) throw invalid(data, `is not an ${type}`)
    return address
  }
}

function nameOf(data: string): string {
  return parseName(refang(data), 'single labels too')
}

function numbersThenName(what: string, count: number): (data: string) => string {
  return (data) => {
    const words = data.split(/\s+/)
    const numbers = words.slice(0, -1).map((word) => (/^\d{1,5}$/.test(word) ? Number(word) : Number.NaN))
    if (numbers.length !== count || !numbers.every((each) => each <= 65_535)) throw invalid(data, `is not ${what}`)
    return [...numbers, nameOf(words.at(-1) ?? '')].join(' ')
  }
}

/** Key tag, algorithm, kind of digest, digest (RFC 4034 §5.3). */
function digestOf(data: string): string {
  const parts = /^(\d{1,5}) (\d{1,3}) (\d{1,3}) ([0-9a-f ]{40,260})$/i.exec(data.replace(/\s+/g, ' '))
  const [, tag, algorithm, kind, spaced = ''] = parts ?? []
  const digest = spaced.replaceAll(' ', '').toLowerCase()
  // Of whole bytes, from SHA-1 up; spaces may stand anywhere in it.
  if (!/^(?:[0-9a-f]{2}){20,64}$/.test(digest)) throw invalid(data, 'is not the data of a DS record')
  return `${Number(tag)} ${Number(algorithm)} ${Number(kind)} ${digest}`
}
