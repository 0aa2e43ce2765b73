/**
 * The 104 kinds of data that CERTs exchange, as STIX, MISP, IntelMQ, Shadowserver, n6 and Team Cymru's CAP name them, and as what each
 * is taken here: a type of observable, or a value under a class of RSIT (a bot is an address with the class `infected-system`).
 * For the page of types and the test that holds the words against the codecs; nothing else reads it.
 */
export interface Kind {
  readonly kind: string
  /** `misp:<attribute type>` (`~` for a space), `stix:<object path>`, `intelmq:`, `n6:`, `cap:` and `shadowserver:<what says the class>`. */
  readonly words: readonly string[]
  /** Ids of types; for a class, those that it usually comes with. */
  readonly types: readonly string[]
  /** Types of RSIT; empty where the kind is a value and says nothing of what it does. */
  readonly classes: readonly string[]
}

const split = (text: string): readonly string[] => text.split(' ').filter((each) => each !== '')

const kind = (kind: string, types: string, words = '', classes = ''): Kind => ({
  kind,
  types: split(types),
  words: split(words),
  classes: split(classes),
})

const networks = [
  kind('IPv4 address', 'ipv4-address', 'stix:ipv4-addr:value misp:ip-src misp:ip-dst'),
  kind('IPv6 address', 'ipv6-address', 'stix:ipv6-addr:value misp:ip-src misp:ip-dst'),
  kind('prefix', 'ipv4-prefix ipv6-prefix'),
  kind(
    'socket',
    'ip-port host-port port',
    'misp:ip-dst|port misp:hostname|port misp:port stix:network-traffic:dst_port',
  ),
  kind('autonomous system', 'autonomous-system', 'stix:autonomous-system:number misp:AS'),
  kind('route with its origin', 'bgp-prefix-origin'),
  kind('bogon', 'ipv4-prefix ipv6-prefix', '', 'other'),
  kind('hardware address', 'mac-address mac-eui-64', 'stix:mac-addr:value misp:mac-address misp:mac-eui-64'),
  kind('Tor relay or exit', 'tor-relay ipv4-address ipv6-address', 'n6:tor intelmq:tor', 'other'),
  kind('open proxy', 'ip-port ipv4-address ipv6-address', 'cap:proxy n6:proxy intelmq:proxy', 'other'),
  kind('anonymiser', 'ipv4-address ipv6-address', 'intelmq:proxy', 'other'),
  kind('flow', 'ip-port community-id', 'n6:flow n6:flow-anomaly', 'undetermined ids-alert'),
  kind('Community ID', 'community-id', 'misp:community-id'),
  kind('SSH host key', 'ssh-fingerprint', 'misp:ssh-fingerprint'),
  kind('where an address is', 'ipv4-address ipv6-address', 'shadowserver:device_id', 'undetermined'),
  kind('reverse name', 'hostname dns-record', 'misp:hostname'),
]

const names = [
  kind('domain name', 'domain-name', 'stix:domain-name:value misp:domain'),
  kind('host name', 'hostname', 'misp:hostname stix:hostname:value'),
  kind('onion service', 'onion-address', 'misp:onion-address'),
  kind('URL', 'url', 'stix:url:value misp:url misp:link'),
  kind('URI pattern', 'url-path file-pattern', 'misp:uri misp:pattern-in-traffic'),
  kind('URL path', 'url-path', "misp:uri stix:network-traffic:extensions.'http-request-ext'.request_value"),
  kind('passive DNS record', 'dns-record'),
  kind('DNS query', 'domain-name', 'n6:dns-query', 'undetermined'),
  kind('name server, and its change', 'dns-record hostname'),
  kind('DNSSEC anomaly', 'dns-record'),
  kind('generated domain', 'domain-name', 'intelmq:dga-domain', 'other'),
  kind('registration', 'registrant registrar', 'misp:whois-registrant-name misp:whois-registrar'),
]

