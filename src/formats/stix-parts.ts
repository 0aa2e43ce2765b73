import type { Fields } from './fields.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'

/**
 * Checks what several types have inside: external references (STIX 2.1 §2.5), kill chain phases (§2.12), hashes (§2.7), extensions (§7.3),
 * URLs, binary and hexadecimal properties (§2.1, §2.6).
 * @throws {Fault} `invalid_stix`
 */
export function checkParts(fields: Fields): void {
  for (const [name, value] of Object.entries(fields.object)) {
    const refuse = (sentence: string) => fields.fault(name, sentence)
    if (name.endsWith('_hex') && !matches(value, /^(?:[0-9a-fA-F]{2})+$/)) throw refuse('This must be hexadecimal')
    if (name.endsWith('_bin') && !matches(value, /^[A-Za-z0-9+/]*={0,2}$/)) throw refuse('This must be Base64')
  }
  for (const reference of listOf(fields, 'external_references')) {
    const fault = faultOfReference(reference)
    if (fault !== undefined) throw fields.fault('external_references', fault)
  }
  for (const { kill_chain_name: chain, phase_name: phase } of listOf(fields, 'kill_chain_phases')) {
    if (typeof chain !== 'string' || typeof phase !== 'string') {
      throw fields.fault('kill_chain_phases', 'A phase has a "kill_chain_name" and a "phase_name"')
    }
  }
  const { type, value, url, hashes, extensions } = fields.object
  if (type === 'url' && !isUri(value)) throw fields.fault('value', 'A URL is written as RFC 3986 has it')
  if (type === 'artifact' && url !== undefined && !isUri(url)) throw fields.fault('url', 'This must be a URL')
  if (hashes !== undefined && !areHashes(hashes)) throw fields.fault('hashes', 'A hash has the form of its algorithm')
  if (extensions !== undefined && !areExtensions(extensions)) {
    throw fields.fault('extensions', 'An extension is an object with something in it, and headers of HTTP are lists')
  }
}

const listOf = (fields: Fields, name: string): readonly JsonObject[] => {
  const value = fields.object[name]
  return Array.isArray(value) ? value : []
}

const matches = (value: unknown, form: RegExp): boolean => typeof value === 'string' && form.test(value)

/** A scheme, and nothing that RFC 3986 has no place for. Each character is looked at once. */
const isUri = (value: unknown): boolean =>
  matches(value, /^[A-Za-z][A-Za-z0-9+.-]{0,63}:[!#$%&'()*+,./0-9:;=?@A-Z[\]_a-z~-]+$/) &&
  !/%(?![0-9A-Fa-f]{2})/.test(String(value))

const cve = /^CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,})$/
const capec = /^CAPEC-\d+$/

/** Sources that the standard names have ids of a form, and ids of that form have those sources. */
function faultOfReference({
  source_name: source,
  external_id: id,
  description,
  url,
  hashes,
}: JsonObject): string | undefined {
  if (typeof source !== 'string' || source === '') return 'An external reference has a "source_name"'
  if (source === 'cve' && !matches(id, cve)) return 'The id of a cve is CVE-<year>-<number>'
  if (source === 'capec' && !matches(id, capec)) return 'The id of a capec is CAPEC-<number>'
  if (source !== 'cve' && source !== 'capec') {
    if (matches(id, cve) || matches(id, capec)) return 'An id of CVE or CAPEC has the source "cve" or "capec"'
    if (id === undefined && description === undefined && url === undefined) {
      return 'An external reference has a "description", a "url" or an "external_id"'
    }
  }
  if ([id, description].some((each) => each !== undefined && typeof each !== 'string')) return 'Its members are texts'
  if (url !== undefined && !isUri(url)) return 'The "url" of an external reference is a URL'
  return hashes === undefined || areHashes(hashes) ? undefined : 'A hash has the form of its algorithm'
}

const hashForms: Readonly<Record<string, RegExp>> = {
  MD5: /^[a-fA-F0-9]{32}$/,
  'SHA-1': /^[a-fA-F0-9]{40}$/,
  'SHA-256': /^[a-fA-F0-9]{64}$/,
  'SHA-512': /^[a-fA-F0-9]{128}$/,
  'SHA3-256': /^[a-fA-F0-9]{64}$/,
  'SHA3-512': /^[a-fA-F0-9]{128}$/,
  SSDEEP: /^[a-zA-Z0-9/+:.]{1,128}$/,
  TLSH: /^[a-zA-Z0-9]{70}$/,
}

const areHashes = (value: unknown): boolean =>
  isJsonObject(value) &&
  Object.entries(value).every(
    ([name, hash]) =>
      /^[a-zA-Z0-9_-]{3,250}$/.test(name) &&
      matches(hash, (Object.hasOwn(hashForms, name) ? hashForms[name] : undefined) ?? /^/),
  )

function areExtensions(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  return Object.entries(value).every(([name, extension]) => {
    if (!isJsonObject(extension) || Object.keys(extension).length === 0) return false
    const headers = name === 'http-request-ext' ? extension.request_header : undefined
    return (
      !isJsonObject(headers) || Object.values(headers).every((header) => Array.isArray(header) && header.length > 0)
    )
  })
}
