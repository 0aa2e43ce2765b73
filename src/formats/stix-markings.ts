import { Fault } from '../domain/errors.ts'
import { type HandlingInput, strictestInput } from '../domain/handling.ts'
import { parsePap } from '../domain/pap.ts'
import { parseTlp, tlpOfMarking } from '../domain/tlp.ts'
import type { Fields } from './fields.ts'
import { isJsonObject, type JsonObject } from './json-text.ts'
import { tlp2Extension } from './tlp-objects.ts'

/** What a marking says about handling; undefined when this node does not know it, and then nobody may be shown. */
export type MarkingOf = (id: string) => HandlingInput | undefined

/** The markings everybody knows by their id: TLP 2.0, TLP 1 of STIX 2.1, OpenCTI's AMBER+STRICT. */
export const knownMarking: MarkingOf = (id) => {
  const tlp = tlpOfMarking(id)
  return tlp === undefined ? undefined : { tlp }
}

/** How many definitions of its own a document may bring; what refers to any further one is refused. */
const definitionsKept = 10_000

/** The marking definitions that a document brings, added to those everybody knows. */
export class MarkingDefinitions {
  readonly #meanings = new Map<string, HandlingInput | undefined>()

  /** Two definitions of one id: the stricter of the two, and unknown if either is. */
  add(definition: JsonObject): void {
    const id = definition.id
    if (typeof id !== 'string' || (this.#meanings.size >= definitionsKept && !this.#meanings.has(id))) return
    const meaning = meaningOf(definition)
    const earlier = this.#meanings.has(id) ? this.#meanings.get(id) : {}
    this.#meanings.set(id, meaning && earlier && strictestInput(meaning, earlier))
  }

  /** A definition can make a well-known id stricter, never laxer. */
  readonly markingOf: MarkingOf = (id) => {
    const known = knownMarking(id)
    const own = this.#meanings.get(id)
    return known !== undefined && own !== undefined ? strictestInput(known, own) : (known ?? own)
  }
}

/**
 * The handling of one object: the strictest of its own markings and those of its parts (cti-stix2 issue 302 leaves open
 * which of the two wins).
 * @throws {Fault} `marking_unknown`, `invalid_stix`
 */
export function handlingOfObject(fields: Fields, markingOf: MarkingOf): HandlingInput {
  let handling: HandlingInput | undefined
  for (const [name, id] of markingsOf(fields)) {
    const meaning = markingOf(id)
    if (meaning === undefined) {
      throw fields.fault(name, `The marking ${id.slice(0, 60)} is not known here`, 'marking_unknown')
    }
    handling = handling === undefined ? meaning : strictestInput(handling, meaning)
  }
  return handling ?? {}
}

function* markingsOf(fields: Fields): Generator<readonly [string, string]> {
  for (const id of fields.texts('object_marking_refs', 1_000) ?? []) yield ['object_marking_refs', id]
  const granular = fields.object.granular_markings
  if (granular === undefined) return
  if (!Array.isArray(granular)) throw fields.fault('granular_markings', '"granular_markings" must be a list')
  for (const marking of granular) {
    if (!isJsonObject(marking)) throw fields.fault('granular_markings', 'A granular marking must be an object')
    // One that names a language instead says nothing about access (STIX 2.1 §7.2.3.1).
    if (marking.marking_ref === undefined && typeof marking.lang === 'string') continue
    if (typeof marking.marking_ref !== 'string') {
      throw fields.fault('granular_markings', 'A granular marking must have "marking_ref" or "lang"')
    }
    yield ['granular_markings', marking.marking_ref]
  }
}

/** Extensions that limit access in ways this node cannot keep: ACS, IEP and CUI data markings. */
const accessExtensions = [
  'extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce',
  'extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a',
  'extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a',
]

/**
 * Reads TLP (STIX 2.1 §7.2.1.4, the TLP 2.0 extension) and PAP (as OpenCTI writes it). A statement says who wrote or
 * owns something, and nothing about access, unless it is a label itself. All else is unknown.
 */
function meaningOf(definition: JsonObject): HandlingInput | undefined {
  const extensions = isJsonObject(definition.extensions) ? definition.extensions : {}
  if (accessExtensions.some((id) => Object.hasOwn(extensions, id))) return undefined
  const extension = extensions[tlp2Extension]
  if (isJsonObject(extension)) return labelMeaning('tlp', extension.tlp_2_0)
  const type = textOf(definition.definition_type).toLowerCase()
  const kind = textOf(definition.x_opencti_definition_type).toLowerCase()
  const content = isJsonObject(definition.definition) ? definition.definition : {}
  const label = firstText(content[type], content.tlp, content.TLP, content.pap, content.PAP, content.statement)
  const named = firstText(label, definition.x_opencti_definition, definition.name)
  if (type === 'tlp' || kind === 'tlp' || startsWith(named, 'tlp:')) return labelMeaning('tlp', named)
  if (type === 'pap' || kind === 'pap' || startsWith(named, 'pap:')) return labelMeaning('pap', named)
  return type === 'statement' ? {} : undefined
}

function labelMeaning(kind: 'tlp' | 'pap', label: unknown): HandlingInput | undefined {
  try {
    return kind === 'tlp' ? { tlp: parseTlp(textOf(label)) } : { pap: parsePap(textOf(label)) }
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const firstText = (...values: readonly unknown[]): string => textOf(values.find((value) => typeof value === 'string'))
const startsWith = (text: string, start: string): boolean => text.slice(0, 4).toLowerCase() === start
