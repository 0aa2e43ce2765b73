import { actions } from '../../actions/index.ts'
import type { ReadObjectInput } from '../../actions/objects.ts'
import type { RecallObjectInput } from '../../actions/recall-object.ts'
import { parseInstant } from '../../domain/enrolment.ts'
import { limits } from '../../domain/limits.ts'
import type { ReleasedObject } from '../../domain/released.ts'
import { markedFor } from '../../formats/tlp-objects.ts'
import { type Asked, changing, orNull, reading } from './asked.ts'
import { localIdOf } from './global-id.ts'
import { within } from './indicators.ts'

interface PageArgs {
  readonly type?: readonly string[]
  readonly since?: string
  readonly first?: number
  readonly after?: string
}

/** The fields of `Query` about STIX objects that are no indicators. */
export const objectQueries = {
  stixObjects: reading(async ({ context, caller }: Asked, { type, since, first, after }: PageArgs) => {
    const page = await actions['list-objects'](context, caller, {
      filter: {
        ...(type === undefined ? {} : { type }),
        ...(since === undefined ? {} : { since: parseInstant(since, '/since') }),
      },
      limit: within('/first', first ?? limits.pageRecordsDefault, limits.pageRecords),
      ...(after === undefined ? {} : { cursor: after }),
    })
    const last = page.items.length - 1
    return {
      edges: page.items.map((node, i) => ({
        node,
        get cursor() {
          return page.cursorAfter(i)
        },
      })),
      pageInfo: {
        hasNextPage: page.next !== undefined,
        endCursor: last < 0 ? undefined : page.cursorAfter(last),
        hasPreviousPage: after !== undefined,
        startCursor: last < 0 ? undefined : page.cursorAfter(0),
      },
    }
  }),
  stixObject: reading(({ context, caller }: Asked, input: ReadObjectInput) =>
    orNull(actions['read-object'](context, caller, placeOf(input))),
  ),
  stixObjectVersions: reading(({ context, caller }: Asked, input: ReadObjectInput) =>
    orNull(actions['list-object-versions'](context, caller, placeOf(input))),
  ),
}

export const objectMutations = {
  recallStixObject: changing(async ({ context, caller }: Asked, input: RecallObjectInput) => {
    const { id, ...recalled } = await actions['recall-object'](context, caller, input)
    return { stixId: id, ...recalled }
  }),
}

/** Fields that are not simply members of what the actions return. */
export const objectTypes = {
  StixObject: {
    stixId: ({ id }: ReleasedObject) => id,
    stix: ({ stix }: ReleasedObject, _: unknown, { caller }: Asked) => markedFor(stix, caller.markings),
  },
}

const placeOf = ({ id, originator }: ReadObjectInput): ReadObjectInput => ({
  id,
  ...(originator === undefined ? {} : { originator: localIdOf('Organisation', originator) }),
})
