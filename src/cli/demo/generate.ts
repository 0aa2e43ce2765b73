import type { RsitType } from '../../domain/rsit.ts'
import { type DemoHandling, handlingFor } from './handling.ts'
import { Random } from './random.ts'
import * as values from './values.ts'

/** A record as `POST /v1/indicators` takes it. */
export interface DemoRecord extends DemoHandling {
  readonly type: string
  readonly value: string
  readonly name: string
  readonly class: RsitType
  /** 0–100. */
  readonly confidence: number
  readonly labels: readonly string[]
  readonly firstSeen: string
  readonly lastSeen: string
  readonly validFrom: string
}

/** How many each publishes: about 3,000 together. */
export const shares: readonly (readonly [organisation: string, indicators: number])[] = [
  ['cert-br', 900],
  ['csirt-cl', 650],
  ['csirt-ar', 450],
  ['colcert', 350],
  ['cert-mx', 300],
  ['observa', 250],
  ['lacnic', 100],
]

/** Invented, and like nothing known: nobody shall search for them. */
const malware = [
  'MateLoader',
  'CondorDrop',
  'SurazoLocker',
  'TeroStealer',
  'PalmeraBot',
  'ChurrincheRAT',
  'YuyoMiner',
] as const

interface Kind {
  readonly type: string
  readonly class: RsitType
  readonly value: (random: Random) => string
  /** What the name says; the malware's name is added where it is one's. */
  readonly what: string
  readonly ofMalware?: true
  readonly personal?: true
}

const kinds: readonly [readonly [Kind, number], ...(readonly [Kind, number])[]] = [
  [{ type: 'ipv4-address', class: 'c2-server', value: values.ipv4, what: 'command and control', ofMalware: true }, 9],
  [{ type: 'ipv4-address', class: 'scanner', value: values.ipv4, what: 'scans for open services' }, 10],
  [{ type: 'ipv4-address', class: 'brute-force', value: values.ipv4, what: 'tries passwords over SSH' }, 8],
  [{ type: 'ipv4-prefix', class: 'spam', value: values.ipv4Prefix, what: 'sends spam' }, 2],
  [{ type: 'ipv6-address', class: 'scanner', value: values.ipv6, what: 'scans for open services' }, 6],
  [{ type: 'ipv6-address', class: 'c2-server', value: values.ipv6, what: 'command and control', ofMalware: true }, 4],
  [{ type: 'ip-port', class: 'c2-server', value: values.ipPort, what: 'command and control', ofMalware: true }, 8],
  [{ type: 'ip-port', class: 'ddos-amplifier', value: values.ipPort, what: 'open resolver or amplifier' }, 6],
  [{ type: 'domain-name', class: 'phishing', value: values.domain, what: 'imitates a bank' }, 14],
  [{ type: 'domain-name', class: 'c2-server', value: values.domain, what: 'command and control', ofMalware: true }, 6],
  [{ type: 'url', class: 'phishing', value: values.url, what: 'asks for a password' }, 9],
  [{ type: 'url', class: 'malware-distribution', value: values.url, what: 'hands out', ofMalware: true }, 7],
  [{ type: 'sha256', class: 'malware-distribution', value: digestOf('sha256'), what: 'sample of', ofMalware: true }, 9],
  [{ type: 'sha1', class: 'malware-distribution', value: digestOf('sha1'), what: 'sample of', ofMalware: true }, 2],
  [{ type: 'md5', class: 'malware-distribution', value: digestOf('md5'), what: 'sample of', ofMalware: true }, 2],
  [{ type: 'email-address', class: 'phishing', value: values.emailAddress, what: 'sends lures', personal: true }, 5],
  [{ type: 'autonomous-system', class: 'other', value: values.asn, what: 'hosts much of the above' }, 1],
]

/**
 * The indicators of one organisation: the same for the same organisation and instant. No two have the same value.
 * @param now what times are counted back from
 */
export function generate(organisation: string, indicators: number, now: Date): DemoRecord[] {
  const random = new Random(`puente demo, ${organisation}`)
  const records = new Map<string, DemoRecord>()
  // values may repeat (there are 500 addresses to choose from), so a few attempts more are made
  for (let attempt = 0; records.size < indicators && attempt < indicators * 20; attempt++) {
    const record = oneOf(organisation, random, now)
    const key = `${record.type} ${record.value}`
    if (!records.has(key)) records.set(key, record)
  }
  return [...records.values()]
}

const hourMs = 3_600_000

function oneOf(organisation: string, random: Random, now: Date): DemoRecord {
  const kind = random.weighted(kinds)
  const family = random.pick(malware)
  const value = kind.value(random)
  const last = now.getTime() - random.between(1, 29 * 24) * hourMs
  const first = Math.max(last - random.below(200) * hourMs, now.getTime() - 30 * 24 * hourMs)
  const iso = (ms: number) => new Date(ms).toISOString()
  return {
    type: kind.type,
    value,
    name: kind.ofMalware === true ? `${kind.what} ${family} (invented)` : `${kind.what} (invented)`,
    class: kind.class,
    confidence: random.pick([30, 50, 60, 70, 75, 80, 85, 90, 95]),
    labels: ['puente:demo', ...(kind.ofMalware === true ? [`malware:${family.toLowerCase()}`] : [])],
    firstSeen: iso(first),
    lastSeen: iso(last),
    validFrom: iso(first),
    ...handlingFor(organisation, kind.personal === true, random, now),
  }
}

function digestOf(algorithm: 'md5' | 'sha1' | 'sha256'): (random: Random) => string {
  return (random) => values.digest(random, algorithm)
}
