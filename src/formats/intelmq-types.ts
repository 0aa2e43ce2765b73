import { isRsitType, type RsitType } from '../domain/rsit.ts'

/** `classification.type` of IntelMQ 2 and 3 where it is not the word of RSIT; what RSIT has no word for is `other`. */
const types: Readonly<Record<string, RsitType>> = {
  'unauthorized-use-of-resources': 'unauthorised-use-of-resources',
  'unauthorized-information-access': 'unauthorised-information-access',
  'unauthorized-information-modification': 'unauthorised-information-modification',
  'privacy-leak': 'data-leak',
  blacklist: 'other',
  'dga-domain': 'other',
  malware: 'other',
  proxy: 'other',
  tor: 'other',
  backdoor: 'system-compromise',
  botnet: 'infected-system',
  'c&c': 'c2-server',
  compromised: 'system-compromise',
  ddos: 'ddos',
  defacement: 'unauthorised-information-modification',
  dropzone: 'other',
  'infected system': 'infected-system',
  ransomware: 'infected-system',
  unknown: 'undetermined',
  'vulnerable service': 'vulnerable-system',
  'vulnerable client': 'vulnerable-system',
  'vulnerable-service': 'vulnerable-system',
  'malware distribution': 'malware-distribution',
  'malware configuration': 'malware-configuration',
}

export const rsitOfIntelmq = (type: string): RsitType | undefined => {
  const bare = type.trim().toLowerCase()
  return isRsitType(bare) ? bare : Object.hasOwn(types, bare) ? types[bare] : undefined
}

/** IntelMQ's word for a type of RSIT. */
export const intelmqOfRsit = (type: RsitType): string =>
  type === 'unauthorised-use-of-resources' ? 'unauthorized-use-of-resources' : type
