import type { Handling } from '../../src/domain/handling.ts'
import type { Reader } from '../../src/domain/reader.ts'
import { oracle } from '../policy/oracle.ts'
import { type ModelDirectory, worldOf } from './model-world.ts'

/** Something that must always hold and did not; the message begins with which. */
export class Broken extends Error {}

/** The last version of everything, by originator and id, as its originating node has it. */
export type Truth = Map<string, { readonly home: number; readonly version: number; readonly recalled: boolean }>

/** Asked of the second reading of the policy, which shares no code with the one that the nodes use. */
export const allowed = (readers: readonly Reader[], handling: Handling, at: Date, directory: ModelDirectory): boolean =>
  handling.tlp !== 'red' &&
  readers.some((reader) => oracle(reader, handling, 'defence', at, worldOf(directory)).effect === 'permit')
