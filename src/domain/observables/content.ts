import { block, line, matching } from './text.ts'
import { inGroup, lowerCase } from './type.ts'

/** Rules and texts: shared whole, never masked. What can be told at a glance is checked, nothing is compiled. */
const rules = inGroup('content', { maskable: false, correlates: false, multiline: true }, [
  {
    id: 'yara-rule',
    description: 'YARA rules.',
    misp: ['yara'],
    parse: matching(/\bcondition\s{0,40}:/, 'a YARA rule: it has no condition', block),
  },
  {
    id: 'sigma-rule',
    description: 'A Sigma rule.',
    misp: ['sigma'],
    parse: matching(/(?:^|\n)[ \t]{0,40}detection[ \t]{0,8}:/, 'a Sigma rule: it has no detection', block),
  },
  {
    id: 'snort-rule',
    description: 'Rules of Snort.',
    misp: ['snort'],
    parse: matching(/^(?:#|[a-z_]{3,20}\s)/i, 'a Snort rule: it begins with an action', block),
  },
  {
    id: 'suricata-rule',
    description: 'Rules of Suricata.',
    misp: ['suricata'],
    parse: matching(/^(?:#|[a-z_]{3,20}\s)/i, 'a Suricata rule: it begins with an action', block),
  },
  {
    id: 'zeek-script',
    anyText: true,
    description: 'A script or signature of Zeek.',
    misp: ['zeek', 'bro'],
    parse: block,
  },
  { id: 'kusto-query', anyText: true, description: 'A hunting query in Kusto.', misp: ['kusto-query'], parse: block },
  { id: 'splunk-query', anyText: true, description: 'A hunting query in SPL.', parse: block },
  {
    id: 'stix-pattern',
    description: 'A STIX pattern.',
    misp: ['stix2-pattern'],
    parse: matching(/^[[(]/, 'a STIX pattern: it begins with [ or (', block),
  },
  {
    id: 'file-pattern',
    anyText: true,
    description: 'Bytes or text to look for in files, memory or traffic.',
    misp: ['pattern-in-file', 'pattern-in-memory', 'pattern-in-traffic', 'filename-pattern'],
    parse: block,
  },
  {
    id: 'text',
    anyText: true,
    description: 'Text about which nothing more is known.',
    misp: ['text', 'other'],
    parse: block,
  },
])

const knowledge = inGroup('content', { maskable: false, key: lowerCase }, [
  {
    id: 'attack-pattern',
    description: 'A technique of MITRE ATT&CK by its id.',
    parse: matching(/^T\d{4}(?:\.\d{3})?$/, 'an ATT&CK technique: T1059 or T1059.001', (text) => text.toUpperCase()),
  },
  {
    id: 'malware-family',
    anyText: true,
    description: 'Malware by the name of its family.',
    misp: ['malware-type'],
    parse: line,
  },
  {
    id: 'threat-actor',
    anyText: true,
    description: 'A threat actor by its name.',
    misp: ['threat-actor'],
    parse: line,
  },
  {
    id: 'campaign',
    anyText: true,
    description: 'A campaign by its name or id.',
    misp: ['campaign-name', 'campaign-id'],
    parse: line,
  },
])

export const contentTypes = [...rules, ...knowledge]
