import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { observableTypes } from '../domain/observables/index.ts'
import { type CsvHeader, type CsvMember, csvHeader, memberNames, spelling, typeOfColumn } from './csv-columns.ts'

/** What `?columns=` says: a member or a type for each column in turn, or for each column that it names. */
export interface CsvMapping {
  /** By place, for a file without a header; undefined leaves a column alone. */
  readonly places?: readonly (CsvTarget | undefined)[]
  /** By the names of the header's columns. */
  readonly named?: ReadonlyMap<string, CsvTarget>
}

/** Where a column goes: a member of a record, or its value with the type that this says (`detect` asks the value). */
export type CsvTarget = { readonly member: CsvMember } | { readonly type: string }

/**
 * Reads `value,type,-,confidence` (a file without a header) or `value=IOC,lastSeen=Datum` (one with a header).
 * @throws {Fault} `invalid_request`
 */
export function csvMapping(items: readonly string[]): CsvMapping {
  const byName = items.some((item) => item.includes('='))
  if (items.length === 0 || items.length > limits.mappedColumns)
    throw mappingFault(`It names 1 to ${limits.mappedColumns} columns`)
  const targets = items.map((item) => targetOf(byName ? item.slice(0, Math.max(item.indexOf('='), 0)) : item))
  const twice = targets.find(
    (target, at) =>
      isMember(target) && targets.findIndex((other) => isMember(other) && other.member === target.member) < at,
  )
  if (isMember(twice)) throw mappingFault(`"${twice.member}" is named twice`)
  if (!targets.some((target) => target !== undefined && (!isMember(target) || target.member === 'value'))) {
    throw mappingFault('No column is the value: name one "value", or by its type')
  }
  if (!byName) return { places: targets }
  const named = new Map<string, CsvTarget>()
  for (const [at, item] of items.entries()) {
    const name = headerName(item.slice(item.indexOf('=') + 1))
    const target = targets[at]
    if (name === '' || target === undefined) throw mappingFault('Each item must be member=column')
    if (named.has(name)) throw mappingFault('A column is named twice')
    named.set(name, target)
  }
  return { named }
}

const isMember = (target: CsvTarget | undefined): target is Extract<CsvTarget, { readonly member: CsvMember }> =>
  target !== undefined && 'member' in target

const mappingFault = (message: string): Fault =>
  new Fault('invalid_request', message, { position: { pointer: '/columns' } })

function targetOf(name: string): CsvTarget | undefined {
  const word = name.trim()
  if (word === '-') return undefined
  const member = (Object.keys(memberNames) as CsvMember[]).find((known) => spelling(known) === spelling(word))
  if (member !== undefined) return { member }
  const type = typeOfColumn(word)
  if (type !== undefined) return { type }
  if (observableTypes.has(word)) return { type: word }
  throw mappingFault(`"${word.slice(0, 60).toWellFormed()}" is no member of a record, no type, and not "-"`)
}

/** The name of a header's column, as a mapping must write it but for case and space around it. */
const headerName = (text: string): string => text.trim().toLowerCase()

/** The header that a mapping by place stands for. */
export const headerOfPlaces = (places: readonly (CsvTarget | undefined)[]): CsvHeader =>
  headerOfTargets(places.map((target, index) => ({ target, index })))

/**
 * The header of a file whose columns a mapping names. Columns that limit who may see a record count whether it names them or
 * not: to pass them over would loosen what the file says.
 * @throws {Fault} `invalid_csv` where it has no such column
 */
export function headerOfNames(cells: readonly string[], named: ReadonlyMap<string, CsvTarget>): CsvHeader {
  const spelled = cells.map(headerName)
  const targets = [...named].map(([name, target]) => {
    const index = spelled.indexOf(name)
    if (index === -1) throw new Fault('invalid_csv', `The header has no column "${name.slice(0, 60).toWellFormed()}"`)
    return { target, index }
  })
  const mapped = headerOfTargets(targets)
  const members = new Set(mapped.columns.map(({ member }) => member))
  const limiting = (csvHeader(['value', ...cells])?.columns ?? [])
    .filter(({ member }) => handlingColumns.has(member) && !members.has(member))
    .map(({ member, index }) => ({ member, index: index - 1 }))
  return { columns: [...mapped.columns, ...limiting], typed: mapped.typed }
}

const handlingColumns: ReadonlySet<CsvMember> = new Set<CsvMember>([
  ...(['tlp', 'pap', 'audience', 'people', 'releasableTo', 'notReleasableTo', 'lawEnforcement'] as const),
  ...(['personalData', 'attribution', 'expiresAt'] as const),
])

function headerOfTargets(
  targets: readonly { readonly target: CsvTarget | undefined; readonly index: number }[],
): CsvHeader {
  const columns: { member: CsvMember; index: number }[] = []
  const typed: { index: number; type?: string }[] = []
  for (const { target, index } of targets) {
    if (target === undefined) continue
    if (isMember(target)) columns.push({ member: target.member, index })
    else typed.push({ index, ...(target.type === 'detect' ? {} : { type: target.type }) })
  }
  return { columns, typed }
}
