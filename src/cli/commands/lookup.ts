import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import { integer } from '../../config-values.ts'
import { purposes } from '../../domain/agreement.ts'
import { limits } from '../../domain/limits.ts'
import { call } from '../client.ts'
import { exitCodes } from '../exit.ts'
import { type Column, harmless, printRows } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

/** A result as `POST /v1/lookup` gives it, as far as it is shown. */
interface Result {
  readonly value: string
  readonly type?: string
  readonly known: boolean
  readonly matches: readonly { readonly match: string; readonly indicator: Found }[]
  readonly fault?: { readonly code: string; readonly message: string }
}

interface Found {
  readonly id: string
  readonly name?: string
  readonly classType?: string
  readonly originator?: { readonly id: string }
  readonly alias?: string
  readonly handling: { readonly tlp: string }
}

interface Row {
  readonly result: Result
  readonly match?: Result['matches'][number]
}

const columns: readonly Column<Row>[] = [
  ['VALUE', ({ result }) => result.value],
  ['KNOWN', ({ result, match }) => (result.fault === undefined ? (match?.match ?? 'no') : result.fault.code)],
  ['TLP', ({ match }) => match?.indicator.handling.tlp],
  ['FROM', ({ match }) => match?.indicator.originator?.id ?? match?.indicator.alias],
  ['CLASS', ({ match }) => match?.indicator.classType],
  ['NAME', ({ match }) => match?.indicator.name],
]

interface Options extends ClientOptions {
  readonly type?: string
  readonly limit?: string
  readonly purpose?: string
}

/** `puente lookup`: which values are known to what one may see. */
export function addLookup(program: Command, shell: Shell): void {
  asClient(program.command('lookup [value...]'))
    .description('which values are known; without values, or with -, one a line from standard input')
    .option('--type <type>', 'what they are, such as domain-name; told from each value when absent')
    .option('--limit <matches>', 'matches listed for one value, 1 to 100 (default 10)')
    .addOption(new Option('--purpose <purpose>', 'what it is wanted for').choices(purposes))
    .action(async (values: string[], { type, limit, purpose, ...options }: Options) => {
      const target = { ...targetOf(shell, options), ...(purpose === undefined ? {} : { purpose }) }
      const limitPerValue = integer('--limit', limit, 10, 1, 100)
      const asked = values.length === 0 || values.includes('-') ? linesOf(shell) : values
      for await (const batch of batches(asked, limits.lookupValues)) {
        const wanted = type === undefined ? batch : batch.map((value) => ({ value, type }))
        const request = { method: 'POST', body: { values: wanted, limitPerValue } } as const
        const { results } = await call<{ results: Result[] }>(target, '/v1/lookup', request)
        if (results.some(({ fault }) => fault !== undefined)) shell.exitWith(exitCodes.refused)
        if (options.json === true) for (const result of results) shell.print(JSON.stringify(result))
        else {
          printRows(shell, false, results.flatMap(rowsOf), columns)
          for (const result of results) sayFault(shell, result, type)
        }
      }
    })
}

/** Why a value could not be looked up, and what would help where its type could not be told. */
function sayFault(shell: Shell, { value, fault }: Result, type: string | undefined): void {
  if (fault === undefined) return
  const advice = fault.code === 'invalid_value' && type === undefined ? ' (use --type)' : ''
  shell.say(harmless(`${value}: ${fault.message}${advice}`))
}

const rowsOf = (result: Result): Row[] =>
  result.matches.length === 0 ? [{ result }] : result.matches.map((match) => ({ result, match }))

async function* linesOf({ stdin }: Shell): AsyncGenerator<string> {
  for await (const line of createInterface({ input: stdin })) if (line.trim() !== '') yield line.trim()
}

async function* batches<T>(items: AsyncIterable<T> | Iterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length === size) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
