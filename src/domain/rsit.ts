import { Fault } from './errors.ts'

/** ENISA Reference Security Incident Taxonomy, version 1003: class → types. */
export const rsit = {
  'abusive-content': ['spam', 'harmful-speech', 'violence'],
  'malicious-code': ['infected-system', 'c2-server', 'malware-distribution', 'malware-configuration'],
  'information-gathering': ['scanner', 'sniffing', 'social-engineering'],
  'intrusion-attempts': ['ids-alert', 'brute-force', 'exploit'],
  intrusions: [
    'privileged-account-compromise',
    'unprivileged-account-compromise',
    'application-compromise',
    'system-compromise',
    'burglary',
  ],
  availability: ['dos', 'ddos', 'misconfiguration', 'sabotage', 'outage'],
  'information-content-security': [
    'unauthorised-information-access',
    'unauthorised-information-modification',
    'data-loss',
    'data-leak',
  ],
  fraud: ['unauthorised-use-of-resources', 'copyright', 'masquerade', 'phishing'],
  vulnerable: [
    'weak-crypto',
    'ddos-amplifier',
    'potentially-unwanted-accessible',
    'information-disclosure',
    'vulnerable-system',
  ],
  other: ['other', 'undetermined'],
  test: ['test'],
} as const

export type RsitClass = keyof typeof rsit
export type RsitType = (typeof rsit)[RsitClass][number]

const classOfType = new Map<string, RsitClass>()
for (const [name, types] of Object.entries(rsit)) {
  for (const type of types) classOfType.set(type, name as RsitClass)
}

/** The RSIT class a type belongs to. */
export function rsitClassOf(type: RsitType): RsitClass {
  const found = classOfType.get(type)
  if (found === undefined) throw new Fault('invalid_record', `"${type}" is not an RSIT type`)
  return found
}

export const isRsitType = (text: string): text is RsitType => classOfType.has(text)
export const isRsitClass = (text: string): text is RsitClass => Object.hasOwn(rsit, text)

/**
 * Reads an RSIT type (`c2-server`, `malicious-code:c2-server`, or the machine tag `rsit:malicious-code="c2-server"`).
 * @throws {Fault} `invalid_record`
 */
export function parseRsit(text: string): RsitType {
  const bare = text.trim().toLowerCase().replaceAll('"', '')
  const last = bare.slice(Math.max(bare.lastIndexOf('='), bare.lastIndexOf(':')) + 1)
  if (!isRsitType(last)) throw new Fault('invalid_record', `"${text.slice(0, 60)}" is not an RSIT type`)
  return last
}
