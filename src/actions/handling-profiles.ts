import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { HandlingInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import type { Queries } from '../store/database.ts'
import {
  type HandlingProfileRow,
  profilesOf,
  readProfile,
  removeProfileRow,
  writeProfile,
} from '../store/handling-profiles.ts'
import type { Context } from './context.ts'
import { checkAddressed } from './handling.ts'
import { administrative } from './organisations.ts'
import { absent } from './read.ts'
import { record, verb } from './verb.ts'

/** Handling that an organisation keeps under a name; what it publishes may name it instead of saying all of it again. */
export interface HandlingProfile extends HandlingInput {
  readonly name: string
  readonly amendedAt: string
}

/** Those of the caller's organisation, by name. */
export const listHandlingProfiles = verb(
  'list-handling-profiles',
  async (context: Context, caller: Caller, _input: undefined): Promise<HandlingProfile[]> =>
    (await profilesOf(context.database, homeOf(caller))).map(shown),
)

export interface SetHandlingProfileInput {
  readonly name: string
  readonly handling: HandlingInput
}

/**
 * Keeps handling under a name of the caller's organisation, in place of what was there.
 * @throws {Fault} `invalid_request`, `invalid_handling`, `audience_unknown`, `people_unknown`
 */
export const setHandlingProfile = verb(
  'set-handling-profile',
  async (context: Context, caller: Caller, input: SetHandlingProfileInput, standing): Promise<HandlingProfile> => {
    const { name, handling } = input
    if (!profileName.test(name)) throw new Fault('invalid_request', named, { position: { pointer: '/name' } })
    if (Object.keys(handling).length === 0) throw new Fault('invalid_handling', 'This profile says nothing.')
    checkAddressed(standing.directory, caller, handling)
    const organisation = homeOf(caller)
    const row = { organisation, name, handling: JSON.stringify(handling), amendedAt: context.clock() }
    await context.database.transaction(async (transaction) => {
      const others = (await profilesOf(transaction, organisation)).filter((each) => each.name !== name)
      if (others.length >= limits.handlingProfiles) {
        throw new Fault('invalid_request', `An organisation has at most ${limits.handlingProfiles} profiles.`)
      }
      await writeProfile(transaction, row)
      const subject = { organisation, name, handling }
      await record(transaction, context, caller, standing, administrative('set-handling-profile', subject))
    })
    return shown(row)
  },
)

/** @throws {Fault} `not_found` */
export const removeHandlingProfile = verb(
  'remove-handling-profile',
  async (context: Context, caller: Caller, { name }: { readonly name: string }, standing): Promise<void> => {
    const organisation = homeOf(caller)
    await context.database.transaction(async (transaction) => {
      if (!(await removeProfileRow(transaction, organisation, name))) throw absent()
      await record(
        transaction,
        context,
        caller,
        standing,
        administrative('remove-handling-profile', { organisation, name }),
      )
    })
  },
)

/** What a profile of the caller's organisation says. @throws {Fault} `handling_profile_unknown` */
export async function profileNamed(queries: Queries, caller: Caller, name: string): Promise<HandlingInput> {
  const row = await readProfile(queries, homeOf(caller), name)
  if (row !== undefined) return JSON.parse(row.handling) as HandlingInput
  throw new Fault('handling_profile_unknown', `Your organisation has no handling profile "${name.slice(0, 63)}".`)
}

const profileName = /^[a-z0-9][a-z0-9-]{0,62}$/
const named = 'A profile is named by small letters, digits and hyphens, 63 at most.'

const homeOf = ({ reader }: Caller): string => reader.organisation?.id ?? ''

const shown = ({ name, handling, amendedAt }: HandlingProfileRow): HandlingProfile => ({
  name,
  ...(JSON.parse(handling) as HandlingInput),
  amendedAt: amendedAt.toISOString(),
})
