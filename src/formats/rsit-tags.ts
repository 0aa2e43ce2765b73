import { Fault } from '../domain/errors.ts'
import { parseRsit, type RsitType, rsitClassOf } from '../domain/rsit.ts'

/** The machine tag of an RSIT type, as MISP writes it: `rsit:fraud="phishing"`. */
export function rsitTag(type: RsitType): string {
  return `rsit:${rsitClassOf(type)}="${type}"`
}

/**
 * The RSIT type a machine tag stands for: of RSIT itself, or of the MISP taxonomies `csirt-americas` (used by LACNIC's
 * members) and `europol-incident`. Undefined for any other tag and for a class without type.
 */
export function rsitOfTag(tag: string): RsitType | undefined {
  if (!tag.includes(':')) return undefined
  const bare = tag.trim().toLowerCase().replaceAll('"', '')
  const mapped = mappedTags.get(bare)
  if (mapped !== undefined) return mapped
  if (!bare.startsWith('rsit:') || !bare.includes('=')) return undefined
  try {
    return parseRsit(bare)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

const mappedTags: ReadonlyMap<string, RsitType> = new Map<string, RsitType>([
  ['csirt-americas:defacement', 'unauthorised-information-modification'],
  ['csirt-americas:malware', 'malware-distribution'],
  ['csirt-americas:ddos', 'ddos'],
  ['csirt-americas:phishing', 'phishing'],
  ['csirt-americas:spam', 'spam'],
  ['csirt-americas:botnet', 'infected-system'],
  ['csirt-americas:fastflux', 'c2-server'],
  ['csirt-americas:cryptojacking', 'unauthorised-use-of-resources'],
  ['csirt-americas:xss', 'exploit'],
  ['csirt-americas:sqli', 'exploit'],
  ['csirt-americas:vulnerability', 'vulnerable-system'],
  ['csirt-americas:infoleak', 'data-leak'],
  ['csirt-americas:compromise', 'system-compromise'],
  ['csirt-americas:other', 'other'],
  ['europol-incident:malware=infection', 'infected-system'],
  ['europol-incident:malware=distribution', 'malware-distribution'],
  ['europol-incident:malware=c&c', 'c2-server'],
  ['europol-incident:malware=undetermined', 'undetermined'],
  ['europol-incident:availability=dos-ddos', 'ddos'],
  ['europol-incident:availability=sabotage', 'sabotage'],
  ['europol-incident:information-gathering=scanning', 'scanner'],
  ['europol-incident:information-gathering=sniffing', 'sniffing'],
  ['europol-incident:information-gathering=phishing', 'phishing'],
  ['europol-incident:intrusion-attempt=exploitation-vulnerability', 'exploit'],
  ['europol-incident:intrusion-attempt=login-attempt', 'brute-force'],
  ['europol-incident:intrusion=exploitation-vulnerability', 'system-compromise'],
  ['europol-incident:intrusion=compromising-account', 'unprivileged-account-compromise'],
  ['europol-incident:information-security=unauthorized-access', 'unauthorised-information-access'],
  ['europol-incident:information-security=unauthorized-modification', 'unauthorised-information-modification'],
  ['europol-incident:fraud=illegitimate-use-resources', 'unauthorised-use-of-resources'],
  ['europol-incident:fraud=illegitimate-use-name', 'masquerade'],
  ['europol-incident:abusive-content=spam', 'spam'],
  ['europol-incident:abusive-content=copyright', 'copyright'],
  ['europol-incident:abusive-content=content-forbidden-by-law', 'violence'],
  ['europol-incident:other=other', 'other'],
])
