import { createHash, randomUUID } from 'node:crypto'
import type { AssistanceKind, AssistanceStep, AssistanceTlp } from '../domain/assistance.ts'
import type { Caller } from '../domain/caller.ts'
import { type Directory, homeOf, readerOfAccount, readerOfOrganisation, worldOf } from '../domain/directory.ts'
import { parseInstant } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Reader } from '../domain/reader.ts'
import { assistanceHandling } from '../policy/assistance.ts'
import { decide } from '../policy/decide.ts'
import { withoutRelations } from '../policy/release.ts'
import {
  appendAssistanceStep,
  insertAssistance,
  type Reference,
  referable,
  type StoredAssistance,
} from '../store/assistance.ts'
import type { Transaction } from '../store/database.ts'
import { closeReceipt, openReceipt } from '../store/receipts.ts'
import { type AssistanceView, referencesVisibleTo, viewOf } from './assistance-view.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { invalid, prose } from './legal-text.ts'
import { record, verb } from './verb.ts'

export interface AskAssistanceInput {
  /** Organisation id. */
  readonly to: string
  readonly kind: AssistanceKind
  readonly text: string
  /** STIX ids of indicators; those of the caller's own organisation must be visible to the other, and others are left out where they are not. */
  readonly indicators: readonly string[]
  readonly dueAt: string
  /** `amber` when absent. */
  readonly tlp?: AssistanceTlp
  /** For RED: account ids of the other organisation. */
  readonly people?: readonly string[]
  /** Whether what is said has personal data in it. */
  readonly personalData?: boolean
  /** The same key and input ask once. */
  readonly idempotencyKey?: string
}

/**
 * Asks another partner to do something about indicators.
 * @throws {Fault} `invalid_request`, `audience_unknown`, `people_required`, `people_unknown`, `reference_unknown`, `already_recalled`,
 * `assistance_refused`, `idempotency_key_reused`
 */
export const askAssistance = verb(
  'ask-assistance',
  async (context: Context, caller: Caller, input: AskAssistanceInput, standing): Promise<AssistanceView> => {
    const now = context.clock()
    const home = caller.reader.organisation?.id ?? ''
    const dueAt = parseDue(input.dueAt, now)
    const text = prose(input.text, '/text')
    const { people, readers } = addressed(standing.directory, input, home)
    const { tlp = 'amber', personalData = false, to } = input
    const question = assistanceHandling(home, to, tlp, people, personalData)
    const answer = assistanceHandling(to, home, tlp, [caller.reader.account ?? '', ...people], personalData)
    for (const reader of readers) await refuseUnseen(context, caller, standing, reader, question)
    await refuseUnseen(context, caller, standing, caller.reader, answer)
    const references = await referencesOf(context, caller, standing, readers, input.indicators)
    const [handlingId, answerHandlingId] = await context.policy.intern([question, answer])
    if (handlingId === undefined || answerHandlingId === undefined) throw new Error('a handling was not interned')
    // The handlings are new perhaps: what is answered is decided with them.
    const judged = await context.policy.current()
    const at = now.toISOString()
    const row: StoredAssistance = {
      ...{ id: randomUUID(), kind: input.kind, from: home, to, state: 'asked', dueAt, version: 1, createdAt: at },
      ...{ handlingId, answerHandlingId },
    }
    const account = caller.reader.account ?? ''
    const step: AssistanceStep = { step: 'ask', side: 'asker', account, text, at }
    return await context.database.transaction(async (transaction) => {
      const opened = await openOnce(transaction, account, input, now)
      if (opened !== undefined && 'answer' in opened) return opened.answer
      await insertAssistance(transaction, row, references)
      await appendAssistanceStep(transaction, row, step, handlingId)
      await record(transaction, context, caller, standing, {
        action: 'ask-assistance',
        decision: 'permit',
        rules: ['assistance.two'],
        subject: JSON.stringify({ assistance: row, references, step }),
      })
      const view = await viewOf(transaction, context, caller, judged, row)
      if (opened !== undefined)
        await closeReceipt(transaction, opened.opened, digestOf(input), 201, JSON.stringify(view))
      return view
    })
  },
)

function parseDue(text: string, now: Date): string {
  const dueAt = parseInstant(text, '/dueAt')
  const latest = now.getTime() + limits.assistanceDays * 86_400_000
  if (!(Date.parse(dueAt) > now.getTime() && Date.parse(dueAt) <= latest))
    throw invalid('/dueAt', `It is due in the future, and within ${limits.assistanceDays} days.`)
  return dueAt
}

