/** What stands under an id, as far as it is asked whether something that names it may be shown. An indicator has no parts. */
export interface PartRow {
  /** STIX id. */
  readonly id: string
  readonly originator: string
  readonly handlingId: number
  readonly recalled: boolean
  readonly needs: readonly string[]
  readonly about: readonly string[]
}

/** For whom it is asked. */
export interface PartsReader {
  /** Whether STIX objects under a handling may be had, and indicators, which may be masked. */
  readonly objects: (handlingId: number) => boolean
  readonly indicators: (handlingId: number) => boolean
  /** What it recalled is still there for it. */
  readonly organisation: string | undefined
}

const indicatorId = 'indicator--'

export const isIndicatorId = (id: string): boolean => id.startsWith(indicatorId)

/**
 * Which objects a reader may be shown, by what they are made of (docs/stix.md): an object is there under a permitted handling and with the
 * parts that it cannot be without. Only what was added is there.
 */
export class ShownParts {
  readonly #reader: PartsReader
  readonly #rows = new Map<string, PartRow[]>()
  /** By depth. */
  readonly #known = new Map<PartRow, (boolean | undefined)[]>()

  constructor(reader: PartsReader) {
    this.#reader = reader
  }

  add(row: PartRow): void {
    const key = keyOf(row.id)
    const rows = this.#rows.get(key)
    if (rows === undefined) this.#rows.set(key, [row])
    else rows.push(row)
  }

  /** Whether a row's own handling lets it be there, whatever it is made of. */
  isPermitted({ id, handlingId, recalled, originator }: PartRow): boolean {
    const { objects, indicators, organisation } = this.#reader
    return (isIndicatorId(id) ? indicators : objects)(handlingId) && (!recalled || originator === organisation)
  }

  /**
   * Whether all that a row needs is there, and one of what it is about.
   * @param depth how far parts of parts are followed; what lies deeper is not there
   */
  hasParts({ originator, needs, about }: Pick<PartRow, 'originator' | 'needs' | 'about'>, depth: number): boolean {
    if (needs.length === 0 && about.length === 0) return true
    if (depth < 0) return false
    const isThere = (id: string): boolean => this.isNamed(id, originator, depth)
    return needs.every(isThere) && (about.length === 0 || about.some(isThere))
  }

  /**
   * Whether an id names something that is there, in an object of an originator. What it published itself under that id is what it means:
   * where that is hidden, nothing that somebody else published under the same id stands for it, or whoever guesses an id would see by an
   * object of his own whether it is referred to.
   */
  isNamed(id: string, originator: string, depth: number): boolean {
    const rows = this.#rows.get(keyOf(id)) ?? []
    const own = rows.filter((row) => row.originator === originator)
    return (own.length > 0 ? own : rows).some((row) => this.#isThere(row, depth - 1))
  }

  /** Whether anything under an id is there, whoever named it, or stands under it by this originator, shown or not. */
  isKnown(id: string, own: string | undefined, depth: number): boolean {
    const rows = this.#rows.get(keyOf(id)) ?? []
    return rows.some((row) => row.originator === own || this.#isThere(row, depth - 1))
  }

  #isThere(row: PartRow, depth: number): boolean {
    const known = this.#known.get(row) ?? []
    // Depths begin at -1.
    const found = known[depth + 1] ?? (this.isPermitted(row) && this.hasParts(row, depth))
    known[depth + 1] = found
    this.#known.set(row, known)
    return found
  }
}

/** A UUID may be written in either case; ids of other objects are texts. */
const keyOf = (id: string): string => (isIndicatorId(id) ? id.toLowerCase() : id)
