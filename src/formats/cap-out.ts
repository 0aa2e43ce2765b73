import type { Released } from '../domain/released.ts'
import { labelValue, labelValues } from './event.ts'
import { asnOf, countryOf, type EventParts, eventParts, timeOf } from './event-out.ts'
import { capOfRsit, isCapCategory } from './rsit-cap.ts'

/**
 * CAP, new form: one line for each indicator that has an address. How many have none a comment tells; their values would be
 * another format's. `tlp` is a key of ours: a line must not lose its marking.
 * @param on the day it is made
 */
export async function* encodeCap(
  items: AsyncIterable<Released> | Iterable<Released>,
  on: Date,
): AsyncGenerator<string> {
  yield `#generated on ${on.toISOString().slice(0, 10).replaceAll('-', '')}\n`
  yield '#category|address|asn|timestamp|optional_information|asninfo\n'
  let left = 0
  for await (const item of items) {
    const line = capLine(item)
    if (line === undefined) left++
    else yield `${line}\n`
  }
  if (left > 0) yield `#without an address, hence not here: ${left}\n`
}

export function capLine(indicator: Released): string | undefined {
  const parts = eventParts(indicator)
  if (parts.ip === undefined) return undefined
  const said = labelValue(indicator.labels, 'cap')
  const category = said !== undefined && isCapCategory(said) ? said : capOfRsit(indicator.classType)
  const country = countryOf(indicator)
  const cells = [
    category,
    parts.ip,
    String(asnOf(indicator) ?? 0),
    timeOf(indicator).slice(0, 19).replace('T', ' '),
    information(indicator, parts, category),
    country === undefined ? '' : `AS${asnOf(indicator) ?? 0}, ${country}`,
  ]
  return cells.map((cell) => cell.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')).join('|')
}

/** `key: value;` pairs; what would end one early is left out of a value, and the URL stands first, without a key. */
function information({ labels, handling }: Released, parts: EventParts, category: string): string {
  const pair = (key: string, value: string | number | undefined): string =>
    value === undefined || value === '' ? '' : `${key}: ${String(value).replace(/[;|]/g, ' ')};`
  const service = labelValue(labels, 'service')
  const bare = parts.url ?? (category === 'bruteforce' ? (service ?? '').replace(/[;|]/g, ' ') : '')
  const ports = labelValues(labels, 'destination-port').filter((port) => /^\d{1,5}$/.test(port))
  return [
    bare === '' ? '' : `${bare};`,
    pair('family', labelValue(labels, 'malware')),
    pair('dest_addr', labelValue(labels, 'destination')),
    pair('destination_port_numbers', ports.join(',')),
    category === 'proxy' && service !== undefined
      ? pair('proxy_type', proxyType(service, parts.port))
      : pair('port', parts.port),
    pair('protocol', numbers[labelValue(labels, 'protocol') ?? ''] ?? labelValue(labels, 'protocol')),
    pair('hostname', parts.host),
    pair('username', parts.account),
    pair('additional_asns', labelValues(labels, 'asn').slice(1).join(',')),
    pair('tlp', handling.tlp),
    pair('pap', handling.pap === 'green' ? undefined : handling.pap),
  ].join('')
}

const proxyType = (service: string, port: number | undefined): string =>
  port === undefined ? service : `${service}-${port}`

const numbers: Readonly<Record<string, number | undefined>> = { icmp: 1, tcp: 6, udp: 17 }
