import type { Decoded, Draft } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { ByteSource } from '../domain/source.ts'
import { type CapComment, capComment } from './cap-comment.ts'
import { type DecodedGroups, decoded, oneByOne, recordTooLarge } from './decoded.ts'
import { addressOf, eventDraft, eventTime, isService, labelled, partOf } from './event.ts'
import { defined } from './fields.ts'
import { handlingFromRecord } from './handling-fields.ts'
import { lineText } from './line-text.ts'
import { type Line, lines } from './records.ts'
import { familyOfCap, rsitOfCap, saysMore } from './rsit-cap.ts'

/**
 * Team Cymru's CAP, new and old form, told line by line: `category|address|asn|timestamp|information|asninfo`. Lines that
 * start with `#` are comments. A line is one draft, also where it names several ports.
 */
export async function* cap(source: ByteSource): DecodedGroups {
  let record = 0
  for await (const group of lines(source)) {
    const drafts: Decoded[] = []
    for (const line of group) {
      const read = readLine(line, record)
      if (read === undefined) continue
      record++
      drafts.push(read)
    }
    yield drafts
  }
}

export const decodeCap = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(cap(source))

function readLine({ line, bytes }: Line, record: number): Decoded | undefined {
  const position = { record, line }
  if (bytes === undefined) return recordTooLarge(position)
  const start = bytes.subarray(0, 64).toString('latin1').trimStart()
  if (start.startsWith('#') || (start === '' && bytes.toString('latin1').trim() === '')) return undefined
  return decoded(position, () => capDraft(lineText(bytes), position))
}

/** The six cells; a `|` inside the information (a URL may have one) stays there. */
export function capCells(line: string): readonly string[] | undefined {
  const parts = line.split('|')
  if (parts.length < 6) return undefined
  return [...parts.slice(0, 4), parts.slice(4, -1).join('|'), parts.at(-1) ?? ''].map((cell) => cell.trim())
}

function capDraft(received: string, position: Position): Draft {
  const cells = capCells(received)
  if (cells === undefined) throw new Fault('invalid_record', 'A line of CAP has six cells between "|"')
  const [word = '', address = '', asn = '', time = '', information = '', owner = ''] = cells
  if (!/^[a-z][a-z0-9_-]{0,60}$/i.test(word))
    throw new Fault('invalid_record', 'A line of CAP begins with its category')
  const category = singular[word.toLowerCase()] ?? word.toLowerCase()
  const type = rsitOfCap(category)
  const comment = capComment(information)
  const said = new Said(category, comment)
  const main = addressOf(address, isService(type) && said.url === undefined ? said.port : undefined)
  const kind = said.family ?? category
  return eventDraft({
    position,
    received,
    format: 'cap',
    observables: said.url === undefined ? [main, ...said.parts] : [...partOf('url', said.url), main, ...said.parts],
    class: type,
    kind,
    labels: [
      saysMore(category) && category !== 'unknown' ? `cap:${category}` : undefined,
      labelled('malware', said.family, true),
      labelled('service', said.service, true),
      labelled('protocol', said.protocol),
      ...[asn, ...said.asns].map((each) => labelled('asn', /^\d{1,10}$/.test(each) ? each : undefined)),
      labelled('country', /, [A-Z]{2}$/.test(owner) ? owner.slice(-2) : undefined),
      labelled('destination', said.destination),
      ...said.ports.map((port) => labelled('destination-port', port)),
    ],
    time: eventTime(time),
    description: said.rest,
    confidence: said.confidence,
    handling: said.handling,
  })
}

const singular: Readonly<Record<string, string | undefined>> = {
  bots: 'bot',
  scanners: 'scanner',
  openresolvers: 'openresolver',
}

const protocols: Readonly<Record<string, string | undefined>> = { 1: 'icmp', 6: 'tcp', 17: 'udp' }
const urlCategories: ReadonlySet<string> = new Set([
  'phishing',
  'malwareurl',
  'malware-distribution',
  'spreaders',
  'defacement',
])
const portKeys = ['dest_port', 'ports_scanned', 'honeypot_port', 'darknet_port', 'destination_port_numbers']

/** What the information of a line says, by its category. */
class Said {
  readonly family: string | undefined
  readonly service: string | undefined
  readonly protocol: string | undefined
  readonly destination: string | undefined
  readonly port: string | undefined
  readonly url: string | undefined
  readonly asns: readonly string[]
  readonly ports: readonly string[]
  readonly parts: readonly Observable[]
  readonly confidence: number | undefined
  /** What has no meaning here. */
  readonly rest: string | undefined
  readonly handling: HandlingInput

  constructor(category: string, { pairs, bare }: CapComment) {
    const get = (...names: string[]) => pairs.find(([name]) => names.includes(name))?.[1]
    const [first = '', second] = bare.split(' ')
    const isUrl = first !== '' && (urlCategories.has(category) || first.includes('://'))
    const proxy = category === 'proxy' ? proxyOf(get('proxy_type') ?? (isUrl ? '' : bare)) : undefined
    const number = get('protocol')
    this.family = get('family') || familyOfCap(category)
    this.service = category === 'bruteforce' && !isUrl ? bare : proxy?.service
    this.protocol = number === undefined ? undefined : (protocols[number] ?? number)
    this.destination = get('dest_addr', 'destaddr')
    this.port = get('port', 'srcport') ?? proxy?.port
    this.url = isUrl ? first : undefined
    this.asns =
      get('additional_asns')
        ?.split(',')
        .map((each) => each.trim()) ?? []
    this.ports = [
      ...pairs.filter(([name]) => portKeys.includes(name)).map(([, value]) => value),
      portsOf(category, bare),
    ]
      .flatMap((value) => value.replace(/\(total_count:\d+\)/, '').split(','))
      .map((port) => port.trim())
      .filter((port) => /^\d{1,5}$/.test(port))
    this.parts = [
      ...partOf('domain-name', get('hostname') ?? (category === 'fastflux' ? first : undefined)),
      ...partOf('user-account', get('username')),
      ...partOf('md5', category === 'spreaders' ? second : undefined),
    ]
    const score = /^confidence:([1-5])(?: |$)/.exec(bare)?.[1]
    this.confidence = score === undefined ? undefined : Number(score) * 20
    const used = category === 'bruteforce' || proxy !== undefined || (isUrl && second === undefined)
    this.rest = used ? undefined : bare
    this.handling = handlingFromRecord(defined({ tlp: get('tlp'), pap: get('pap') }))
  }
}

/** `http-34320`, `socks4`, `HTTP CONNECT (8080)`. */
function proxyOf(text: string): { service: string; port?: string } {
  const written = /^(.*?)[-( ]+(\d{1,5})\)?$/.exec(text.slice(0, 200))
  if (written === null) return { service: text }
  return { service: (written[1] ?? '').trim(), port: written[2] ?? '' }
}

/** The old form's scanners have their port alone. */
const portsOf = (category: string, bare: string): string => (category === 'scanner' ? bare : '')
