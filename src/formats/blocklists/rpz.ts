import type { Blockable } from '../../domain/released.ts'
import { type BlocklistFormat, nameTypes, networkTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/**
 * Room that is left for the name of the zone and the `*.` of the wildcard within the 253 characters of a name (RFC 1035 §2.3.4):
 * owners are written relative to the zone, whatever it is called.
 */
const zoneCharacters = 64

/** A response policy zone (draft-vixie-dnsop-dns-rpz-00): NXDOMAIN for names and all under them, and for answers in networks. */
export const rpz: BlocklistFormat = {
  extension: 'rpz',
  mediaType: 'text/dns; charset=utf-8',
  consumer: 'BIND, PowerDNS Recursor, Knot Resolver, Unbound',
  takes: [...nameTypes, ...networkTypes],
  collapses: false,
  merges: false,
  encode: (batches, facts) =>
    encodeLines(batches, facts, {
      comment: ';',
      head: `$TTL 300\n@ IN SOA localhost. root.localhost. ${facts.serial} 300 60 86400 60\n@ IN NS localhost.\n`,
      line,
    }),
}

function line({ type, value }: Blockable): string | undefined {
  if (type.startsWith('ip')) return `${networkTrigger(value)} CNAME .\n`
  // A name that ends as triggers do would be read as one.
  if (value.length + 2 + zoneCharacters > 253 || value.slice(value.lastIndexOf('.') + 1).startsWith('rpz-'))
    return undefined
  return `${value} CNAME .\n*.${value} CNAME .\n`
}

/** `24.0.2.0.192.rpz-ip`, `48.zz.db8.2001.rpz-ip`: the length, and the address from its end; `zz` stands for `::`. */
function networkTrigger(network: string): string {
  const [address = '', length] = network.split('/')
  if (!address.includes(':')) return `${length ?? '32'}.${address.split('.').reverse().join('.')}.rpz-ip`
  const groups = address
    .replace('::', ':zz:')
    .split(':')
    .filter((group) => group !== '')
  return `${length ?? '128'}.${groups.reverse().join('.')}.rpz-ip`
}
