import { isIP } from 'node:net'
import type { Released } from '../domain/released.ts'
import type { Tlp } from '../domain/tlp.ts'
import { labelValue } from './event.ts'
import { asnOf, countryOf, eventParts, portOf, timeOf, withValues } from './event-out.ts'
import { intelmqOfRsit } from './intelmq-types.ts'

/** IntelMQ events, one a line, flat names, as its file output writes them and its JSON parser reads them. */
export async function* encodeIntelmq(items: AsyncIterable<Released> | Iterable<Released>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(intelmqEvent(item))}\n`
}

/** IntelMQ knows TLP 1 alone: what has no word there gets the stricter one, and says what it is in `extra`. */
const tlps: Readonly<Record<Tlp, string>> = {
  clear: 'WHITE',
  green: 'GREEN',
  amber: 'AMBER',
  'amber+strict': 'RED',
  red: 'RED',
}

export function intelmqEvent(indicator: Released): Record<string, unknown> {
  const { labels, handling, classType, originator, alias } = indicator
  const parts = eventParts(indicator)
  const destination = labelValue(labels, 'destination')
  const destinationIp = destination !== undefined && isIP(destination) !== 0 ? destination : undefined
  return withValues({
    __type: 'Event',
    'classification.taxonomy': indicator.class,
    'classification.type':
      labelValue(labels, 'intelmq') ?? (classType === undefined ? 'undetermined' : intelmqOfRsit(classType)),
    'classification.identifier': labelValue(labels, 'identifier'),
    'time.source': seconds(timeOf(indicator)),
    'time.observation': seconds(indicator.dateAdded),
    'source.ip': parts.ip,
    'source.network': parts.network,
    'source.port': parts.port,
    'source.fqdn': parts.host,
    'source.url': parts.url,
    'source.asn': parts.asn ?? asnOf(indicator),
    'source.geolocation.cc': countryOf(indicator),
    'source.account': parts.account ?? parts.email,
    'destination.ip': destinationIp,
    'destination.fqdn': destinationIp === undefined ? destination : undefined,
    'destination.port': portOf(labelValue(labels, 'destination-port')),
    'malware.name': labelValue(labels, 'malware'),
    'malware.hash.md5': parts.hashes.md5,
    'malware.hash.sha1': parts.hashes.sha1,
    'malware.hash.sha256': parts.hashes.sha256,
    'protocol.transport': labelValue(labels, 'protocol'),
    'protocol.application': labelValue(labels, 'service'),
    'event_description.target': indicator.name,
    'event_description.text': indicator.description,
    'feed.name': labelValue(labels, 'feed'),
    'feed.provider': originator?.name ?? alias,
    'feed.accuracy': indicator.confidence,
    tlp: tlps[handling.tlp],
    extra: withValues({
      id: indicator.id,
      version: indicator.version,
      type: indicator.type,
      value: indicator.masked || parts.others.length > 0 ? indicator.value : undefined,
      masked: indicator.masked ? true : undefined,
      observables: parts.others.length > 0 ? parts.others : undefined,
      tlp: handling.tlp === 'amber+strict' ? 'AMBER+STRICT' : undefined,
      pap: handling.pap.toUpperCase(),
      labels: labels.length > 0 ? labels : undefined,
    }),
  })
}

/** IntelMQ's times have whole seconds and +00:00. */
const seconds = (time: string): string => `${time.slice(0, 19)}+00:00`