const fingerprints = [
  kind(
    'certificate',
    'x509-fingerprint-md5 x509-fingerprint-sha1 x509-fingerprint-sha256 x509-serial-number x509-subject x509-issuer',
    'misp:x509-fingerprint-md5 misp:x509-fingerprint-sha1 misp:x509-fingerprint-sha256 stix:x509-certificate:subject',
  ),
  kind('JA3', 'ja3 ja3s', 'misp:ja3-fingerprint-md5'),
  kind('JA4', 'ja4 ja4s ja4h ja4x'),
  kind('JARM', 'jarm', 'misp:jarm-fingerprint'),
  kind('HASSH', 'hassh hassh-server', 'misp:hassh-md5 misp:hasshserver-md5'),
  kind('favicon', 'favicon-mmh3', 'misp:favicon-mmh3'),
  kind('DOM hash', 'dom-hash', 'misp:dom-hash'),
  kind('user agent', 'user-agent', 'misp:user-agent stix:user-agent:value'),
  kind('HTTP method, header, cookie', 'http-method http-header http-cookie', 'misp:http-method misp:cookie'),
  kind('banner', 'server-banner'),
  kind('TLS server name', 'hostname'),
  kind('web inject', 'file-pattern', 'n6:webinject', 'malware-configuration'),
  kind('phishing kit', 'sha256 dom-hash', 'misp:dom-hash cap:phishing n6:phish', 'phishing'),
  kind('defaced page', 'url', 'n6:deface cap:defacement', 'unauthorised-information-modification'),
  kind('browser extension', 'browser-extension-id', 'misp:chrome-extension-id misp:edge-extension-id'),
]

const files = [
  kind('MD5', 'md5', 'stix:file:hashes.MD5 misp:md5'),
  kind('SHA-1', 'sha1', "stix:file:hashes.'SHA-1' misp:sha1"),
  kind('SHA-256', 'sha256', "stix:file:hashes.'SHA-256' misp:sha256"),
  kind('other digests', 'sha224 sha384 sha512 sha3-256 sha3-512', 'misp:sha512 misp:sha3-256 misp:sha384'),
  kind('imphash', 'imphash', 'misp:imphash'),
  kind('fuzzy hash', 'ssdeep tlsh', 'stix:file:hashes.SSDEEP misp:ssdeep misp:tlsh'),
  kind(
    'structural hash',
    'authentihash vhash pehash impfuzzy telfhash cdhash',
    'misp:authentihash misp:vhash misp:pehash misp:impfuzzy misp:telfhash misp:cdhash',
  ),
  kind(
    'file name, path, directory',
    'filename file-path directory',
    'stix:directory:path stix:file:name misp:filename',
  ),
  kind('sample, by its digests', 'sha256 md5 mime-type', 'stix:artifact:mime_type misp:mime-type'),
  kind('process, command line', 'command-line', 'stix:process:command_line'),
  kind('mutex, named pipe', 'mutex named-pipe', 'stix:mutex:name misp:mutex misp:named~pipe'),
  kind('registry', 'registry-key registry-value registry-value-name', 'stix:windows-registry-key:key misp:regkey'),
  kind(
    'scheduled task, service',
    'scheduled-task windows-service',
    'misp:windows-scheduled-task misp:windows-service-name',
  ),
  kind('software', 'software cpe package-url container-image', 'stix:software:name stix:software:cpe misp:cpe'),
  kind(
    'repository, commit',
    'git-commit github-repository github-username',
    'misp:git-commit-id misp:github-repository',
  ),
]

const people = [
  kind('e-mail address', 'email-address', 'stix:email-addr:value misp:email-src misp:email-dst misp:email'),
  kind('e-mail message', 'email-subject email-header email-message-id', 'stix:email-message:subject misp:email-header'),
  kind(
    'e-mail parts',
    'filename email-body email-x-mailer',
    'misp:email-attachment misp:email-body misp:email-x-mailer',
  ),
  kind('DKIM', 'dkim dkim-signature', 'misp:dkim misp:dkim-signature'),
  kind('telephone number', 'phone-number', 'misp:phone-number misp:prtn'),
  kind(
    'account',
    'user-account jabber-id twitter-id telegram-id',
    'stix:user-account:account_login misp:jabber-id misp:twitter-id',
  ),
  kind('mobile application', 'mobile-application-id', 'misp:mobile-application-id'),
  kind('cloud application', 'azure-application-id', 'misp:azure-application-id'),
  kind('public PGP key', 'pgp-public-key pgp-fingerprint', 'misp:pgp-public-key'),
  kind('persona', 'persona', 'stix:persona:persona_name'),
  kind('device', 'device-model', 'shadowserver:device_id', 'undetermined'),
]

