import { nextCode } from './object-column.ts'

/** One entry of the commit order: an indicator's of the feed, or a version of a STIX object. */
export interface Entry {
  position: number
  handling: number
  recalled: boolean
  /** The last digits of its time in microseconds. */
  slot: number
  /** Where what it replaces or recalls stood. */
  previous: number | undefined
  /** The `typeCode` of an object; 0: an indicator. */
  type: number
}

/** Entries after a position; the last, behind what stands there, says how far positions go, as not all are of what is kept. */
export const entriesAfter = (position: number): string =>
  `copy (select position, handling_id, kind = 'recalled', extract(microseconds from at)::int % 1000, previous_position, ''
       from feed where position > ${position}
     union all select position, handling_id, change = 'recalled', extract(microseconds from date_added)::int % 1000,
       case when version > 1 then (select p.position from stix_object p
         where p.id = o.id and p.originator = o.originator and p.version = o.version - 1) end, type
       from stix_object o where position > ${position}
     union all select position, 0, true, 0, null, '' from feed_head where position > ${position} order by position, handling_id desc) to stdout`

const tab = 0x09
const newline = 0x0a
const trueSign = 0x74
const backslash = 0x5c
const typeField = 5

/** Reads COPY's text byte by byte: tabs between, `\N` for no previous position. Each entry is told in the same object. */
export class Entries {
  readonly #into: (entry: Readonly<Entry>) => void
  readonly #fields = [0, 0, 0, 0, 0, 0]
  readonly #entry: Entry = { position: 0, handling: 0, recalled: false, slot: 0, previous: undefined, type: 0 }
  #field = 0
  #empty = false

  constructor(into: (entry: Readonly<Entry>) => void) {
    this.#into = into
  }

  /** Numbers may be cut anywhere by the end of a chunk: what was read of one stays for the next. */
  take(chunk: Buffer): void {
    const fields = this.#fields
    for (const byte of chunk) {
      if (byte === tab) {
        this.#field++
      } else if (byte === newline) {
        this.#tell()
      } else if (this.#field === typeField) {
        fields[typeField] = nextCode(fields[typeField] ?? 0, byte)
      } else if (byte === backslash) {
        this.#empty = true
      } else if (byte === trueSign) {
        fields[2] = 1
      } else if (byte >= 0x30 && byte <= 0x39) {
        fields[this.#field] = (fields[this.#field] ?? 0) * 10 + byte - 0x30
      }
    }
  }

  #tell(): void {
    const [position = 0, handling = 0, recalled = 0, slot = 0, previous = 0, type = 0] = this.#fields
    const entry = this.#entry
    entry.position = position
    entry.handling = handling
    entry.recalled = recalled === 1
    entry.slot = slot
    entry.previous = this.#empty ? undefined : previous
    entry.type = type
    this.#into(entry)
    this.#fields.fill(0)
    this.#field = 0
    this.#empty = false
  }
}
