import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Blockable } from '../domain/released.ts'
import type { WarninglistMatcher } from '../domain/warninglist-matcher.ts'
import { type BlocklistFormat, type BlocklistTally, blockableTypes, newTally } from '../formats/blocklists/format.ts'
import { blocklistFormats } from '../formats/blocklists/index.ts'
import { mayBlock } from '../policy/pap.ts'
import { blockableOf } from '../policy/release.ts'
import { placeBytes, placesOfValues, type ValueRow, valuesAt, type WantedValues } from '../store/blocklist-values.ts'
import { readBlocklist as savedList } from '../store/blocklists.ts'
import type { VisibleTo } from '../store/visible.ts'
import { type BlocklistFilter, typesOfKind, wantedValues } from './blocklist-filter.ts'
import { blocklistVersion, settled } from './blocklist-version.ts'
import type { Context, Standing } from './context.ts'
import { decidedAnew } from './decided-anew.ts'
import { absent } from './read.ts'
import { handlingFilter } from './search-filter.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, visibleTo } from './visible.ts'

export interface ReadBlocklistInput {
  /** `all`, `domains`, `addresses`, `urls`, `hashes`, or the id of a saved list. */
  readonly name: string
  /** Of the format: `rpz`, `nft` … */
  readonly extension: string
  /** For lists that are not saved. */
  readonly filter: BlocklistFilter
  /** The versions that the caller has. */
  readonly known?: readonly string[]
  /** Its version alone. */
  readonly headOnly?: boolean
  /** Where the public asks from: its readers are no one account, and one must not take the places of all. */
  readonly address?: string
}

export interface OpenBlocklist {
  readonly version: string
  readonly format: BlocklistFormat
  /** Absent when the caller has this version, or asked for it alone. Whoever takes it reads it to its end, or lets it go. */
  readonly text?: AsyncIterable<string>
}

/** What is asked for, as found. */
interface Asked {
  readonly name: string
  readonly format: BlocklistFormat
  readonly filter: BlocklistFilter
  readonly types: readonly string[]
}

/**
 * A list of what the caller may block, as its consumer reads it. It is decided anew for every batch: what is taken back while it is sent
 * is not in the rest, and a credential that is taken back ends it.
 * @throws {Fault} `not_found`, `too_many_values`, `unavailable`
 */
export const readBlocklist = verb(
  'read-blocklist',
  async (context: Context, caller: Caller, input: ReadBlocklistInput, standing): Promise<OpenBlocklist> => {
    const asked = await askedFor(context, caller, input)
    const { format, name } = asked
    const visible = blockableFor(context, caller, standing, asked.filter)
    const wanted = wantedValues(context, asked.filter, asked.types, format)
    const [warninglists] = await Promise.all([context.warninglists.current(), settled(context, visible)])
    const extension = format.extension
    const version = await blocklistVersion(context, visible, { name, extension, wanted }, warninglists.version)
    if (input.headOnly === true || input.known?.includes(version) === true) return { version, format }
    const list: Writing = { ...asked, address: input.address, matcher: warninglists.matcher, tally: newTally() }
    const account = caller.reader.account ?? `address ${list.address ?? ''}`
    const text = context.sendingBlocklists.during(account, () => writing(context, caller, list, visible, wanted))
    return { version, format, text: await begun(text) }
  },
  { checkedWithRows: true },
)

/** @throws {Fault} `not_found` alike for what does not exist and for what is not the caller's */
async function askedFor(context: Context, caller: Caller, input: ReadBlocklistInput): Promise<Asked> {
  const { name, extension, filter } = input
  const format = blocklistFormats.get(extension)
  if (format === undefined) throw absent()
  const types = typesOfKind(name)
  if (types !== undefined && caller.list === undefined) return { name, format, filter, types }
  const saved = await savedList(context.database, name)
  const reads = caller.list === undefined ? saved?.account === caller.reader.account : caller.list.id === name
  if (saved === undefined || !reads) throw absent()
  if (Object.keys(filter).length > 0)
    throw new Fault('invalid_request', 'A saved list has its filter; it takes no other in the URL.')
  return { name, format, filter: JSON.parse(saved.filter) as BlocklistFilter, types: blockableTypes }
}

