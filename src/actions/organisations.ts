import type { Caller } from '../domain/caller.ts'
import { parseConstituencyEntry, parseName, parseSlug } from '../domain/enrolment.ts'
import type { Jurisdiction } from '../domain/jurisdiction.ts'
import { parseJurisdiction } from '../domain/jurisdiction.ts'
import type { ConstituencyEntry, Organisation, OrganisationKind } from '../domain/organisation.ts'
import {
  constituenciesOf,
  constituencyOf,
  insertOrganisation,
  replaceConstituency,
  updateOrganisation,
} from '../store/organisations.ts'
import type { Context, Standing } from './context.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** The organisations enrolled here, by id. */
export const listOrganisations = verb(
  'list-organisations',
  async (_context, _caller, _input: undefined, { directory }): Promise<Organisation[]> =>
    [...directory.organisations.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
)

export interface EnrolInput {
  readonly id: string
  readonly name: string
  readonly kind: OrganisationKind
  readonly jurisdiction: Jurisdiction
}

/** @throws {Fault} `invalid_request`, `already_exists` */
export const enrolOrganisation = verb(
  'enrol-organisation',
  async (context: Context, caller: Caller, input: EnrolInput, standing): Promise<Organisation> => {
    const row = {
      id: parseSlug(input.id, '/id'),
      name: parseName(input.name, '/name'),
      kind: input.kind,
      jurisdiction: parseJurisdiction(input.jurisdiction),
    }
    await context.database.transaction(async (transaction) => {
      await insertOrganisation(transaction, row)
      await record(transaction, context, caller, standing, administrative('enrol-organisation', row))
    })
    return { ...row, disabled: false }
  },
)

export interface AmendOrganisationInput {
  readonly id: string
  readonly name?: string
  readonly disabled?: boolean
}

/** @throws {Fault} `not_found`, `invalid_request` */
export const amendOrganisation = verb(
  'amend-organisation',
  async (context: Context, caller: Caller, input: AmendOrganisationInput, standing): Promise<Organisation> => {
    const known = organisationOf(standing, input.id)
    const change = {
      ...(input.name === undefined ? {} : { name: parseName(input.name, '/name') }),
      ...(input.disabled === undefined ? {} : { disabledAt: input.disabled ? context.clock() : null }),
    }
    if (Object.keys(change).length > 0) {
      await context.database.transaction(async (transaction) => {
        await updateOrganisation(transaction, input.id, change)
        await record(
          transaction,
          context,
          caller,
          standing,
          administrative('amend-organisation', { id: input.id, ...change }),
        )
      })
    }
    return {
      ...known,
      ...(change.name === undefined ? {} : { name: change.name }),
      disabled: input.disabled ?? known.disabled,
    }
  },
)

/** What an organisation answers for. @throws {Fault} `not_found` */
export const readConstituency = verb(
  'read-constituency',
  async (
    context: Context,
    _caller,
    input: { readonly organisation: string },
    standing,
  ): Promise<ConstituencyEntry[]> => {
    organisationOf(standing, input.organisation)
    return await constituencyOf(context.database, input.organisation)
  },
)

/** The same for many organisations at once, in the order asked: one statement for a page of them. */
export const readConstituencies = verb(
  'read-constituency',
  async (
    context: Context,
    _caller,
    input: { readonly organisations: readonly string[] },
  ): Promise<ConstituencyEntry[][]> => {
    const found = await constituenciesOf(context.database, [...new Set(input.organisations)])
    return input.organisations.map((id) => found.get(id) ?? [])
  },
)

/** Replaces what an organisation answers for. @throws {Fault} `not_found`, `invalid_request` */
export const setConstituency = verb(
  'set-constituency',
  async (
    context: Context,
    caller: Caller,
    input: { readonly organisation: string; readonly entries: readonly ConstituencyEntry[] },
    standing,
  ): Promise<ConstituencyEntry[]> => {
    organisationOf(standing, input.organisation)
    const entries = input.entries.map((entry, i) => parseConstituencyEntry(entry, `/entries/${i}`))
    const unique = [...new Map(entries.map((entry) => [`${entry.kind} ${entry.value}`, entry])).values()]
    await context.database.transaction(async (transaction) => {
      await replaceConstituency(transaction, input.organisation, unique)
      const subject = { organisation: input.organisation, entries: unique }
      await record(transaction, context, caller, standing, administrative('set-constituency', subject))
    })
    return await constituencyOf(context.database, input.organisation)
  },
)

/** @throws {Fault} `not_found` */
export function organisationOf({ directory }: Standing, id: string): Organisation {
  const known = directory.organisations.get(id)
  if (known === undefined) throw absent()
  return known
}

/** The audit entry of an administrative act: who may do it was asked before. */
export const administrative = <Name extends Parameters<typeof record>[4]['action']>(action: Name, subject: object) => ({
  action,
  decision: 'permit' as const,
  rules: [`action.${action}`],
  subject: JSON.stringify(subject),
})
