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

/** Whether a UUID is of version 1 to 5 and of the variant of RFC 4122, as STIX 2.1 §2.9 wants it. */
export const isStixUuid = (text: string): boolean =>
  isUuid(text) && '12345'.includes(text.charAt(14)) && '89abAB'.includes(text.charAt(19))

/** Whether a text is a STIX identifier (STIX 2.1 §2.9): `<type>--<uuid>`. */
export const isStixId = (text: string, type: string): boolean =>
  text.startsWith(`${type}--`) && isStixUuid(text.slice(type.length + 2))
