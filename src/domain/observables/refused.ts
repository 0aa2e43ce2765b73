const papers = 'numbers of identity papers are not shared'
const travel = 'travel records are not shared'
const particulars = 'particulars of persons are not shared'
const secrets = 'secrets are not shared; share a digest, or the account they belong to'

/**
 * Kinds of data that have no place in a shared space, with the reason: who receives them could do more harm than good.
 * The ids are those of MISP's category Person, and what other formats call the same.
 */
export const refusedTypes: ReadonlyMap<string, string> = new Map([
  ...reasons(papers, ['passport-number', 'passport-country', 'passport-expiration', 'visa-number']),
  ...reasons(papers, ['issue-date-of-the-visa', 'identity-card-number', 'national-id', 'driving-licence-number']),
  ...reasons(travel, ['passenger-name-record', 'passenger-name-record-locator-number', 'redress-number']),
  ...reasons(travel, ['frequent-flyer-number', 'travel-details', 'payment-details', 'special-service-request']),
  ...reasons(travel, ['place-port-of-original-embarkation', 'place-port-of-clearance']),
  ...reasons(travel, ['place-port-of-onward-foreign-destination']),
  ...reasons(particulars, ['first-name', 'middle-name', 'last-name', 'full-name', 'gender', 'nationality']),
  ...reasons(particulars, ['date-of-birth', 'place-of-birth', 'primary-residence', 'country-of-residence']),
  ...reasons(secrets, ['password', 'credential', 'private-key', 'pgp-private-key', 'ssh-private-key']),
])

function reasons(reason: string, ids: readonly string[]): [string, string][] {
  return ids.map((id) => [id, reason])
}

/** Whether text, whatever it was called, is a private key in PEM or ASCII armour (RFC 7468). */
export const isPrivateKey = (text: string): boolean => /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/.test(text)
