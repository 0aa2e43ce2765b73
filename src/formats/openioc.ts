import type { Decoded, Draft } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { parseObservable } from '../domain/observables/index.ts'
import type { Observable } from '../domain/observables/observable.ts'
import type { ByteSource } from '../domain/source.ts'
import { parseTlp } from '../domain/tlp.ts'
import { mainFirst } from './compound.ts'
import { type DecodedGroups, decoded, faultAt, oneByOne } from './decoded.ts'
import { defined } from './fields.ts'
import { typeOfTerm } from './openioc-terms.ts'
import { isStixUuid } from './stix-id.ts'
import { parseTimestamp } from './timestamp.ts'
import { type XmlHandler, xmlSlices } from './xml-stream.ts'

/**
 * OpenIOC 1.0 and 1.1. What alternatives (`OR`) hold is a draft each; what must be there together (`AND`) is one draft, and
 * refused as a whole where a part of it cannot be said here: the rest would find what its author did not mean.
 */
export async function* openioc(source: ByteSource): DecodedGroups {
  const reader = new IocReader()
  try {
    for await (const _ of xmlSlices(source, reader)) yield reader.taken()
    if (!reader.isIoc) throw new Fault('invalid_xml', 'The document is no OpenIOC: its root is "ioc" or "OpenIOC"')
  } catch (error) {
    yield [...reader.taken(), { fault: faultAt({ record: reader.records }, error) }]
  }
}

export const decodeOpenioc = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(openioc(source))

interface Item {
  readonly id: string | undefined
  readonly line: number
  readonly condition: string
  readonly negated: boolean
  search: string
  content: string
}

interface Group {
  readonly id: string | undefined
  readonly line: number
  readonly all: boolean
  readonly items: Item[]
  /** It has groups of its own. */
  nested: boolean
}

/** Texts of the document that are read, wherever their version puts them. */
const texts = new Set(['short_description', 'description', 'Content', 'link'])

class IocReader implements XmlHandler {
  isIoc = false
  records = 0
  #done: Decoded[] = []
  readonly #groups: Group[] = []
  #item: Item | undefined
  #text: string | undefined
  #rel = ''
  #name: string | undefined
  #description: string | undefined
  #modified: string | undefined
  #handling: HandlingInput | Fault = {}

  taken(): Decoded[] {
    return this.#done.splice(0)
  }

  open(name: string, attributes: Readonly<Record<string, string>>, line: number): void {
    if (name === 'ioc' || name === 'OpenIOC') {
      this.isIoc = true
      this.#modified = parseTimestamp((attributes['last-modified'] ?? '').slice(0, 40), 'loose')
    } else if (name === 'Indicator') {
      const parent = this.#groups.at(-1)
      if (parent !== undefined) parent.nested = true
      const all = (attributes.operator ?? 'OR').toUpperCase() !== 'OR'
      this.#groups.push({ id: attributes.id, line, all, items: [], nested: false })
    } else if (name === 'IndicatorItem') {
      const condition = attributes.condition ?? 'is'
      const negated = attributes.negate === 'true' || attributes.negate === '1'
      this.#item = { id: attributes.id, line, condition, negated, search: '', content: '' }
    } else if (name === 'Context' && this.#item !== undefined) this.#item.search = attributes.search ?? ''
    if (!texts.has(name)) return
    this.#text = ''
    this.#rel = attributes.rel ?? ''
  }

  text(text: string): void {
    if (this.#text !== undefined && this.#text.length <= limits.textCharacters) this.#text += text
  }

  close(name: string): void {
    const text = this.#text?.trim() ?? ''
    if (texts.has(name)) this.#text = undefined
    if (name === 'Content' && this.#item !== undefined) this.#item.content = text
    else if (name === 'short_description') this.#name = text
    else if (name === 'description') this.#description = text
    else if (name === 'link' && this.#rel.toLowerCase() === 'tlp') this.#mark(text)
    else if (name === 'IndicatorItem' && this.#item !== undefined) this.#endItem(this.#item)
    else if (name === 'Indicator') this.#endGroup()
  }

  #mark(label: string): void {
    try {
      this.#handling = { tlp: parseTlp(label) }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#handling = error
    }
  }

  #endItem(item: Item): void {
    this.#item = undefined
    const outermost = this.#groups.find(({ all }) => all)
    if (outermost === undefined) this.#emit([item], item.id, item.line)
    else if (outermost.items.length < limits.observablesPerIndicator) outermost.items.push(item)
    else outermost.nested = true
  }

  #endGroup(): void {
    const group = this.#groups.pop()
    if (group?.all !== true || this.#groups.some(({ all }) => all) || group.items.length === 0) return
    if (!group.nested) this.#emit(group.items, group.items.length === 1 ? group.items[0]?.id : group.id, group.line)
    else {
      const position = { record: this.records++, line: group.line }
      const message = 'Conditions inside conditions that must hold together are not kept here'
      this.#done.push({ fault: { position, code: 'object_not_kept', message } })
    }
  }

  #emit(items: readonly Item[], id: string | undefined, line: number): void {
    const position: Position = { record: this.records++, line }
    this.#done.push(decoded(position, () => this.#draft(items, id, position)))
  }

  #draft(items: readonly Item[], id: string | undefined, position: Position): Draft {
    if (this.#handling instanceof Fault) throw this.#handling
    const [first, ...rest] = mainFirst(items.map(observableOf))
    if (first === undefined) throw new Fault('object_not_kept', 'There is no condition in it')
    return defined<Draft>({
      position,
      id: id !== undefined && isStixUuid(id) ? `indicator--${id.toLowerCase()}` : undefined,
      modified: this.#modified,
      created: this.#modified,
      observables: [first, ...rest],
      compound: rest.length > 0,
      name: this.#name?.slice(0, limits.textCharacters).toWellFormed() || undefined,
      description: this.#description?.slice(0, limits.textCharacters).toWellFormed() || undefined,
      labels: [],
      handling: this.#handling,
      received: JSON.stringify(items.map(({ line: _, ...item }) => item)),
      format: 'openioc',
    })
  }
}

/** @throws {Fault} `object_not_kept` for a condition that is no equality, or about nothing observable here */
function observableOf({ condition, negated, search, content }: Item): Observable {
  if (negated || condition.toLowerCase() !== 'is') {
    throw new Fault(
      'object_not_kept',
      `Only "is" is kept, not "${negated ? 'not ' : ''}${condition.slice(0, 40).toWellFormed()}"`,
    )
  }
  const type = typeOfTerm(search)
  if (type === undefined)
    throw new Fault('object_not_kept', `"${search.slice(0, 60).toWellFormed()}" is nothing observable here`)
  return parseObservable(type, content)
}
