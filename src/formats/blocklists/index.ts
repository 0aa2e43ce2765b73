import { clamav } from './clamav.ts'
import { csv } from './csv.ts'
import { dnsmasq } from './dnsmasq.ts'
import type { BlocklistFormat } from './format.ts'
import { haproxy } from './haproxy.ts'
import { hosts } from './hosts.ts'
import { ipset } from './ipset.ts'
import { nftables } from './nftables.ts'
import { plain } from './plain.ts'
import { rpz } from './rpz.ts'
import { squid } from './squid.ts'
import { suricataDatasets } from './suricata-datasets.ts'
import { suricataRules } from './suricata-rules.ts'
import { unbound } from './unbound.ts'
import { zeek } from './zeek.ts'

/** Every way of writing a blocklist, by its extension. */
export const blocklistFormats: ReadonlyMap<string, BlocklistFormat> = new Map(
  [
    plain,
    csv,
    rpz,
    unbound,
    dnsmasq,
    hosts,
    nftables,
    ipset,
    suricataRules,
    ...suricataDatasets,
    squid,
    haproxy,
    zeek,
    ...clamav,
  ].map((format) => [format.extension, format]),
)
