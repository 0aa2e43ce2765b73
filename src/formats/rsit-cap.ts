import { isRsitType, type RsitType } from '../domain/rsit.ts'

/** Categories of Team Cymru's CAP, new and old, and what they are in RSIT. Those that say more keep their name as a label. */
const categories: Readonly<Record<string, RsitType>> = {
  bot: 'infected-system',
  bruteforce: 'brute-force',
  controller: 'c2-server',
  scanner: 'scanner',
  phishing: 'phishing',
  openresolver: 'ddos-amplifier',
  spam: 'spam',
  darknet: 'scanner',
  honeypot: 'scanner',
  proxy: 'other',
  conficker: 'infected-system',
  openresolvers: 'ddos-amplifier',
  beagle: 'infected-system',
  blaster: 'infected-system',
  bots: 'infected-system',
  dameware: 'infected-system',
  ddosreport: 'c2-server',
  defacement: 'unauthorised-information-modification',
  dipnet: 'infected-system',
  fastflux: 'c2-server',
  malwareurl: 'malware-distribution',
  mydoom: 'infected-system',
  nachi: 'infected-system',
  phatbot: 'infected-system',
  routers: 'system-compromise',
  scanners: 'scanner',
  sinit: 'infected-system',
  slammer: 'infected-system',
  spreaders: 'malware-distribution',
  stormworm: 'infected-system',
  toxbot: 'infected-system',
}

/** The category that stands for a type by itself: the first of it. */
const plain = new Map<RsitType, string>()
for (const [category, type] of Object.entries(categories)) if (!plain.has(type)) plain.set(type, category)
for (const type of ['other', 'system-compromise', 'unauthorised-information-modification'] as const) plain.delete(type)

/** The old form's categories that are the name of a family. */
const families: ReadonlySet<string> = new Set([
  ...['conficker', 'beagle', 'blaster', 'dameware', 'dipnet', 'mydoom', 'nachi', 'phatbot', 'sinit', 'slammer'],
  ...['stormworm', 'toxbot'],
])

export const isCapCategory = (word: string): boolean => Object.hasOwn(categories, word) || isRsitType(word)

export const rsitOfCap = (category: string): RsitType | undefined =>
  Object.hasOwn(categories, category) ? categories[category] : isRsitType(category) ? category : undefined

export const familyOfCap = (category: string): string | undefined => (families.has(category) ? category : undefined)

/** Whether the type does not say all that the category does. */
export const saysMore = (category: string): boolean => {
  const type = rsitOfCap(category)
  return type === undefined || (type !== category && plain.get(type) !== category)
}

/** The category to write; RSIT's own word where CAP has none. */
export const capOfRsit = (type: RsitType | undefined): string =>
  type === undefined ? 'unknown' : (plain.get(type) ?? type)
