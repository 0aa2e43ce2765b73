import type { FaultCode, RecordFault } from '../domain/errors.ts'
import type { Existing } from '../store/reads.ts'
import type { Committed, PushOrigin } from './batch.ts'
import type { Identified } from './identify.ts'
import { recallOne } from './recall.ts'

/** STIX `revoked: true`: a recall of what is known; of what never was, there is nothing to recall. */
export async function recallPushed(
  { context, caller, standing }: PushOrigin,
  items: readonly Identified[],
  known: ReadonlyMap<string, Existing>,
): Promise<Committed> {
  const refused: RecordFault[] = []
  let [accepted, unchanged] = [0, 0]
  for (const { uuid, draft } of items) {
    const there = known.get(uuid)
    if (there === undefined) {
      const code: FaultCode = 'object_not_kept'
      refused.push({ position: draft.position, code, message: 'It is revoked, and was never published here.' })
    } else if (there.recalled) unchanged++
    else {
      await recallOne(context, caller, standing, uuid, 'revoked by its publisher')
      accepted++
    }
  }
  return { accepted, unchanged, refused }
}
