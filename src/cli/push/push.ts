import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { Position, RecordFault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import type { Target } from '../client.ts'
import { type Delivery, deliver, type Outcome, type Patience } from './deliver.ts'
import { type Input, sourceOf } from './input.ts'
import { type HeaderLine, type Part, type PartSize, partsOfCsv, partsOfLines } from './parts.ts'

/** Handling and the like for what the files do not say, as `POST /v1/indicators` takes it in its query. */
export type PushQuery = Readonly<Record<string, string | readonly string[] | undefined>>

export interface PushOptions {
  readonly query: PushQuery
  readonly size: PartSize
  readonly patience: Patience
}

/** Bytes of one request, so that its answer does not take long. */
const partBytes = 4 * 1024 * 1024

export const partSize = (records: number = limits.batchRecords): PartSize => ({ records, bytes: partBytes })

/** A record that was not taken. */
export interface Refusal {
  readonly file: string
  /** In the file, whatever part it went in. */
  readonly position: Position
  readonly code: string
  readonly message: string
}

export interface PushSummary {
  readonly files: number
  readonly accepted: number
  readonly unchanged: number
  readonly rejected: number
}

export interface PushObserver {
  refused(refusal: Refusal): void
  /** Bytes of the files that are done with, acknowledged or refused. */
  acknowledged(bytes: number): void
}

/**
 * Pushes files, one request after the other, each acknowledged before the next is sent.
 * @returns what became of the records; also what was done until then, in `done`, when it throws
 * @throws {CommandError} when the account may not publish, or the node stays away
 */
export async function pushFiles(
  target: Target,
  inputs: readonly Input[],
  options: PushOptions,
  observer: PushObserver,
  done: Tally = new Tally(),
): Promise<PushSummary> {
  const run = randomUUID()
  for (const input of inputs) {
    if (input.kind === 'document') await pushDocument(target, run, input, options, observer, done)
    else await pushParts(target, run, input, options, observer, done)
    done.files++
  }
  return done.summary()
}

/** Counts what became of the records. */
export class Tally {
  files = 0
  accepted = 0
  unchanged = 0
  rejected = 0

  summary(): PushSummary {
    const { files, accepted, unchanged, rejected } = this
    return { files, accepted, unchanged, rejected }
  }
}

async function pushParts(
  target: Target,
  run: string,
  input: Input,
  { query, size, patience }: PushOptions,
  observer: PushObserver,
  done: Tally,
): Promise<void> {
  const parts =
    input.kind === 'csv'
      ? partsOfCsv(sourceOf(input), size, headerLine(input, query))
      : partsOfLines(sourceOf(input), size)
  const path = publishPath(input, query)
  let bytes = 0
  for await (const part of parts) {
    const { mediaType } = input
    const digest = createHash('sha256').update(part.bytes).digest('hex')
    const delivery = { path, mediaType, body: () => part.bytes, digest }
    const outcome = part.records === 0 ? nothing : await deliver(target, run, delivery, patience)
    const inFile = (position: Position) => linePosition(part, position)
    count(input, outcome, part.records, inFile, observer, done)
    for (const fault of part.faults) observer.refused({ file: input.name, ...fault })
    done.rejected += part.faults.length
    // comments and line ends that were not sent are made up for at the end
    const passed = Math.min(part.bytes.length, input.bytes - bytes)
    bytes += passed
    observer.acknowledged(passed)
  }
  observer.acknowledged(input.bytes - bytes)
}

async function pushDocument(
  target: Target,
  run: string,
  input: Input,
  { query, patience }: PushOptions,
  observer: PushObserver,
  done: Tally,
): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of sourceOf(input).open()) hash.update(chunk)
  const delivery: Delivery = {
    path: publishPath(input, query),
    mediaType: input.mediaType,
    body: () => Readable.toWeb(createReadStream(input.path)) as ReadableStream,
    digest: hash.digest('hex'),
  }
  const outcome = await deliver(target, run, delivery, patience)
  count(input, outcome, 1, (position) => position, observer, done)
  observer.acknowledged(input.bytes)
}

function headerLine({ format }: Input, { columns }: PushQuery): HeaderLine {
  if (format === 'shadowserver') return 'always'
  if (columns === undefined) return 'told by its names'
  return [columns].flat().some((item) => item.includes('=')) ? 'always' : 'never'
}

const nothing: Outcome = { receipt: { receipt: '', accepted: 0, unchanged: 0, rejected: [], rejectedTotal: 0 } }

function count(
  { name }: Input,
  outcome: Outcome,
  records: number,
  inFile: (position: Position) => Position,
  observer: PushObserver,
  done: Tally,
): void {
  if ('refused' in outcome) {
    done.rejected += records
    observer.refused({ file: name, position: inFile({ line: 1 }), ...outcome.refused })
    return
  }
  const { accepted, unchanged, rejected, rejectedTotal } = outcome.receipt
  done.accepted += accepted
  done.unchanged += unchanged
  done.rejected += rejectedTotal
  for (const { position, code, message } of rejected as readonly RecordFault[]) {
    observer.refused({ file: name, position: inFile(position), code, message })
  }
}

/** The node counts lines and records of the part it got; a line of the file says where that is. */
function linePosition({ lines }: Part, { line, pointer }: Position): Position {
  const inFile = line === undefined ? undefined : (lines[line - 1] ?? lines.at(-1))
  return { ...(inFile === undefined ? {} : { line: inFile }), ...(pointer === undefined ? {} : { pointer }) }
}

function publishPath({ format, report }: Input, query: PushQuery): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...query, format, report })) {
    for (const each of value === undefined ? [] : typeof value === 'string' ? [value] : value)
      parameters.append(name, each)
  }
  return parameters.size === 0 ? '/v1/indicators' : `/v1/indicators?${parameters}`
}
