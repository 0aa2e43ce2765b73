import type { Agreement } from '../domain/agreement.ts'
import type { Caller } from '../domain/caller.ts'
import { parseInstant, parseName, parseSlug } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { parseJurisdiction } from '../domain/jurisdiction.ts'
import { insertAgreement, updateAgreementEnd } from '../store/agreements.ts'
import type { Context } from './context.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** Every agreement, ended ones too: what decisions rest on is open to all who are enrolled. */
export const listAgreements = verb(
  'list-agreements',
  async (_context, _caller, _input: undefined, { directory }): Promise<readonly Agreement[]> => directory.agreements,
)

export type AddAgreementInput = Omit<Agreement, 'example'> & { readonly example?: boolean }

/** @throws {Fault} `invalid_request`, `already_exists` */
export const addAgreement = verb(
  'add-agreement',
  async (context: Context, caller: Caller, input: AddAgreementInput, standing): Promise<Agreement> => {
    const agreement = parseAgreement(input)
    await context.database.transaction(async (transaction) => {
      await insertAgreement(transaction, agreement)
      await record(transaction, context, caller, standing, administrative('add-agreement', agreement))
    })
    return agreement
  },
)

export interface EndAgreementInput {
  readonly id: string
  /** ISO 8601; now when absent. Never in the past: decisions were taken on it. */
  readonly at?: string
}

/** @throws {Fault} `not_found`, `invalid_request`, `agreement_immutable` */
export const endAgreement = verb(
  'end-agreement',
  async (context: Context, caller: Caller, input: EndAgreementInput, standing): Promise<Agreement> => {
    const known = standing.directory.agreements.find(({ id }) => id === input.id)
    if (known === undefined) throw absent()
    const now = context.clock()
    const validTo = input.at === undefined ? now.toISOString() : parseInstant(input.at, '/at')
    if (Date.parse(validTo) < now.getTime()) throw invalid('/at', 'An agreement cannot be ended in the past.')
    if (Date.parse(validTo) <= Date.parse(known.validFrom)) throw invalid('/at', 'It has not begun by then.')
    await context.database.transaction(async (transaction) => {
      await updateAgreementEnd(transaction, input.id, new Date(validTo))
      await record(transaction, context, caller, standing, administrative('end-agreement', { id: input.id, validTo }))
    })
    return { ...known, validTo }
  },
)

function parseAgreement(input: AddAgreementInput): Agreement {
  const parties = [...new Set(input.parties.map(parseJurisdiction))].sort()
  if (parties.length < 2) throw invalid('/parties', 'An agreement is between two jurisdictions at least.')
  if (input.purposes.length === 0) throw invalid('/purposes', 'An agreement is for some purpose.')
  const validFrom = parseInstant(input.validFrom, '/validFrom')
  const validTo = input.validTo === undefined ? undefined : parseInstant(input.validTo, '/validTo')
  if (validTo !== undefined && Date.parse(validTo) <= Date.parse(validFrom)) {
    throw invalid('/validTo', 'An agreement ends after it begins.')
  }
  return {
    id: parseSlug(input.id, '/id'),
    name: parseName(input.name, '/name'),
    parties,
    maxTlp: input.maxTlp,
    purposes: [...new Set(input.purposes)],
    personalData: input.personalData,
    validFrom,
    ...(validTo === undefined ? {} : { validTo }),
    citation: parseName(input.citation, '/citation'),
    example: input.example ?? false,
  }
}

const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
