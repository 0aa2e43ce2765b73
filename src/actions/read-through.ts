import { setImmediate } from 'node:timers/promises'
import { type Envelope, isWhole } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import { readEnvelope } from '../formats/envelope.ts'
import { draftOfEnvelope } from '../formats/envelope-draft.ts'
import { EnvelopeError } from '../formats/envelope-error.ts'
import type { ReadEntry, ReadPage } from '../formats/feed-page.ts'
import { factsOfPattern } from './by-type.ts'

/** Entries read before others have their turn: some tenths of a millisecond, as the transaction under way has thirty turns to wait for. */
const stretchEntries = 5

/**
 * A page with its envelopes read. That is most of what judging them costs and needs their bytes alone, so that it is done as soon as they
 * are here, while the page before is stored. What is wrong with one is said when it is judged.
 */
export async function readThrough(page: ReadPage): Promise<ReadPage> {
  const entries: ReadPage['entries'][number][] = []
  for (const [n, entry] of page.entries.entries()) {
    if (n % stretchEntries === stretchEntries - 1) await setImmediate()
    entries.push('fault' in entry ? entry : withEnvelope(entry))
  }
  return { ...page, entries }
}

function withEnvelope(entry: ReadEntry): ReadEntry {
  const read = readOrFault(entry.envelope)
  if (!(read instanceof EnvelopeError) && isWhole(read)) understand(read)
  return { ...entry, read }
}

/** What a text is, or why it is no envelope. */
export function readOrFault(text: string): Envelope | EnvelopeError {
  try {
    return readEnvelope(text)
  } catch (error) {
    if (error instanceof EnvelopeError) return error
    throw error
  }
}

/** Whether it was read, and found to be an envelope. */
export const isRead = (read: ReadEntry['read']): read is Envelope =>
  read !== undefined && !(read instanceof EnvelopeError)

/** What is made of content to judge it, and kept with it. */
function understand(envelope: Parameters<typeof draftOfEnvelope>[0]): void {
  try {
    factsOfPattern(envelope.content)
    draftOfEnvelope(envelope)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}
