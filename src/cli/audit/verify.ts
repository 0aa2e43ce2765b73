import { SingleBar } from 'cli-progress'
import { findingKinds } from '../../actions/audit-findings.ts'
import { type AuditReport, verifyAudit } from '../../actions/verify-audit.ts'
import type { Witness } from '../../actions/witnessed.ts'
import { askWitnesses } from '../../actions/witnessed.ts'
import { dataFolderOf, type OpenDatabase, openContext, openDatabase } from '../../main.ts'
import { NoteError, parseKey } from '../../seal/note.ts'
import { Database } from '../../store/database.ts'
import { AlreadyRunning } from '../../store/embedded/postmaster.ts'
import { runningEmbedded } from '../../store/embedded/running.ts'
import { notStarted } from '../commands/serve.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import { aligned, harmless } from '../output.ts'
import type { Shell } from '../shell.ts'
import { readNamed } from './evidence.ts'

export interface VerifyOptions {
  readonly checkpoint?: readonly string[]
  readonly key?: string
  readonly peers?: boolean
  readonly json?: boolean
}

/** Statements of an audit read much and may take long; nobody waits for them. */
const statementTimeoutMs = 3_600_000

/** `puente audit verify`: ends with 1 when anything is found. */
export async function verifyNow(shell: Shell, { checkpoint = [], key, peers, json }: VerifyOptions): Promise<void> {
  const kept = checkpoint.map(readNamed)
  const database = await open(shell)
  const bar = shell.terminal.err
    ? new SingleBar({ format: '{bar} {percentage}% {value} of {total} leaves' })
    : undefined
  const connection = new Database({ url: database.url, connections: 1, statementTimeoutMs, onIdleError: () => {} })
  try {
    const witnesses = peers === true ? await witnessesOf(shell, database, key) : []
    const checkpoints = [...kept, ...witnesses.flatMap(({ notes }) => notes)]
    const onProgress = (done: number, all: number) => {
      if (bar?.isActive === false) bar.start(all, 0)
      bar?.update(done)
    }
    const report = await verifyAudit(connection, { checkpoints, onProgress, ...(key === undefined ? {} : { key }) })
    bar?.stop()
    print(shell, report, witnesses, json === true)
    if (report.findings.length > 0) shell.exitWith(exitCodes.refused)
  } catch (error) {
    bar?.stop()
    if (error instanceof NoteError) throw new CommandError(exitCodes.usage, error.message, { cause: error })
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  } finally {
    await connection.close()
    await database.stop()
  }
}

/** The heads of the log that peers have kept, asked for now: what lies in the database may be what somebody left there. */
async function witnessesOf({ config }: Shell, database: OpenDatabase, key: string | undefined): Promise<Witness[]> {
  const context = await openContext(database, config, openLog('warn'), 'ask peers')
  try {
    return await askWitnesses(context, key === undefined ? undefined : parseKey(key))
  } finally {
    await context.close()
  }
}

/** The database, also where a node of this machine runs it at this moment. */
async function open({ config, secrets }: Shell): Promise<OpenDatabase> {
  const dataFolder = dataFolderOf(config)
  try {
    return await openDatabase(secrets, { dataFolder, durable: true }, openLog('warn'))
  } catch (error) {
    const url = error instanceof AlreadyRunning ? runningEmbedded(dataFolder) : undefined
    if (url !== undefined) return { url, embedded: true, stop: async () => {} }
    throw new CommandError(exitCodes.unreachable, notStarted(error), { cause: error })
  }
}

function print(shell: Shell, report: AuditReport, witnesses: readonly Witness[], json: boolean): void {
  const asked = witnesses.map(({ notes, ...rest }) => ({ ...rest, heads: notes.length }))
  if (json) {
    shell.print(JSON.stringify(asked.length === 0 ? report : { ...report, witnesses: asked }))
    return
  }
  for (const { name, heads, failed } of asked)
    shell.print(harmless(`${name} has kept ${heads} heads${failed === undefined ? '' : `: ${failed}`}`))
  for (const line of linesOf(report)) shell.print(line)
}

function linesOf({ counts, findings, ...facts }: AuditReport): string[] {
  const lines = aligned(Object.entries(facts).map(([name, value]) => [`${name}:`, String(value)]))
  if (findings.length === 0) return [...lines, 'nothing was found']
  const found = findings.map(({ kind, leaf, size, sentence }) => {
    const where = leaf !== undefined ? ` leaf ${leaf}` : size !== undefined ? ` size ${size}` : ''
    return harmless(`${kind}${where}: ${sentence}`)
  })
  const kinds = Object.entries(counts).map(([kind, count]) => [
    String(count),
    kind,
    findingKinds[kind as keyof typeof findingKinds],
  ])
  return [...lines, '', ...found, '', ...aligned(kinds)]
}
