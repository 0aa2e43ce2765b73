/** Rule languages (STIX 2.1 §10.14, pattern type vocabulary) and the observable type their text is kept under. */
export const ruleTypes: Readonly<Record<string, string>> = {
  snort: 'snort-rule',
  suricata: 'suricata-rule',
  yara: 'yara-rule',
  sigma: 'sigma-rule',
}
