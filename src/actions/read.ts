import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import type { Indicator } from '../domain/indicator.ts'
import type { Released } from '../domain/released.ts'
import type { Permitted } from '../policy/visibility.ts'
import { visibleById } from '../store/reads.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import { isSource, type ReadInput } from './named-source.ts'
import { verb } from './verb.ts'
import { permittedFor, recordReading, releaseAll, visibleTo } from './visible.ts'

/**
 * One indicator. Several originators may have published under one STIX id: the caller's own comes first, then the newest.
 * @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see
 */
export const read = verb(
  'read',
  async (context: Context, caller: Caller, input: ReadInput, standing): Promise<Released> => {
    const permitted = permittedFor(context, caller, standing)
    const indicator = await findVisible(context, caller, standing, permitted, input)
    const released = releaseAll(context, caller, standing, permitted, [indicator])
    await recordReading(context, caller, standing, 'read', [indicator])
    const [one] = released
    if (one === undefined) throw absent()
    return one
  },
  { checkedWithRows: true },
)

export const absent = (): Fault => new Fault('not_found', 'There is no such thing here.')

/** @throws {Fault} `not_found` */
export async function findVisible(
  context: Context,
  caller: Caller,
  standing: Standing,
  permitted: Permitted,
  wanted: ReadInput,
): Promise<Indicator> {
  const uuid = uuidOf(wanted.id)
  // Asked even for an id that cannot exist, so that both take the same way and time.
  const found = await visibleById(context.database, visibleTo(permitted, standing, caller, 'whole'), uuid ?? nobody)
  const first = found.find((each) => isSource(context, caller, standing, each, wanted))
  if (first === undefined) throw absent()
  return first
}

const nobody = '00000000-0000-0000-0000-000000000000'