const money = [
  kind('IBAN', 'iban', 'misp:iban stix:bank-account:iban'),
  kind('bank', 'bic aba-routing-number', 'misp:bic misp:aba-rtn'),
  kind('bank account', 'bank-account', 'misp:bank-account-nr'),
  kind('payment card', 'payment-card card-bin', 'misp:cc-number misp:bin'),
  kind('wallet', 'bitcoin-address monero-address ethereum-address dash-address', 'misp:btc misp:xmr misp:dash'),
  kind('fraudulent shop', 'url', 'n6:fraud n6:scam', 'masquerade'),
  kind('tracking number', 'tracking-number', 'stix:tracking-number:value'),
  kind('lure by telephone', 'phone-number', 'n6:scam', 'masquerade'),
]

const compromise = [
  kind('bot', 'ipv4-address ipv6-address', 'cap:bot n6:bots intelmq:infected-system', 'infected-system'),
  kind('command and control', 'ip-port domain-name url', 'cap:controller n6:cnc intelmq:c2-server', 'c2-server'),
  kind(
    'where malware lies',
    'url',
    'n6:malurl n6:sandbox-url shadowserver:malware_url intelmq:malware-distribution',
    'malware-distribution',
  ),
  kind('malware configuration', 'url', 'n6:malware-action intelmq:malware-configuration', 'malware-configuration'),
  kind(
    'seen at a sinkhole',
    'ipv4-address',
    'shadowserver:event4_sinkhole shadowserver:event6_sinkhole_http',
    'infected-system',
  ),
  kind('seen at a honeypot', 'ipv4-address', 'cap:honeypot shadowserver:event4_honeypot_http_scan', 'scanner'),
  kind('seen in a darknet', 'ipv4-address', 'cap:darknet', 'scanner'),
  kind('scanner', 'ipv4-address', 'cap:scanner n6:scanning intelmq:scanner', 'scanner'),
  kind(
    'brute force',
    'ipv4-address',
    'cap:bruteforce intelmq:brute-force shadowserver:event4_honeypot_brute_force',
    'brute-force',
  ),
  kind('exploit attempt', 'ipv4-address', 'n6:server-exploit intelmq:exploit', 'exploit'),
  kind('spam', 'ipv4-address url', 'cap:spam n6:spam n6:spam-url shadowserver:spam_url', 'spam'),
  kind(
    'amplifier',
    'ip-port',
    'cap:openresolver n6:amplifier shadowserver:scan_dns intelmq:ddos-amplifier',
    'ddos-amplifier',
  ),
  kind(
    'denial of service',
    'ipv4-address',
    'n6:dos-attacker n6:dos-victim shadowserver:event4_ddos_participant',
    'ddos dos',
  ),
  kind(
    'vulnerable or exposed service',
    'ip-port',
    'n6:vulnerable n6:exposed intelmq:vulnerable-system shadowserver:scan_telnet shadowserver:scan_http_vulnerable',
    'vulnerable-system potentially-unwanted-accessible',
  ),
  kind(
    'leaked account, without its password',
    'email-address user-account',
    'n6:leak shadowserver:compromised_account',
    'data-leak',
  ),
  kind(
    'compromised site or device',
    'url ipv4-address',
    'shadowserver:compromised_website shadowserver:compromised_iot n6:backdoor',
    'system-compromise',
  ),
  kind('victim of ransomware', 'domain-name', 'shadowserver:ransomware_victim', 'system-compromise'),
]

const knowledge = [
  kind('vulnerability', 'vulnerability', 'misp:vulnerability'),
  kind('weakness', 'weakness', 'misp:weakness'),
  kind('attack pattern', 'attack-pattern'),
  kind('malware family', 'malware-family', 'misp:malware-type'),
  kind('actor, campaign', 'threat-actor campaign', 'misp:threat-actor misp:campaign-name misp:campaign-id'),
  kind('STIX pattern', 'stix-pattern', 'misp:stix2-pattern'),
  kind('YARA rule', 'yara-rule', 'misp:yara'),
  kind('Sigma rule', 'sigma-rule', 'misp:sigma'),
  kind('rule for traffic', 'snort-rule suricata-rule zeek-script', 'misp:snort misp:suricata misp:zeek misp:bro'),
  kind('hunting query', 'kusto-query splunk-query', 'misp:kusto-query'),
]

/** In the order in which the page lists them. */
export const kinds: readonly Kind[] = [
  ...networks,
  ...names,
  ...fingerprints,
  ...files,
  ...people,
  ...money,
  ...compromise,
  ...knowledge,
]
