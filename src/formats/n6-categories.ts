import type { RsitType } from '../domain/rsit.ts'

/** n6's categories and what they are in RSIT. The first of a type is what stands for it by itself. */
const categories: Readonly<Record<string, RsitType>> = {
  amplifier: 'ddos-amplifier',
  bots: 'infected-system',
  cnc: 'c2-server',
  deface: 'unauthorised-information-modification',
  'dos-attacker': 'ddos',
  exposed: 'potentially-unwanted-accessible',
  fraud: 'masquerade',
  leak: 'data-leak',
  malurl: 'malware-distribution',
  phish: 'phishing',
  scanning: 'scanner',
  'server-exploit': 'exploit',
  spam: 'spam',
  vulnerable: 'vulnerable-system',
  other: 'other',
  backdoor: 'system-compromise',
  'dns-query': 'undetermined',
  'dos-victim': 'dos',
  flow: 'undetermined',
  'flow-anomaly': 'ids-alert',
  'malware-action': 'malware-configuration',
  proxy: 'other',
  'sandbox-url': 'malware-distribution',
  scam: 'masquerade',
  'spam-url': 'spam',
  tor: 'other',
  webinject: 'malware-configuration',
}

const plain = new Map<RsitType, string>()
for (const [category, type] of Object.entries(categories)) {
  if (
    !plain.has(type) &&
    !['backdoor', 'dns-query', 'dos-victim', 'flow-anomaly', 'malware-action'].includes(category)
  ) {
    plain.set(type, category)
  }
}
plain.delete('undetermined')
plain.delete('malware-configuration')

export const rsitOfN6 = (category: string): RsitType | undefined =>
  Object.hasOwn(categories, category) ? categories[category] : undefined

/** Whether the type does not say all that the category does. */
export const n6SaysMore = (category: string): boolean => {
  const type = rsitOfN6(category)
  return type === undefined || plain.get(type) !== category
}

/** The category to write; `other` where n6 has none for the type. */
export const n6OfRsit = (type: RsitType | undefined): string =>
  type === undefined ? 'other' : (plain.get(type) ?? 'other')

export const isN6Category = (word: string): boolean => Object.hasOwn(categories, word)
