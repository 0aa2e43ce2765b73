import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { getDomain, parse as suffixes } from 'tldts'
import { checkOnion } from './onion.ts'
import { invalid } from './type.ts'

/** RFC 1035 §2.3.4, without the trailing dot. */
const nameCharacters = 253
const labelCharacters = 63
/** Longer text cannot be a name, whatever IDNA maps away; it keeps the mapping cheap. */
const nameTextCharacters = 1_024

/**
 * A domain or host name as A-labels in lower case (UTS 46, non-transitional), without trailing dot.
 * Labels are letters, digits, hyphens and underscores; in the registrable domain and its suffix only what a registry
 * hands out (RFC 952, RFC 1123). Onion names are checked by their own rule.
 * @throws {Fault} `invalid_value`, also for addresses and wildcards, and for single labels unless allowed
 */
export function parseName(text: string, single: 'single labels too' | 'two labels or more'): string {
  if (isPlainName(text)) {
    checkRegistrable(text, text)
    return text
  }
  // domainToASCII cuts at / and ?, and decodes %: it would make a name out of something else
  if (text.length > nameTextCharacters || /[\s%/?#@:\\[\]|*]/.test(text)) throw invalid(text, 'is not a domain name')
  const ascii = domainToASCII(text)
  if (ascii === '') throw invalid(text, 'is not a domain name: IDNA (UTS 46) has no form for it')
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  if (name.length > nameCharacters) throw invalid(text, `is longer than ${nameCharacters} characters as a domain name`)
  const labels = name.split('.')
  for (const label of labels) checkLabel(label, text)
  const last = labels.at(-1) ?? ''
  if (isIP(name) !== 0 || /^(\d+|0x[0-9a-f]*)$/.test(last)) throw invalid(text, 'is a number or address, not a name')
  if (labels.length === 1 && single === 'two labels or more')
    throw invalid(text, 'is a single label, not a domain name')
  if (last === 'onion') checkOnion(labels, text)
  else checkRegistrable(name, text)
  return name
}

/** Names that are canonical as they stand, as nearly all are: IDNA has nothing to do, and every rule about labels holds. */
const isPlainName = (text: string): boolean =>
  text.length <= nameCharacters &&
  /^(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9_-]{0,62}$/.test(text) &&
  !text.includes('xn--') &&
  !text.endsWith('.onion')

const suffixOptions = { allowPrivateDomains: true, extractHostname: false, validateHostname: false } as const

/**
 * The part of a name that somebody registered: `b.co.uk` of `a.b.co.uk`, by the Public Suffix List with its private
 * suffixes (`b.github.io` is its owner's, not GitHub's).
 * @returns undefined for addresses, single labels and names that are public suffixes themselves
 */
export function registrableDomain(host: string): string | undefined {
  const name = host.toLowerCase()
  return getDomain(name.endsWith('.') ? name.slice(0, -1) : name, suffixOptions) ?? undefined
}

/** Whether a canonical name is under a suffix of the Public Suffix List (or a private one itself), as real ones are. */
export function hasKnownSuffix(name: string): boolean {
  const found = suffixesOf(name)
  return found.isPrivate === true || (found.isIcann === true && found.domain !== null)
}

const registryOptions = { ...suffixOptions, allowPrivateDomains: false } as const

/** What the list says about the name asked last: parsing, recognising and filing a name all ask. */
let last = { name: '', found: suffixes('', suffixOptions) }

function suffixesOf(name: string) {
  if (name !== last.name) last = { name, found: suffixes(name, suffixOptions) }
  return last.found
}

/** The parents of a canonical name, the nearest first, down to the registrable domain. */
export function parentNames(name: string): string[] {
  const registrable = registrableDomain(name)
  const parents: string[] = []
  if (registrable === undefined) return parents
  let rest = name
  while (rest.length > registrable.length) {
    rest = rest.slice(rest.indexOf('.') + 1)
    parents.push(rest)
  }
  return parents
}

function checkLabel(label: string, text: string): void {
  if (label.length === 0 || label.length > labelCharacters) {
    throw invalid(text, `is not a domain name: a label has 1 to ${labelCharacters} characters`)
  }
  if (!/^[a-z0-9_-]+$/.test(label)) {
    throw invalid(text, 'is not a domain name: labels are letters, digits, hyphens and underscores')
  }
}

/** Owners of private suffixes, and of names inside a network, hand out what they like. */
function checkRegistrable(name: string, text: string): void {
  const known = suffixesOf(name)
  const { domain, isIcann } = known.isPrivate === true ? suffixes(name, registryOptions) : known
  if (domain === null || isIcann !== true) return
  for (const label of domain.split('.')) {
    if (label.includes('_') || label.startsWith('-') || label.endsWith('-')) {
      throw invalid(text, `is not a domain name: no registry has "${label.slice(0, 20)}"`)
    }
  }
}
