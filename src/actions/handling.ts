import type { Caller } from '../domain/caller.ts'
import type { Directory } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { canonicalHandling, type Handling, type HandlingInput, ownAudience } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { knowsCommunity } from '../policy/knowing.ts'
import { needsCredentials } from '../policy/permissions.ts'

/** What the observables say about handling. */
export interface TypeFacts {
  readonly personalData: boolean
  readonly maskable: boolean
}

const communityPrefix = 'community:'

/**
 * Turns what was said about handling into a handling, by the directory as the publisher may know it. A community the publisher
 * does not belong to is answered as one that does not exist.
 * @param shared communities it is shared with already: they may stay, also after the publisher left them
 * @throws {Fault} `marking_required`, `audience_required`, `audience_unknown`, `people_required`, `people_unknown`
 */
export function resolveHandling(
  directory: Directory,
  caller: Caller,
  said: HandlingInput,
  type: TypeFacts,
  shared: readonly string[] = [],
): Handling {
  const originator = caller.reader.organisation?.id
  if (originator === undefined) throw new Fault('credentials_required', needsCredentials)
  const { tlp } = said
  if (tlp === undefined) {
    throw new Fault(
      'marking_required',
      'No TLP label: give "tlp" with it, or where indicators are published ?tlp= for all that have none.',
    )
  }
  const { organisations, communities } = resolveAudience(directory, caller, said.audience ?? [], originator, shared)
  if ((tlp === 'amber' || tlp === 'amber+strict') && organisations.length + communities.length === 0) {
    throw new Fault(
      'audience_required',
      `TLP:${tlp.toUpperCase()} needs an audience: organisations, or community:<id>.`,
    )
  }
  const people = resolvePeople(directory, said.people ?? [])
  if (tlp === 'red' && people.length === 0) {
    throw new Fault('people_required', 'TLP:RED needs the accounts it is for, as `people`.')
  }
  return canonicalHandling({
    originator,
    tlp,
    pap: said.pap ?? 'green',
    organisations,
    communities,
    people,
    ...(said.releasableTo === undefined ? {} : { releasableTo: said.releasableTo }),
    ...(said.notReleasableTo === undefined ? {} : { notReleasableTo: said.notReleasableTo }),
    lawEnforcement: said.lawEnforcement ?? 'on-request',
    personalData: type.personalData || said.personalData === true,
    maskable: type.maskable,
    attribution: said.attribution ?? 'named',
    ...(said.expiresAt === undefined ? {} : { expiresAt: said.expiresAt }),
  })
}

/** Whether whom it is for is known. @throws {Fault} `audience_unknown`, `people_unknown`, `invalid_handling` */
export function checkAddressed(directory: Directory, caller: Caller, said: HandlingInput): void {
  resolveAudience(directory, caller, said.audience ?? [], caller.reader.organisation?.id ?? '', [])
  resolvePeople(directory, said.people ?? [])
}

/** @throws {Fault} `audience_unknown`, alike for a community that does not exist and for one that the caller does not belong to */
export function resolveAudience(
  directory: Directory,
  caller: Caller,
  items: readonly string[],
  originator: string,
  shared: readonly string[],
) {
  if (items.length > limits.audienceItems) {
    throw new Fault('invalid_handling', `An audience has at most ${limits.audienceItems} items.`)
  }
  const organisations: string[] = []
  const communities: string[] = []
  for (const item of items) {
    if (item === ownAudience) {
      organisations.push(originator)
    } else if (item.startsWith(communityPrefix)) {
      const id = item.slice(communityPrefix.length)
      const known = shared.includes(id) || knowsCommunity(caller, id)
      if (!directory.communities.has(id) || !known) throw unknownAudience(item)
      communities.push(id)
    } else {
      if (!directory.organisations.has(item)) throw unknownAudience(item)
      organisations.push(item)
    }
  }
  return { organisations, communities }
}

const unknownAudience = (item: string) =>
  new Fault(
    'audience_unknown',
    `"${item.slice(0, 80)}" is no organisation, nor a community you belong to (write community:<id>).`,
  )

function resolvePeople(directory: Directory, items: readonly string[]): readonly string[] {
  for (const item of items) {
    if (!directory.accounts.has(item)) throw new Fault('people_unknown', `"${item.slice(0, 80)}" is no account here.`)
  }
  return items
}

/** A handling as it could have been said: what a revision does not change, and what is added to an event inherits. */
export function inputOf(handling: Handling): HandlingInput {
  const { tlp, pap, people, releasableTo, notReleasableTo, lawEnforcement, personalData, attribution, expiresAt } =
    handling
  return {
    tlp,
    pap,
    audience: [...handling.organisations, ...handling.communities.map((id) => `community:${id}`)],
    people,
    lawEnforcement,
    personalData,
    attribution,
    ...(releasableTo === undefined ? {} : { releasableTo }),
    ...(notReleasableTo === undefined ? {} : { notReleasableTo }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}
