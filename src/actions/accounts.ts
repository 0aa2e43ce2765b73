import { type Account, checkRoles, type Role } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { parseAccountId, parseName } from '../domain/enrolment.ts'
import type { StixMarkings } from '../domain/stix-markings.ts'
import { insertAccount, updateAccount } from '../store/accounts.ts'
import type { Context, Standing } from './context.ts'
import { administrative, organisationOf } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** The accounts of the caller's organisation; all of them for the operator's administrators. */
export const listAccounts = verb(
  'list-accounts',
  async (_context, caller: Caller, input: { readonly organisation?: string }, { directory }): Promise<Account[]> =>
    [...directory.accounts.values()]
      .filter((each) => input.organisation === undefined || each.organisation === input.organisation)
      .filter((each) => caller.operator || each.organisation === caller.reader.organisation?.id)
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  { organisation: ({ organisation }) => organisation },
)

export interface CreateAccountInput {
  readonly id: string
  readonly organisation: string
  readonly name: string
  readonly roles: readonly Role[]
  /** `tlp2` when absent. */
  readonly stixMarkings?: StixMarkings
}

/** @throws {Fault} `invalid_request`, `roles_forbidden`, `already_exists`, `not_found` */
export const createAccount = verb(
  'create-account',
  async (context: Context, caller: Caller, input: CreateAccountInput, standing): Promise<Account> => {
    organisationOf(standing, input.organisation)
    const row = {
      id: parseAccountId(input.id, '/id'),
      organisation: input.organisation,
      name: parseName(input.name, '/name'),
      roles: checkRoles(input.roles),
      stixMarkings: input.stixMarkings ?? 'tlp2',
    }
    await context.database.transaction(async (transaction) => {
      await insertAccount(transaction, row)
      await record(transaction, context, caller, standing, administrative('create-account', row))
    })
    return { ...row, disabled: false }
  },
  { organisation: ({ organisation }) => organisation },
)

export interface AmendAccountInput {
  readonly id: string
  readonly name?: string
  readonly roles?: readonly Role[]
  readonly disabled?: boolean
  readonly stixMarkings?: StixMarkings
}

/** @throws {Fault} `invalid_request`, `roles_forbidden`, `not_found` */
export const amendAccount = verb(
  'amend-account',
  async (context: Context, caller: Caller, input: AmendAccountInput, standing): Promise<Account> => {
    const known = accountOf(standing, input.id)
    const change = {
      ...(input.name === undefined ? {} : { name: parseName(input.name, '/name') }),
      ...(input.roles === undefined ? {} : { roles: checkRoles(input.roles) }),
      ...(input.disabled === undefined ? {} : { disabledAt: input.disabled ? context.clock() : null }),
      ...(input.stixMarkings === undefined ? {} : { stixMarkings: input.stixMarkings }),
    }
    if (Object.keys(change).length > 0) {
      await context.database.transaction(async (transaction) => {
        await updateAccount(transaction, input.id, change)
        await record(
          transaction,
          context,
          caller,
          standing,
          administrative('amend-account', { id: input.id, ...change }),
        )
      })
    }
    const { disabledAt, ...shown } = change
    return { ...known, ...shown, disabled: disabledAt === undefined ? known.disabled : disabledAt !== null }
  },
  { organisation: organisationOfAccount },
)

/** The organisation an account belongs to; one that does not exist belongs to nobody, the caller included. */
export function organisationOfAccount(input: { readonly id: string }, { directory }: Standing): string {
  return directory.accounts.get(input.id)?.organisation ?? ''
}

/** @throws {Fault} `not_found` */
export function accountOf({ directory }: Standing, id: string): Account {
  const known = directory.accounts.get(id)
  if (known === undefined) throw absent()
  return known
}
