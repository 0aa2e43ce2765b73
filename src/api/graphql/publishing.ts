import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { actions } from '../../actions/index.ts'
import type { Keyed } from '../../actions/once.ts'
import type { Draft } from '../../domain/draft.ts'
import { Fault } from '../../domain/errors.ts'
import type { HandlingInput } from '../../domain/handling.ts'
import { type DecodedGroups, decoded } from '../../formats/decoded.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import type { JsonObject } from '../../formats/json-text.ts'
import { draftFromRecord } from '../../formats/puente.ts'
import { type Asked, changing } from './asked.ts'
import { globalIdOf, localIdOf } from './global-id.ts'
import { revisionOf } from './revision.ts'

interface PublishArgs {
  readonly input: readonly (JsonObject & { readonly handling?: HandlingInput })[]
  readonly defaults?: HandlingInput
  readonly profile?: string
  readonly idempotencyKey?: string
}

interface ReviseArgs {
  readonly id: string
  readonly revision: JsonObject
  readonly ifVersion?: number
}

/** The fields of `Mutation` about indicators. */
export const indicatorMutations = {
  publish: changing(({ context, caller }: Asked, { input, defaults, profile, idempotencyKey }: PublishArgs) =>
    actions.publish(context, caller, {
      decoded: draftsOf(input),
      defaults: handlingFromRecord({ ...defaults }, '/defaults'),
      requestDigest: () =>
        createHash('sha256')
          .update(JSON.stringify([input, defaults, profile]))
          .digest(),
      ...(profile === undefined ? {} : { profile }),
      ...keyOf({ idempotencyKey }),
    }),
  ),
  revise: changing(({ context, caller }: Asked, { id, revision, ifVersion }: ReviseArgs) =>
    actions.revise(context, caller, {
      id: localIdOf('Indicator', id),
      revision: revisionOf(revision),
      ...(ifVersion === undefined ? {} : { ifVersion }),
    }),
  ),
  recall: changing(async ({ context, caller }: Asked, { id, reason }: { id: string; reason: string }) => {
    const input = { id: localIdOf('Indicator', id), reason: textOf('/reason', reason, 2_000) }
    const { id: stixId, ...recalled } = await actions.recall(context, caller, input)
    return { ...recalled, id: globalIdOf('Indicator', stixId), stixId }
  }),
}

/** Records read at a stretch, in about 3 ms. */
const stretchRecords = 200

/** The records as any other codec yields them: one that is wrong is reported, and the rest is taken. */
async function* draftsOf(input: PublishArgs['input']): DecodedGroups {
  for (let from = 0; from < input.length; from += stretchRecords) {
    yield input.slice(from, from + stretchRecords).map((item, i) => {
      const record = from + i
      return decoded({ record }, () => draftOf(item, { record }, `/input/${record}`))
    })
    await setImmediate()
  }
}

function draftOf(
  { handling, ...item }: PublishArgs['input'][number],
  position: Draft['position'],
  pointer: string,
): Draft {
  const content = typeof item.id === 'string' ? { ...item, id: localIdOf('Indicator', item.id) } : item
  const received = JSON.stringify({ ...content, ...handling })
  return {
    ...draftFromRecord(content, { position, pointer, received, format: 'puente' }),
    handling: handlingFromRecord({ ...handling }, `${pointer}/handling`),
  }
}

export function textOf(pointer: string, text: string, characters: number): string {
  if (text !== '' && text.length <= characters) return text
  throw new Fault('invalid_request', `A text of 1 to ${characters} characters, please.`, { position: { pointer } })
}

/** The argument `idempotencyKey`, if there is one. @throws {Fault} `invalid_request` */
export const keyOf = ({ idempotencyKey }: { readonly idempotencyKey?: string | undefined }): Keyed =>
  idempotencyKey === undefined ? {} : { idempotencyKey: textOf('/idempotencyKey', idempotencyKey, 255) }
