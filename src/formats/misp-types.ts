import { typeOfMisp, unmappedMispTypes } from '../domain/observables/index.ts'
import type { ObservableGroup } from '../domain/observables/type.ts'
import { observableTypes } from '../domain/observables/types.ts'

/** Types, categories and defaults as MISP describes them, from the table of types. */

const categoryOfGroup: Readonly<Record<ObservableGroup, string>> = {
  network: 'Network activity',
  name: 'Network activity',
  fingerprint: 'Network activity',
  hash: 'Payload delivery',
  file: 'Payload delivery',
  host: 'Artifacts dropped',
  software: 'Payload delivery',
  mail: 'Payload delivery',
  identity: 'Social network',
  finance: 'Financial fraud',
  content: 'Payload delivery',
}

/** Where MISP's category of a type is another than that of its group. */
const categoryOfType: Readonly<Record<string, string>> = {
  'campaign-name': 'Attribution',
  'campaign-id': 'Attribution',
  'chrome-extension-id': 'Payload delivery',
  comment: 'Other',
  cpe: 'External analysis',
  'dns-soa-email': 'Attribution',
  'edge-extension-id': 'Payload delivery',
  'email-dst': 'Network activity',
  eppn: 'Network activity',
  'favicon-mmh3': 'Network activity',
  'git-commit-id': 'Internal reference',
  'github-repository': 'Social network',
  link: 'External analysis',
  other: 'Other',
  'phone-number': 'Person',
  'pgp-public-key': 'Person',
  prtn: 'Financial fraud',
  snort: 'Network activity',
  text: 'Other',
  'threat-actor': 'Attribution',
  vulnerability: 'External analysis',
  weakness: 'External analysis',
  'whois-registrant-email': 'Attribution',
  'whois-registrant-name': 'Attribution',
  'whois-registrant-org': 'Attribution',
  'whois-registrant-phone': 'Attribution',
  'whois-registrar': 'Attribution',
  bro: 'Network activity',
  suricata: 'Network activity',
  zeek: 'Network activity',
}

const groupOf = new Map<string, ObservableGroup>()
for (const { misp, group } of observableTypes.values())
  for (const name of misp) if (!groupOf.has(name)) groupOf.set(name, group)

/** The category of an attribute whose author named none. */
export function categoryOf(mispType: string): string {
  const named = categoryOfType[mispType]
  if (named !== undefined) return named
  if (mispType === 'domain|ip') return 'Network activity'
  if (mispType === 'regkey|value') return 'Artifacts dropped'
  if (mispType.startsWith('filename|') || mispType === 'malware-sample') return 'Payload delivery'
  if (mispType.startsWith('target-')) return 'Targeting data'
  const group = groupOf.get(mispType)
  return group === undefined ? 'Other' : categoryOfGroup[group]
}

const composites = ['domain|ip', 'regkey|value', 'malware-sample', ...[...observableTypes.values()].flatMap(hashPair)]

function hashPair({
  group,
  misp: [name],
}: {
  readonly group: ObservableGroup
  readonly misp: readonly string[]
}): string[] {
  return group === 'hash' && name !== undefined && typeOfMisp(`filename|${name}`) !== undefined
    ? [`filename|${name}`]
    : []
}

const types = [...new Set([...groupOf.keys(), ...composites, ...unmappedMispTypes])].sort()
/** Of these no indicator is made unless somebody says so. */
const contextual = new Set([...unmappedMispTypes, 'text', 'other', 'link', 'port'])

/** The answer of `/attributes/describeTypes`: the types that this node reads, and in what category it writes each. */
export function describedTypes() {
  const byCategory = new Map<string, string[]>()
  for (const type of types) {
    const category = categoryOf(type)
    byCategory.set(category, [...(byCategory.get(category) ?? []), type])
  }
  const defaults = types.map((type) => [
    type,
    { default_category: categoryOf(type), to_ids: contextual.has(type) ? 0 : 1 },
  ])
  return {
    sane_defaults: Object.fromEntries(defaults),
    types,
    categories: [...byCategory.keys()].sort(),
    category_type_mappings: Object.fromEntries([...byCategory].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
