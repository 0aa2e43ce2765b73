import { observableTypes, typeOfMisp } from '../domain/observables/index.ts'

/** Members of a native record that a column can fill. */
export type CsvMember =
  | 'value'
  | 'type'
  | 'id'
  | 'name'
  | 'description'
  | 'class'
  | 'confidence'
  | 'labels'
  | 'validFrom'
  | 'validUntil'
  | 'firstSeen'
  | 'lastSeen'
  | 'created'
  | 'modified'
  | 'tlp'
  | 'pap'
  | 'audience'
  | 'people'
  | 'releasableTo'
  | 'notReleasableTo'
  | 'lawEnforcement'
  | 'personalData'
  | 'attribution'
  | 'expiresAt'

/** Header names, without case, spaces, `-` and `_`, in the order in which they win. */
export const memberNames: Readonly<Record<CsvMember, readonly string[]>> = {
  value: ['value', 'indicator', 'ioc', 'iocvalue', 'observable', 'artifact', 'indicatorvalue'],
  type: ['type', 'ioctype', 'indicatortype', 'observabletype', 'valuetype'],
  id: ['id', 'stixid', 'indicatorid'],
  name: ['name', 'title', 'event'],
  description: ['description', 'comment', 'comments', 'note', 'notes', 'context'],
  class: ['class', 'classtype', 'classification.type', 'rsit'],
  confidence: ['confidence', 'confidencelevel'],
  labels: ['labels', 'label', 'tags', 'tag'],
  validFrom: ['validfrom', 'startdate'],
  validUntil: ['validuntil', 'validto', 'enddate'],
  firstSeen: ['firstseen', 'firstseenutc', 'timefirst'],
  lastSeen: ['lastseen', 'lastseenutc', 'timelast', 'timestamp', 'time.source'],
  created: ['created', 'createdat'],
  modified: ['modified', 'modifiedat'],
  tlp: ['tlp', 'tlpcolor', 'marking'],
  pap: ['pap'],
  audience: ['audience'],
  people: ['people'],
  releasableTo: ['releasableto'],
  notReleasableTo: ['notreleasableto'],
  lawEnforcement: ['lawenforcement'],
  personalData: ['personaldata'],
  attribution: ['attribution'],
  expiresAt: ['expiresat', 'expires', 'expiry'],
}

/** In the column `releasable_to`: no jurisdiction at all, where an empty cell says nothing. */
export const nobody = 'nobody'

/**
 * What people call a type, as the name of a column or in a column for types (without case, spaces, `-` and `_`), and the
 * id of `parseObservable`; `detect` asks the value.
 */
const types: Readonly<Record<string, string>> = {
  ip: 'ip-address',
  ipaddress: 'ip-address',
  srcip: 'ip-address',
  'source.ip': 'ip-address',
  ipv4: 'ip-address',
  ipv6: 'ip-address',
  ipv4addr: 'ip-address',
  ipv6addr: 'ip-address',
  cidr: 'ip-address',
  network: 'ip-address',
  'ip:port': 'ip-port',
  domain: 'domain-name',
  domainname: 'domain-name',
  fqdn: 'domain-name',
  'source.fqdn': 'domain-name',
  hostname: 'hostname',
  host: 'detect',
  url: 'url',
  uri: 'url',
  'source.url': 'url',
  email: 'email-address',
  emailaddr: 'email-address',
  hash: 'detect',
  filehash: 'detect',
  md5: 'md5',
  md5hash: 'md5',
  filehashmd5: 'md5',
  sha1: 'sha1',
  sha1hash: 'sha1',
  filehashsha1: 'sha1',
  sha256: 'sha256',
  sha256hash: 'sha256',
  filehashsha256: 'sha256',
  sha512: 'sha512',
  asn: 'autonomous-system',
  cve: 'vulnerability',
}

export const spelling = (name: string): string => name.toLowerCase().replace(/[\s_-]/g, '')

/** What a column named so holds values of; `detect` where the value tells, undefined where it is no such name. */
export const typeOfColumn = (name: string): string | undefined => {
  const bare = spelling(name)
  return Object.hasOwn(types, bare) ? types[bare] : undefined
}

/** The type a cell of the column `type` means: one of ours, one people use, or MISP's; undefined asks the value. */
export function typeOfName(name: string): string | undefined {
  const known = typeOfColumn(name)
  if (known !== undefined && !observableTypes.has(name)) return known === 'detect' ? undefined : known
  const misp = observableTypes.has(name) ? undefined : typeOfMisp(name)
  return misp?.length === 1 ? misp[0] : name
}

/** What a header says: which column fills which member, and which columns are values of a type of their own. */
export interface CsvHeader {
  readonly columns: readonly { readonly member: CsvMember; readonly index: number }[]
  /** In the order of the header; the first that is filled is the value when there is no `value` column. */
  readonly typed: readonly { readonly index: number; readonly type?: string }[]
  /** The file is one that a node wrote: the `'` that keeps a cell from being a formula is no part of it (csv-out.ts). */
  readonly guarded?: boolean
}

/** Reads a header line; undefined when no cell of it names a value, so that the line is data itself. */
export function csvHeader(cells: readonly string[]): CsvHeader | undefined {
  const spelled = cells.map(spelling)
  const columns: { member: CsvMember; index: number }[] = []
  for (const [member, spellings] of Object.entries(memberNames) as [CsvMember, readonly string[]][]) {
    const found = spellings.find((spelling) => spelled.includes(spelling))
    if (found !== undefined) columns.push({ member, index: spelled.indexOf(found) })
  }
  const typed = spelled.flatMap((name, index) => {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined) return []
    return [{ index, ...(type === 'detect' ? {} : { type }) }]
  })
  const guarded = ['masked', 'status', 'observables'].every((name) => spelled.includes(name))
  return columns.some(({ member }) => member === 'value') || typed.length > 0 ? { columns, typed, guarded } : undefined
}
