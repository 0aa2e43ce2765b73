import { Fault } from '../errors.ts'
import { isJurisdiction } from '../jurisdiction.ts'
import { invalid } from './type.ts'

const compact = (text: string): string => text.replace(/[\s-]/g, '')

/** An IBAN in capitals without spaces: country, check digits (ISO 7064 MOD 97-10), account (ISO 13616-1). */
export function parseIban(text: string): string {
  const iban = compact(text).toUpperCase()
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban) || !isJurisdiction(iban.slice(0, 2))) {
    throw invalid(text, 'is not an IBAN: a country, two check digits and 11 to 30 letters and digits')
  }
  if (mod97(iban.slice(4) + iban.slice(0, 4)) !== 1) throw invalid(text, 'is not an IBAN: its check digits are wrong')
  return iban
}

/** The remainder by 97 of capitals and digits, each letter read as 10 to 35. */
function mod97(text: string): number {
  let remainder = 0
  for (const character of text) {
    const value = Number.parseInt(character, 36)
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder
}

/** A BIC (ISO 9362) in capitals; branch XXX is the head office, which eight characters name as well. */
export function parseBic(text: string): string {
  const bic = compact(text).toUpperCase()
  if (!/^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(bic) || !isJurisdiction(bic.slice(4, 6))) {
    throw invalid(text, 'is not a BIC: eight or eleven characters with a country in the middle')
  }
  return bic.endsWith('XXX') && bic.length === 11 ? bic.slice(0, 8) : bic
}

/** An ABA routing transit number: nine digits, weighted 3, 7, 1, adding up to a multiple of ten. */
export function parseRoutingNumber(text: string): string {
  const digits = compact(text)
  if (!/^\d{9}$/.test(digits)) throw invalid(text, 'is not an ABA routing number: nine digits')
  const weights = [3, 7, 1] as const
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (weights[index % 3] ?? 0), 0)
  if (sum % 10 !== 0 || sum === 0) throw invalid(text, 'is not an ABA routing number: its check digit is wrong')
  return digits
}

/**
 * The number of a payment card: 12 to 19 digits, the last by the Luhn formula (ISO/IEC 7812-1 Annex B). A refusal does
 * not repeat the number: messages reach logs, which must not hold one (PCI DSS 3.3).
 */
export function parseCardNumber(text: string): string {
  const digits = compact(text)
  if (!/^\d{12,19}$/.test(digits)) throw notACard('12 to 19 digits')
  if (!luhn(digits)) throw notACard('its check digit is wrong')
  return digits
}

const notACard = (why: string): Fault => new Fault('invalid_value', `this is not the number of a payment card: ${why}`)

function luhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? Number(digit) : Number(digit) * 2
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return sum % 10 === 0
}

/** A national account number, capitals and digits without spaces: no check that holds everywhere. */
export function parseAccountNumber(text: string): string {
  const account = compact(text).toUpperCase()
  if (!/^[A-Z0-9/.]{4,34}$/.test(account) || !/\d/.test(account)) {
    throw invalid(text, 'is not a bank account number: 4 to 34 letters and digits')
  }
  return account
}
