import { randomUUID } from 'node:crypto'
import type { AssistanceKind, AssistanceStep, AssistanceTlp } from '../domain/assistance.ts'
import type { Caller } from '../domain/caller.ts'
import { type Directory, homeOf, readerOfAccount, readerOfOrganisation } from '../domain/directory.ts'
import { parseInstant } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { Reader } from '../domain/reader.ts'
import { assistanceHandling } from '../policy/assistance.ts'
import { appendAssistanceStep, assistanceOf, insertAssistance, type StoredAssistance } from '../store/assistance.ts'
import { referencesOf, refuseUnseen } from './assistance-references.ts'
import { type AssistanceView, viewOf, wordsVisibleTo } from './assistance-view.ts'
import type { Context } from './context.ts'
import { invalid, prose } from './legal-text.ts'
import { type Keyed, once } from './once.ts'
import { refuseMoreAssistance } from './open-askings.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

export interface AskAssistanceInput extends Keyed {
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
}

/**
 * Asks another partner to do something about indicators.
 * @throws {Fault} `invalid_request`, `audience_unknown`, `people_required`, `people_unknown`, `reference_unknown`, `already_recalled`,
 * `assistance_refused`, `rate_limited`, `idempotency_key_reused`
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
    return await context.database.transaction((transaction) =>
      once(
        transaction,
        context,
        caller,
        input,
        [
          'assistance',
          to,
          input.kind,
          input.text,
          input.indicators,
          input.dueAt,
          input.tlp,
          input.people,
          input.personalData,
        ],
        async () => {
          await refuseMoreAssistance(transaction, home, now)
          await insertAssistance(transaction, row, references)
          await appendAssistanceStep(transaction, row, step, handlingId)
          await record(transaction, context, caller, standing, {
            action: 'ask-assistance',
            decision: 'permit',
            rules: ['assistance.two'],
            // Whoever asked may read it: sources that stay anonymous must not stand there.
            subject: JSON.stringify({ assistance: row, references: references.map(({ uuid }) => uuid), step }),
          })
          return row.id
        },
        async (id) => {
          const [made] = await assistanceOf(transaction, wordsVisibleTo(context, caller, judged), { id, limit: 1 })
          if (made === undefined) throw absent()
          return await viewOf(transaction, context, caller, judged, made)
        },
      ),
    )
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
