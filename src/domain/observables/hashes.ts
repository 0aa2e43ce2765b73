import { base32Bytes } from './base32.ts'
import { hexadecimal, matching } from './text.ts'
import { inGroup, invalid, type ObservableType, type TypeFacts } from './type.ts'

/** A row for a digest of a file's content; each algorithm is a family of its own. */
function digest(id: string, name: string, digits: number, stix: string | undefined, misp = id): TypeFacts {
  return {
    id,
    description: `The ${name} of a file's content.`,
    ...(stix === undefined ? {} : { stix: [`file:hashes.${stix}`, `artifact:hashes.${stix}`] as const }),
    misp: [misp],
    parse: hexadecimal(`the ${name} of a file`, digits),
  }
}

const digests = inGroup('hash', {}, [
  digest('md5', 'MD5', 32, 'MD5'),
  digest('sha1', 'SHA-1', 40, "'SHA-1'"),
  digest('sha224', 'SHA-224', 56, "'SHA-224'"),
  digest('sha256', 'SHA-256', 64, "'SHA-256'"),
  digest('sha384', 'SHA-384', 96, "'SHA-384'"),
  digest('sha512', 'SHA-512', 128, "'SHA-512'"),
  digest('sha512-224', 'SHA-512/224', 56, undefined, 'sha512/224'),
  digest('sha512-256', 'SHA-512/256', 64, undefined, 'sha512/256'),
  digest('sha3-224', 'SHA3-224', 56, "'SHA3-224'"),
  digest('sha3-256', 'SHA3-256', 64, "'SHA3-256'"),
  digest('sha3-384', 'SHA3-384', 96, "'SHA3-384'"),
  digest('sha3-512', 'SHA3-512', 128, "'SHA3-512'"),
])

/** Block size and two signatures; what ssdeep prints after a comma is the name of the file. */
const fuzzy = matching(
  /^\d{1,10}:[A-Za-z0-9+/]{0,128}:[A-Za-z0-9+/]{0,128}$/,
  'a fuzzy hash: block size and two signatures with colons between',
  (text) => text.split(',"')[0] ?? '',
)

const similarity = inGroup('hash', {}, [
  {
    id: 'ssdeep',
    description: 'The ssdeep (context-triggered piecewise) hash of a file.',
    stix: ['file:hashes.SSDEEP', 'artifact:hashes.SSDEEP'],
    misp: ['ssdeep'],
    parse: fuzzy,
  },
  {
    id: 'tlsh',
    description: 'The TLSH of a file, with its version T1.',
    stix: ['file:hashes.TLSH', 'artifact:hashes.TLSH'],
    misp: ['tlsh'],
    parse: localitySensitive,
  },
  { id: 'impfuzzy', description: 'The fuzzy hash of a PE import table.', misp: ['impfuzzy'], parse: fuzzy },
  {
    id: 'telfhash',
    description: 'The TLSH of the symbols of an ELF file.',
    misp: ['telfhash'],
    parse: (text) => localitySensitive(text).toLowerCase(),
  },
])

const structural = inGroup('hash', {}, [
  {
    id: 'imphash',
    description: 'The MD5 of the import table of a PE file.',
    stix: ["file:extensions.'windows-pebinary-ext'.imphash"],
    misp: ['imphash'],
    parse: hexadecimal('an import hash', 32),
  },
  {
    id: 'authentihash',
    description: 'The SHA-256 of a PE file without what a signature changes.',
    misp: ['authentihash'],
    parse: hexadecimal('an Authenticode hash', 64),
  },
  { id: 'pehash', description: 'The peHash of a PE file.', misp: ['pehash'], parse: hexadecimal('a peHash', 40) },
  {
    id: 'cdhash',
    description: 'The hash of the code directory of a signed macOS file.',
    misp: ['cdhash'],
    parse: hexadecimal('a code directory hash', 40, 64),
  },
  {
    id: 'vhash',
    description: "VirusTotal's structural hash of a file.",
    misp: ['vhash'],
    parse: matching(/^[!-~]{8,128}$/, 'a vhash', (text) => text.toLowerCase()),
  },
  {
    id: 'torrent-info-hash',
    description: 'The info hash of a BitTorrent download, also from a magnet link.',
    parse: infoHash,
  },
])

/** TLSH in capitals after its version, which versions before 4 left out. */
function localitySensitive(text: string): string {
  const digits = text.replace(/^T1/i, '')
  if (!/^[0-9a-f]{70}$/i.test(digits)) throw invalid(text, 'is not a TLSH: T1 and 70 hexadecimal digits')
  return `T1${digits.toUpperCase()}`
}

/** 40 hexadecimal digits, from those, from 32 digits of base 32, or from a magnet link with either (BEP 9). */
function infoHash(text: string): string {
  const digits = /^magnet:\?(?:.{0,2048}&)?xt=urn:btih:([0-9a-z]{32,40})(?:&|$)/i.exec(text)?.[1] ?? text
  if (/^[a-z2-7]{32}$/i.test(digits)) return base32Bytes(digits.toLowerCase()).toString('hex')
  if (/^[0-9a-f]{40}$/i.test(digits)) return digits.toLowerCase()
  throw invalid(text, 'is not a BitTorrent info hash: 40 hexadecimal digits, 32 of base 32, or a magnet link')
}

export const hashTypes: readonly ObservableType[] = [...digests, ...similarity, ...structural]
