import { isIPv4 } from 'node:net'
import type { Released } from '../domain/released.ts'
import type { Tlp } from '../domain/tlp.ts'
import { labelValue } from './event.ts'
import { asnOf, countryOf, eventParts, portOf, timeOf, withValues } from './event-out.ts'
import { isN6Category, n6OfRsit } from './n6-categories.ts'

/** Events as n6's REST API gives them: a JSON array, one event a line. Members that n6 has not begin with what is ours. */
export async function* encodeN6(items: AsyncIterable<Released> | Iterable<Released>): AsyncGenerator<string> {
  let before = '[\n'
  for await (const item of items) {
    yield before + JSON.stringify(n6Event(item))
    before = ',\n'
  }
  yield before === '[\n' ? '[]\n' : '\n]\n'
}

/** How far it may go, in n6's words; `tlp` beside it is exact. */
const restrictions: Readonly<Record<Tlp, string>> = {
  clear: 'public',
  green: 'need-to-know',
  amber: 'need-to-know',
  'amber+strict': 'internal',
  red: 'internal',
}

export function n6Event(indicator: Released): Record<string, unknown> {
  const { labels, handling, confidence } = indicator
  const parts = eventParts(indicator)
  const said = labelValue(labels, 'n6')
  const address = parts.ip === undefined ? undefined : [addressOf(parts.ip, indicator)]
  const destination = labelValue(labels, 'destination')
  return withValues({
    id: indicator.id,
    source: labelValue(labels, 'source') ?? indicator.originator?.id ?? indicator.alias,
    restriction: restrictions[handling.tlp],
    tlp: handling.tlp,
    pap: handling.pap,
    confidence: confidence === undefined ? undefined : wordOf(confidence),
    confidence_score: confidence,
    category: said !== undefined && isN6Category(said) ? said : n6OfRsit(indicator.classType),
    rsit: indicator.classType,
    time: indicator.firstSeen ?? timeOf(indicator),
    until: indicator.firstSeen === undefined ? undefined : timeOf(indicator),
    modified: indicator.modified,
    expires: indicator.validUntil,
    name: labelValue(labels, 'malware'),
    address,
    ip_network: parts.network,
    fqdn: parts.host,
    url: parts.url,
    sport: parts.port,
    dip: destination !== undefined && isIPv4(destination) ? destination : undefined,
    dport: portOf(labelValue(labels, 'destination-port')),
    proto: labelValue(labels, 'protocol'),
    origin: labelValue(labels, 'origin'),
    target: labelValue(labels, 'target'),
    email: parts.email,
    username: parts.account,
    md5: parts.hashes.md5,
    sha1: parts.hashes.sha1,
    sha256: parts.hashes.sha256,
    masked: indicator.masked ? true : undefined,
    type: indicator.type,
    value: indicator.masked || parts.others.length > 0 || parts.asn !== undefined ? indicator.value : undefined,
    observables: parts.others.length > 0 ? parts.others : undefined,
  })
}

const addressOf = (ip: string, indicator: Released): Record<string, unknown> =>
  withValues({ ip, cc: countryOf(indicator), asn: asnOf(indicator) })

const wordOf = (confidence: number): string => (confidence >= 67 ? 'high' : confidence >= 34 ? 'medium' : 'low')