/** Whole, and by the PAP gate: what the filter asks of the handling narrows it further. */
function blockableFor(context: Context, caller: Caller, standing: Standing, filter: BlocklistFilter): VisibleTo {
  const keep = handlingFilter(caller, filter)
  return visibleTo(
    permittedFor(context, caller, standing),
    standing,
    caller,
    'content',
    (handling) => mayBlock(handling) && (keep === undefined || keep(handling)),
  )
}

/** A list being written. */
interface Writing extends Asked {
  readonly address: string | undefined
  /** The warninglists that the version of the list names. */
  readonly matcher: WarninglistMatcher
  readonly tally: BlocklistTally
}

/** The text of a list. @throws {Fault} `too_many_values`, `unavailable`; {PolicyMoved} before the first piece */
async function* writing(
  context: Context,
  caller: Caller,
  list: Writing,
  visible: VisibleTo,
  wanted: WantedValues,
): AsyncGenerator<string> {
  const places = await placesOfValues(context.database, visible, wanted, limits.blocklistValues)
  if (places === undefined)
    throw new Fault('too_many_values', `More than ${limits.blocklistValues} values: narrow the list with a filter.`)
  const { name, format, tally } = list
  const serial = Math.floor(context.clock().getTime() / 1_000)
  yield* format.encode(batches(context, caller, list, places), { name, serial, tally })
}

async function* batches(
  context: Context,
  caller: Caller,
  list: Writing,
  places: Buffer,
): AsyncGenerator<readonly Blockable[]> {
  const step = limits.blocklistBatch * placeBytes
  for (let at = 0; at < places.length; at += step) {
    const here = places.subarray(at, at + step)
    const work = (standing: Standing, known: Caller) => batchAt(context, known, standing, list, here)
    yield await decidedAnew(context, caller, 'read-blocklist', work, { checkedWithRows: true })
  }
}

/** One batch, decided, recorded and released. */
async function batchAt(
  context: Context,
  caller: Caller,
  standing: Standing,
  { filter, types, format, matcher, tally }: Writing,
  places: Buffer,
): Promise<Blockable[]> {
  const visible = blockableFor(context, caller, standing, filter)
  const wanted: WantedValues = wantedValues(context, filter, types, format)
  const rows = await valuesAt(context.database, visible, wanted, places)
  const taken = rows.filter((row) => !matcher.has(row))
  const released = releaseForBlocking(context, caller, standing, taken)
  await recordReading(context, caller, standing, 'read-blocklist', taken)
  tally.known += rows.length - taken.length
  return released
}

function releaseForBlocking(
  context: Context,
  caller: Caller,
  standing: Standing,
  rows: readonly ValueRow[],
): Blockable[] {
  const { permit } = permittedFor(context, caller, standing)
  const releasers = new Map<number, ReturnType<typeof blockableOf>>()
  return rows.map((row) => {
    let release = releasers.get(row.handlingId)
    if (release === undefined) {
      const handling = standing.visibility.handling(row.handlingId)
      if (handling === undefined) throw new Error('an indicator has a handling that is not known')
      release = blockableOf(handling, permit.has(row.handlingId) ? 'permit' : 'deny')
      releasers.set(row.handlingId, release)
    }
    return release(row, row)
  })
}

/**
 * The text, begun: what goes wrong with its first piece is answered as an error and not as a list that breaks off; and only what has begun
 * is told that it is not wanted any more.
 */
async function begun(text: AsyncGenerator<string>): Promise<AsyncIterable<string>> {
  let first: IteratorResult<string, void> | undefined = await text.next()
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const result = first ?? (await text.next())
        first = undefined
        return result
      },
      return: async () => await text.return(undefined),
    }),
  }
}