/** Whom it is for: the organisation, or for RED those people of it. */
function addressed(
  directory: Directory,
  { to, tlp, people = [] }: AskAssistanceInput,
  home: string,
): { readonly people: readonly string[]; readonly readers: readonly Reader[] } {
  if (to === home) throw invalid('/to', 'An organisation asks another one.')
  const organisation = directory.organisations.get(to)
  if (organisation === undefined || organisation.disabled || homeOf(directory, to) !== undefined)
    throw new Fault('audience_unknown', `"${to.slice(0, 80)}" is no organisation that can be asked at this node.`, {
      position: { pointer: '/to' },
    })
  if (tlp !== 'red') {
    if (people.length > 0) throw invalid('/people', 'Only TLP:RED names people.')
    return { people, readers: [readerOfOrganisation(directory, to)] }
  }
  if (people.length === 0)
    throw new Fault('people_required', 'TLP:RED needs the accounts that it is for, as `people`.', {
      position: { pointer: '/people' },
    })
  const readers = people.map((id, n) => {
    const reader = readerOfAccount(directory, id)
    if (reader?.organisation?.id !== to)
      throw new Fault('people_unknown', `"${id.slice(0, 80)}" is no account of that organisation.`, {
        position: { pointer: `/people/${n}` },
      })
    return reader
  })
  return { people, readers }
}

/** What is said must reach whom it is said to: otherwise the first rule against it is told. @throws {Fault} `assistance_refused` */
async function refuseUnseen(
  context: Context,
  caller: Caller,
  standing: Standing,
  reader: Reader,
  handling: Handling,
  pointer?: string,
): Promise<void> {
  const decision = decide(reader, handling, caller.purpose, context.clock(), worldOf(standing.directory))
  // A reference is an id, which a masked indicator has, too; words have no masked form.
  if (decision.effect === 'permit' || (pointer !== undefined && decision.effect === 'redact')) return
  const { reason, rules } = withoutRelations(decision)
  const why = rules.find(({ id }) => id === reason)?.sentence ?? 'It does not reach that organisation.'
  await context.database.transaction((transaction) =>
    record(transaction, context, caller, standing, {
      action: 'ask-assistance',
      decision: 'deny',
      rules: [reason],
      subject: JSON.stringify({ handling }),
    }),
  )
  const position = pointer === undefined ? {} : { position: { pointer } }
  throw new Fault('assistance_refused', why, { rule: reason, ...position })
}

/**
 * What it refers to. What the caller does not see is not there. Of its own, the caller may know who sees it (`explain`), and what the
 * other does not see is refused. Of somebody else's it may not: whether the other sees it changes nothing here, and is decided when it reads.
 */
async function referencesOf(
  context: Context,
  caller: Caller,
  standing: Standing,
  readers: readonly Reader[],
  ids: readonly string[],
): Promise<Reference[]> {
  const uuids = ids.map((id) => uuidOf(id) ?? nobody)
  if (uuids.length === 0 || uuids.length > limits.assistanceIndicators)
    throw invalid('/indicators', `It is about 1 to ${limits.assistanceIndicators} indicators.`)
  const visible = await referable(context.database, referencesVisibleTo(context, caller, standing), [...new Set(uuids)])
  const found = new Map<string, Reference>()
  for (const [n, uuid] of uuids.entries()) {
    const pointer = `/indicators/${n}`
    const one = visible.get(uuid)
    if (one === undefined)
      throw new Fault('reference_unknown', 'This indicator is not known here, or not to you.', {
        position: { pointer },
      })
    if (one.originator === caller.reader.organisation?.id) {
      if (one.recalled) throw new Fault('already_recalled', 'This indicator was recalled.', { position: { pointer } })
      const handling = standing.visibility.handling(one.handlingId)
      if (handling === undefined) throw new Error('an indicator has a handling that is not known')
      for (const reader of readers) await refuseUnseen(context, caller, standing, reader, handling, pointer)
    }
    found.set(uuid, { originator: one.originator, uuid })
  }
  return [...found.values()]
}

type Opened = { readonly opened: string } | { readonly answer: AssistanceView }

/** With a key: the answer given before, or a receipt that commits with the asking. @throws {Fault} `idempotency_key_reused` */
async function openOnce(
  transaction: Transaction,
  account: string,
  input: AskAssistanceInput,
  at: Date,
): Promise<Opened | undefined> {
  if (input.idempotencyKey === undefined) return undefined
  const opened = await openReceipt(transaction, account, at, input.idempotencyKey, abandonedAfterMs)
  if ('opened' in opened) return opened
  const { answer, requestDigest } = opened.earlier
  if (answer === undefined || requestDigest === undefined)
    throw new Fault('idempotency_in_progress', 'A request with this Idempotency-Key is under way.', {
      retryAfterSeconds: 5,
    })
  if (!requestDigest.equals(digestOf(input)))
    throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for a different request.')
  return { answer: JSON.parse(answer) as AssistanceView }
}

const abandonedAfterMs = 5 * 60 * 1000

const digestOf = ({ idempotencyKey: _, ...said }: AskAssistanceInput): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(['assistance', said.to, said.kind, said.text, said.indicators, said.dueAt]))
    .update(JSON.stringify([said.tlp, said.people, said.personalData]))
    .digest()

const nobody = '00000000-0000-0000-0000-000000000000'
