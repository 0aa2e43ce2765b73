import { readingRoles } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import { type Handling, type HandlingInput, handlingText, lawEnforcementUses } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { strictness } from '../domain/tlp.ts'
import type { ShownWidening, Wanted, WideningRequest, WideningSide } from '../domain/widening.ts'
import { narrows } from './narrowing.ts'
import { originatorShown } from './release.ts'
import { mayTravel } from './travelling.ts'

/**
 * The caller's part in a request: the account that asked, and whoever reads at the organisation that is asked. Nobody else knows of it,
 * colleagues of the asker neither: what it is about may be for that account alone (RED).
 */
export function sideOf({ reader }: Caller, request: WideningRequest): WideningSide | undefined {
  if (request.account !== undefined && request.account === reader.account) return 'asked'
  if (request.sentTo !== undefined || request.originator !== reader.organisation?.id) return undefined
  return reader.roles.some((role) => readingRoles.includes(role)) ? 'received' : undefined
}

/**
 * A request as a side may have it.
 * @param now the indicator's present handling, where there is one: a source that became anonymous is not named any more
 */
export function shownWidening(
  reader: Reader,
  side: WideningSide,
  request: WideningRequest,
  now: Handling | undefined,
): ShownWidening {
  const named = side === 'received' || (request.sourceShown && now !== undefined && originatorShown(reader, now))
  const { id, indicator, version, originator, asker, wanted, reason, state, askedAt, closedAt, note } = request
  return {
    ...{ id, side, indicator, version },
    ...(named ? { originator } : {}),
    ...{ asker, wanted, reason, state, askedAt },
    ...(closedAt === undefined ? {} : { closedAt }),
    ...(note === '' ? {} : { note }),
    ...(request.widenedVersion === undefined ? {} : { widenedVersion: request.widenedVersion }),
    // Where the source is, is part of who it is.
    ...(named ? { delivered: !request.waiting } : {}),
    ...(named && request.failure !== undefined ? { failure: request.failure } : {}),
  }
}

/** Whether an organisation of another node may ask for something: what it may not have by this node's own word is not there. */
export const mayAskFor = (asker: Reader, handling: Handling, at: Date, world: World): boolean =>
  handling.attribution === 'named' && mayTravel([asker], handling, at, world)

/** The handling that a request asks for, as an originator would say it: what it is, and beside it what is wanted. */
export function widenedBy(before: HandlingInput, wanted: Wanted): HandlingInput {
  const { releasableTo, notReleasableTo, ...rest } = before
  const { tlp, audience = [], releasableTo: places = [], lawEnforcement } = wanted
  const kept = notReleasableTo?.filter((place) => !places.includes(place))
  return {
    ...rest,
    ...(tlp === undefined ? {} : { tlp }),
    // Whom RED names was said of RED.
    ...(tlp === undefined ? {} : { people: [] }),
    audience: [...new Set([...(before.audience ?? []), ...audience])],
    ...(releasableTo === undefined ? {} : { releasableTo: [...new Set([...releasableTo, ...places])] }),
    ...(kept === undefined ? {} : { notReleasableTo: kept }),
    ...(lawEnforcement === undefined ? {} : { lawEnforcement: freer(lawEnforcement, before.lawEnforcement) }),
  }
}

const freer = (a: Handling['lawEnforcement'], b: Handling['lawEnforcement'] = 'never'): Handling['lawEnforcement'] =>
  lawEnforcementUses.indexOf(a) <= lawEnforcementUses.indexOf(b) ? a : b

/** Whether one handling lets others have what the former did not, and takes nothing away. Whom RED named is for the originator to mind. */
export function widens(before: Handling, after: Handling): boolean {
  const { tlp, organisations, communities } = after
  const opened = before.tlp === 'red' && strictness(tlp) < strictness('red')
  const from = opened ? { ...before, tlp, organisations, communities } : before
  return handlingText(before) !== handlingText(after) && !narrows(from, after)
}
