import type { Blockable } from '../../domain/released.ts'
import type { Batches, BlocklistFacts, BlocklistTally } from './format.ts'
import { isValid } from './grammar.ts'
import { Sieve } from './sieve.ts'

interface Lines {
  readonly head?: string
  /** A record with its line end; undefined for what the format cannot say of this value. */
  readonly line: (value: Blockable) => string | undefined
  /** What closes the list, once the last record is written. */
  readonly foot?: () => string
  /** What a comment begins with; absent where the format has none. */
  readonly comment?: string
  readonly collapses?: boolean
  readonly merges?: boolean
}

/** Writes a list record by record: what is not valid, or said already, is counted and left out. */
export async function* encodeLines(
  batches: Batches,
  { name, tally }: BlocklistFacts,
  { head = '', line, foot = () => '', comment, collapses = false, merges = false }: Lines,
): AsyncGenerator<string> {
  const sieve = new Sieve(collapses, merges)
  const begin = comment === undefined ? head : `${comment} Puente blocklist ${name}\n${head}`
  if (begin !== '') yield begin
  for await (const batch of batches) {
    let text = ''
    for (const value of batch) text += recordOf(value, line, sieve, tally)
    if (text !== '') yield text
  }
  const end = comment === undefined ? foot() : `${foot()}${comment} ${sentenceOf(tally)}\n`
  if (end !== '') yield end
}

function recordOf(value: Blockable, line: Lines['line'], sieve: Sieve, tally: BlocklistTally): string {
  if (!isValid(value)) {
    tally.invalid++
    return ''
  }
  const passed = sieve.pass(value)
  if (passed === 'covered') tally.covered++
  if (passed !== 'new') return ''
  const text = line(value)
  if (text === undefined) tally.invalid++
  else tally.values++
  return text ?? ''
}

const sentenceOf = ({ values, invalid, covered, known }: BlocklistTally): string =>
  `${values} values; left out: ${invalid} not valid here, ${covered} inside another, ${known} on warninglists`
