import { createHash } from 'node:crypto'
import { actions } from '../../actions/index.ts'
import type { ObservationTotals } from '../../actions/observation-stream.ts'
import { toTheEnd } from '../../actions/observe.ts'
import type { ObservationReport, Observations } from '../../actions/read-observations.ts'
import type { JsonObject } from '../../formats/json-text.ts'
import { type Asked, changing, withoutNulls } from './asked.ts'

/** The largest Int of GraphQL; it stands for whatever is more. */
const mostInt = 2 ** 31 - 1
export const asInt = (count: number): number => Math.min(count, mostInt)

interface ObserveArgs {
  readonly observations: readonly JsonObject[]
  readonly idempotencyKey?: string
}

/** The fields of `Mutation` about observations: a few of them; streams have a door of their own. */
export const observationMutations = {
  observe: changing(
    async ({ context, caller }: Asked, { observations, idempotencyKey }: ObserveArgs): Promise<ObservationTotals> => {
      const lines = Buffer.from(observations.map((each) => `${JSON.stringify(withoutNulls(each))}\n`).join(''))
      const observing = await actions.observe(context, caller, {
        format: 'ndjson',
        body: inOne(lines),
        answer: 'counts',
        requestDigest: () => createHash('sha256').update('graphql').update(lines).digest(),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      })
      return await toTheEnd(observing)
    },
  ),
}

async function* inOne(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** Fields of types that are not simply members of what the actions return. */
export const observationTypes = {
  Observations: {
    stixId: ({ id }: Observations) => id,
    times: ({ times }: Observations) => asInt(times),
  },
  ObservationReport: {
    times: ({ times }: ObservationReport) => asInt(times),
  },
  ObservationTotals: {
    events: ({ events }: ObservationTotals) => asInt(events),
    matched: ({ matched }: ObservationTotals) => asInt(matched),
  },
}
