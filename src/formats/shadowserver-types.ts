import type { RsitType } from '../domain/rsit.ts'

/**
 * What a Shadowserver report is about, by its type, in RSIT's own words: open resolvers are its example of `ddos-amplifier`, Telnet,
 * RDP and VNC of `potentially-unwanted-accessible`. The longest name that a type begins with counts, so that a report of tomorrow
 * has the class of its family.
 */
const families: readonly (readonly [string, RsitType])[] = (
  [
    ['blocklist', 'other'],
    ['compromised_account', 'data-leak'],
    ['compromised_iot', 'system-compromise'],
    ['compromised_website', 'system-compromise'],
    ['device_id', 'undetermined'],
    ['event_ddos_participant', 'ddos'],
    ['event_honeypot', 'scanner'],
    ['event_honeypot_brute_force', 'brute-force'],
    ['event_honeypot_ddos', 'ddos'],
    ['event_initial_access_broker', 'system-compromise'],
    ['event_ip_spoofer', 'misconfiguration'],
    ['event_microsoft_sinkhole', 'infected-system'],
    ['event_sinkhole', 'infected-system'],
    ['malware_url', 'malware-distribution'],
    ['phish_url', 'phishing'],
    ['population', 'undetermined'],
    ['ransomware_victim', 'system-compromise'],
    ['sandbox', 'malware-distribution'],
    ['sandbox_conn', 'c2-server'],
    ['sandbox_dns', 'c2-server'],
    ['scan', 'potentially-unwanted-accessible'],
    ['scan_beacon', 'c2-server'],
    ['scan_post_exploitation_framework', 'c2-server'],
    ['scan_synfulknock', 'system-compromise'],
    ['scan_ransom', 'system-compromise'],
    ['scan_badsecrets', 'vulnerable-system'],
    ['scan_exchange', 'vulnerable-system'],
    ['scan_http_vulnerable', 'vulnerable-system'],
    ['scan_imap_vulnerable', 'vulnerable-system'],
    ['scan_isakmp', 'vulnerable-system'],
    ['scan_nat_pmp', 'vulnerable-system'],
    ['scan_netis_router', 'vulnerable-system'],
    ['scan_pop3_vulnerable', 'vulnerable-system'],
    ['scan_smtp_vulnerable', 'vulnerable-system'],
    ['scan_ssl_freak', 'weak-crypto'],
    ['scan_ssl_poodle', 'weak-crypto'],
    ['scan_chargen', 'ddos-amplifier'],
    ['scan_coap', 'ddos-amplifier'],
    ['scan_ddos_middlebox', 'ddos-amplifier'],
    ['scan_dns', 'ddos-amplifier'],
    ['dns_openresolver', 'ddos-amplifier'],
    ['scan_ldap_udp', 'ddos-amplifier'],
    ['scan_loop_dos', 'ddos-amplifier'],
    ['scan_mdns', 'ddos-amplifier'],
    ['scan_memcached', 'ddos-amplifier'],
    ['scan_mssql', 'ddos-amplifier'],
    ['scan_netbios', 'ddos-amplifier'],
    ['scan_ntp', 'ddos-amplifier'],
    ['scan_ntpmonitor', 'ddos-amplifier'],
    ['scan_portmapper', 'ddos-amplifier'],
    ['scan_qotd', 'ddos-amplifier'],
    ['scan_rdpeudp', 'ddos-amplifier'],
    ['scan_slp', 'ddos-amplifier'],
    ['scan_snmp', 'ddos-amplifier'],
    ['scan_ssdp', 'ddos-amplifier'],
    ['scan_stun', 'ddos-amplifier'],
    ['scan_ubiquiti', 'ddos-amplifier'],
    ['scan_ws_discovery', 'ddos-amplifier'],
    ['scan_xdmcp', 'ddos-amplifier'],
    ['spam_url', 'spam'],
  ] satisfies readonly (readonly [string, RsitType])[]
).toSorted(([a], [b]) => b.length - a.length)

/** Undefined for a type of no known family: nobody's class is guessed. */
export function rsitOfReport(type: string): RsitType | undefined {
  const bare = withoutVersion(type)
  return families.find(([name]) => bare === name || bare.startsWith(`${name}_`))?.[1]
}

/** `scan6_dns` and `event4_sinkhole` are about what `scan_dns` and `event_sinkhole` would be. */
function withoutVersion(type: string): string {
  const [first = '', ...rest] = type.split('_')
  const family = first.endsWith('4') || first.endsWith('6') ? first.slice(0, -1) : first
  const last = rest.at(-1)
  // `compromised_iot6`, `device_id6`
  if (last?.endsWith('6') === true) rest[rest.length - 1] = last.slice(0, -1)
  return [family, ...rest].join('_')
}

/**
 * The type of a report, from itself or from a file's name: `2026-06-01-scan_dns-example-asn.csv`.
 * @returns undefined for what is neither
 */
export function reportType(text: string): string | undefined {
  const base = text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\')) + 1).toLowerCase()
  const dated = /^\d{4}-\d{2}-\d{2}-([a-z0-9_]{1,80})(?:-.*)?\.csv$/s.exec(base)
  if (dated !== null) return dated[1]
  return /^[a-z][a-z0-9_]{0,80}$/.test(base) ? base : undefined
}
