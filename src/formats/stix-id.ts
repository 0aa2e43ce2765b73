const hexDigits = '0123456789abcdefABCDEF'

/** Whether a text is a UUID in its usual form (RFC 9562 §4), of any version. */
export function isUuid(text: string): boolean {
  if (text.length !== 36) return false
  for (let at = 0; at < 36; at++) {
    const hyphen = at === 8 || at === 13 || at === 18 || at === 23
    if (hyphen ? text[at] !== '-' : !hexDigits.includes(text.charAt(at))) return false
  }
  return true
}

/** Whether a text is a STIX identifier (STIX 2.1 §2.9): `<type>--<uuid>`. */
export const isStixId = (text: string, type: string): boolean =>
  text.startsWith(`${type}--`) && isUuid(text.slice(type.length + 2))
