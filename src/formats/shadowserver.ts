import type { Decoded, Draft } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { RsitType } from '../domain/rsit.ts'
import type { ByteSource } from '../domain/source.ts'
import { mainFirst } from './compound.ts'
import { type CsvRecord, cellsOf, csvRecords } from './csv-records.ts'
import { type DecodedGroups, faultAt, oneByOne } from './decoded.ts'
import { addressOf, eventDraft, eventTime, hostOfUrl, isService, labelled, partOf } from './event.ts'
import { handlingFromRecord } from './handling-fields.ts'
import { lineText } from './line-text.ts'
import { rsitOfReport } from './shadowserver-types.ts'

/**
 * A Shadowserver report of any type: columns by their names, in any order. What has no meaning here stays in what was
 * received, which is the header and the line.
 * @param report its type, where that is known: the class of what it reports
 */
export async function* shadowserver(source: ByteSource, report?: string): DecodedGroups {
  const reader = new ReportReader(report)
  for await (const records of csvRecords(source)) {
    yield records.flatMap((each) => {
      const read = reader.read(each)
      return read === undefined ? [] : [read]
    })
  }
}

export const decodeShadowserver = (source: ByteSource, report?: string): AsyncIterable<Decoded> =>
  oneByOne(shadowserver(source, report))

class ReportReader {
  readonly #report: string | undefined
  readonly #class: RsitType | undefined
  #header: { readonly line: string; readonly names: readonly string[] } | undefined
  #lost: Fault | undefined
  #record = 0

  constructor(report: string | undefined) {
    this.#report = report
    this.#class = report === undefined ? undefined : rsitOfReport(report)
  }

  /** Nothing for the header, comments and blank lines. */
  read({ line, bytes, fault }: CsvRecord): Decoded | undefined {
    const position = { record: this.#record, line }
    try {
      if (fault !== undefined || bytes === undefined) throw fault ?? new Fault('invalid_csv', 'The line is empty')
      const text = lineText(bytes)
      if (text.trim() === '' || text.startsWith('#')) return undefined
      if (this.#lost !== undefined) throw this.#lost
      if (this.#header === undefined) {
        this.#header = headerOf(text)
        return undefined
      }
      const draft = this.#draft(text, position)
      this.#record++
      return { draft }
    } catch (error) {
      // Without a header no line can be read, whatever it says.
      if (this.#header === undefined && error instanceof Fault) this.#lost = error
      this.#record++
      return { fault: faultAt(position, error) }
    }
  }

  #draft(text: string, position: Position): Draft {
    const { line = '', names = [] } = this.#header ?? {}
    const cells = cellsOf(text, ',')
    const row = new Map<string, string>()
    for (const [index, name] of names.entries()) {
      const cell = cells[index]?.trim() ?? ''
      if (cell !== '' && !row.has(name)) row.set(name, cell)
    }
    return rowDraft(row, this.#report, this.#class, position, `${line}\n${text}`)
  }
}

function headerOf(text: string): { line: string; names: readonly string[] } {
  const names = cellsOf(text, ',').map((name) => name.trim().toLowerCase())
  if (!names.includes('timestamp') && !names.includes('date_published')) {
    throw new Fault('invalid_csv', 'A Shadowserver report begins with a header that has "timestamp"')
  }
  if (text.length > limits.reportHeaderCharacters) {
    throw new Fault('invalid_csv', `The header may have ${limits.reportHeaderCharacters} characters`)
  }
  return { line: text, names }
}

type Row = ReadonlyMap<string, string>

function rowDraft(
  row: Row,
  report: string | undefined,
  type: RsitType | undefined,
  position: Position,
  received: string,
) {
  // What attacks or is infected is the source, where a row has two ends.
  const side = row.has('src_ip') ? 'src_' : ''
  const of = (name: string) => row.get(`${side}${name}`)
  const family = row.get('infection') ?? row.get('family')
  const tlp = row.get('tlp')
  return eventDraft({
    position,
    received,
    format: 'shadowserver',
    observables: observablesOf(row, side, type),
    class: type,
    kind: [report, family, row.get('tag')].filter((each) => each !== undefined).join(' '),
    labels: [
      labelled('shadowserver', report),
      labelled('malware', family, true),
      labelled('severity', row.get('severity'), true),
      labelled('protocol', row.get('protocol'), true),
      labelled('asn', of('asn')),
      labelled('country', of('geo')),
      labelled('destination', row.get('dst_ip') ?? row.get('cc_ip') ?? row.get('cc')),
      labelled('destination-port', row.get('dst_port') ?? row.get('cc_port')),
      ...(row.get('tag')?.split(/[;,]/).slice(0, 40) ?? []).map((tag) => labelled('tag', tag, true)),
    ],
    time: eventTime(row.get('timestamp') ?? row.get('date_published')),
    // Details of leaked accounts may hold what opens them.
    description: row.get('reason') ?? (row.has('email') || row.has('username') ? undefined : row.get('detail')),
    handling: tlp === undefined ? {} : handlingFromRecord({ tlp }),
  })
}

/** Names of columns that have a value of their own, beside the address: what it is about when there is none. */
const others: readonly (readonly [string, string])[] = [
  ['email', 'email-address'],
  ['email_address', 'email-address'],
  ['domain', 'domain-name'],
  ['dns_name', 'domain-name'],
  ['website', 'domain-name'],
  ['username', 'user-account'],
]

function observablesOf(row: Row, side: string, type: RsitType | undefined): readonly Observable[] {
  const url = urlOf(row)
  const ip = row.get(`${side}ip`)
  const port = url === undefined && (isService(type) || side === '') ? row.get(`${side}port`) : undefined
  const hashes = mainFirst(
    ['sha256', 'sha1', 'md5'].flatMap((name) => partOf(name, row.get(name) ?? row.get(`${name}_hash`))),
  )
  const main = [
    ...(url === undefined ? [] : [parseObservable('url', url)]),
    ...(ip === undefined ? [] : [ip.includes('/') ? parseObservable('ip-address', ip) : addressOf(ip, port)]),
  ]
  const host =
    row.get('http_host') ?? (type === 'malware-distribution' || type === 'spam' ? row.get('hostname') : undefined)
  const names = url === undefined || hostOfUrl(url) !== host ? partOf('domain-name', host) : []
  const found = [...main, ...hashes, ...names]
  if (found.length > 0) return found
  const website = row.get('website')
  if (website?.includes('://') === true) return partOf('url', website)
  const named = others.find(([name]) => row.has(name))
  return named === undefined ? [] : [parseObservable(named[1], row.get(named[0]) ?? '')]
}

/** Compromised web sites have host and path in columns of their own. */
function urlOf(row: Row): string | undefined {
  const url = row.get('url')
  return url?.includes('://') === true ? url : undefined
}
