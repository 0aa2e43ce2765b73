import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import {
  type ClawBackRow,
  type ClawBacksOf,
  clawBacksOf,
  confirmClawBacks,
  openClawBacks,
} from '../store/claw-backs.ts'
import { readExport } from '../store/exports.ts'
import { stixIdOf } from '../store/rows.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { invalid, prose } from './legal-text.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** That an indicator of a package was recalled after it was fetched: its liaison deletes it, or stops using it, and says so. */
export interface ClawBack {
  readonly export: string
  readonly request: string
  /** Of the liaison. */
  readonly organisation: string
  readonly indicator: string
  readonly originator: string
  /** The version that was given. */
  readonly version: number
  readonly recalledAt: string
  /** By then it is to be confirmed. */
  readonly deadline: string
  readonly overdue: boolean
  readonly confirmedAt?: string
  readonly note?: string
}

export interface ListClawBacksInput {
  /** Only what was not confirmed in time. */
  readonly overdue?: boolean
  /** What was confirmed, instead of what waits. */
  readonly confirmed?: boolean
  /** 1–1,000; 100 when absent. */
  readonly limit?: number
}

const hourMs = 3_600_000

/** What was recalled of packages: for the liaison that fetched it, the originator, and the node. The first recalled first. */
export const listClawBacks = verb(
  'list-claw-backs',
  async (context: Context, caller: Caller, input: ListClawBacksInput, standing): Promise<ClawBack[]> => {
    const at = context.clock()
    const found = await clawBacksOf(context.database, {
      of: partsOf(caller, at),
      confirmed: input.confirmed === true,
      ...(input.overdue === true ? { recalledBy: new Date(at.getTime() - limits.legalConfirmHours * hourMs) } : {}),
      limit: input.limit ?? limits.pageRecordsDefault,
    })
    return found.map((row) => shown(row, standing, at))
  },
)

function partsOf({ reader, operator }: Caller, at: Date): ClawBacksOf[] {
  const parts: ClawBacksOf[] = [{ account: reader.account ?? '' }]
  if (operator && reader.roles.includes('policy-officer')) parts.push({ node: true })
  const home = reader.organisation?.id
  if (home !== undefined && reader.roles.includes('approver')) parts.push({ originator: home, at })
  return parts
}

export interface ConfirmClawBacksInput {
  /** Id of the export. */
  readonly id: string
  /** What was done. */
  readonly note: string
  /** STIX ids; all that wait when absent. */
  readonly indicators?: readonly string[]
}

/** The liaison says what it did with what was recalled of a package. @throws {Fault} `not_found`, `request_state`, `invalid_request` */
export const confirmRecalled = verb(
  'confirm-claw-backs',
  async (context: Context, caller: Caller, input: ConfirmClawBacksInput, standing): Promise<ClawBack[]> => {
    const note = prose(input.note, '/note')
    const uuids = input.indicators?.map((id, n) => {
      const uuid = uuidOf(id)
      if (uuid === undefined) throw invalid(`/indicators/${n}`, 'The STIX id of an indicator.')
      return uuid
    })
    const at = context.clock()
    return await context.database.transaction(async (transaction) => {
      const row = await readExport(transaction, input.id)
      if (row === undefined || row.account !== caller.reader.account) throw absent()
      const waiting = await openClawBacks(transaction, input.id, uuids)
      if (waiting.length === 0) throw new Fault('request_state', 'Nothing of this export waits to be confirmed.')
      const ordinals = waiting.map(({ ordinal }) => ordinal)
      await confirmClawBacks(transaction, input.id, ordinals, { at, by: row.account, note })
      const indicators = waiting.map(({ originator, stixId, version }) => [originator, stixIdOf(stixId), version])
      const subject = { export: input.id, request: row.request, indicators, note }
      await record(transaction, context, caller, standing, {
        ...administrative('confirm-claw-backs', subject),
        requests: [row.request],
      })
      return waiting.map((each) => shown({ ...each, confirmedAt: at, note }, standing, at))
    })
  },
)

function shown(row: ClawBackRow, { directory }: Standing, at: Date): ClawBack {
  const { export: id, request, originator, version, recalledAt, confirmedAt, note } = row
  const deadline = new Date(recalledAt.getTime() + limits.legalConfirmHours * hourMs)
  return {
    ...{ export: id, request, originator, version },
    organisation: directory.accounts.get(row.account)?.organisation ?? '',
    indicator: stixIdOf(row.stixId),
    recalledAt: recalledAt.toISOString(),
    deadline: deadline.toISOString(),
    overdue: confirmedAt === null && deadline <= at,
    ...(confirmedAt === null ? {} : { confirmedAt: confirmedAt.toISOString() }),
    ...(note === null ? {} : { note }),
  }
}
