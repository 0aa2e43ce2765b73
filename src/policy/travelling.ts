import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { decide } from './decide.ts'
import { mayBeFollowed } from './feed.ts'

/**
 * Whether something may go to a node, or be kept there: when an organisation homed there may read it whole, for defence. RED stays
 * where it is; masked forms do not travel, since what is sealed is the value itself.
 * @param readers what the directory knows of the organisations homed there (`readerOfOrganisation`)
 */
export function mayTravel(readers: readonly Reader[], handling: Handling, at: Date, world: World): boolean {
  const answers = answersFor(readers, at.getTime(), world)
  const known = answers.get(handling)
  if (known !== undefined) return known
  const may =
    mayBeFollowed(handling) &&
    readers.some((reader) => decide(reader, handling, 'defence', at, world).effect === 'permit')
  answers.set(handling, may)
  return may
}

/**
 * A page has a thousand envelopes under few handlings: each is decided once for the same readers, instant and world. By the object, which
 * envelopes of one handling share once they are read.
 */
const answered = new WeakMap<readonly Reader[], { at: number; world: World; answers: WeakMap<Handling, boolean> }>()

function answersFor(readers: readonly Reader[], at: number, world: World): WeakMap<Handling, boolean> {
  const known = answered.get(readers)
  if (known?.at === at && known.world === world) return known.answers
  const answers = new WeakMap<Handling, boolean>()
  answered.set(readers, { at, world, answers })
  return answers
}

/** RED stays; what is said anonymously names its originator in the sealed bytes, so it stays too; what nobody understands likewise. */
export const mayLeave = (handling: Handling): boolean =>
  mayBeFollowed(handling) && handling.attribution === 'named' && handling.unknown !== true
