import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { decide } from './decide.ts'
import { mayBeFollowed } from './feed.ts'

/**
 * Whether something may go to a node, or be kept there: when an organisation homed there may read it whole, for defence. RED stays
 * where it is; masked forms do not travel, since what is sealed is the value itself.
 * @param readers what the directory knows of the organisations homed there (`readerOfOrganisation`)
 */
export const mayTravel = (readers: readonly Reader[], handling: Handling, at: Date, world: World): boolean =>
  mayBeFollowed(handling) &&
  readers.some((reader) => decide(reader, handling, 'defence', at, world).effect === 'permit')

/** RED stays; what is said anonymously names its originator in the sealed bytes, so it stays too; what nobody understands likewise. */
export const mayLeave = (handling: Handling): boolean =>
  mayBeFollowed(handling) && handling.attribution === 'named' && handling.unknown !== true
