import type { Revision } from '../../actions/revise.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { parseRsit } from '../../domain/rsit.ts'
import { defined, Fields } from '../../formats/fields.ts'
import { handlingFromRecord } from '../../formats/handling-fields.ts'
import { isJsonObject, type JsonObject } from '../../formats/json-text.ts'

/** Characters of an indicator's name. */
const nameCharacters = 1_024

/**
 * A revision within the sizes of the contract.
 * @throws {Fault} `invalid_request` with the member's pointer, also when there is nothing to change; `invalid_handling`
 */
export function revisionOf(input: JsonObject): Revision {
  const fields = new Fields(input, '/revision', 'invalid_request')
  const rsit = fields.text('class', 64)
  const handling = isJsonObject(input.handling) ? input.handling : {}
  const changed = Object.keys({ ...input, ...handling }).filter((name) => name !== 'handling')
  if (changed.length === 0) {
    throw new Fault('invalid_request', 'The revision changes nothing.', { position: { pointer: '/revision' } })
  }
  return defined<Revision>({
    name: fields.text('name', nameCharacters),
    description: fields.text('description', limits.textCharacters),
    class: rsit === undefined ? undefined : fields.parsed('class', () => parseRsit(rsit)),
    confidence: fields.integer('confidence', 0, 100),
    labels: fields.texts('labels', limits.labels),
    validFrom: fields.time('validFrom'),
    validUntil: fields.time('validUntil'),
    firstSeen: fields.time('firstSeen'),
    lastSeen: fields.time('lastSeen'),
    handling: handlingFromRecord(handling, '/revision/handling'),
  })
}
